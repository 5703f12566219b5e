"""What a stranger, or a bad network, can put on the path."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.keying.dtls.pair import OURS, THEIRS, Pair, events_of, met

from offhook.protocols.keying.dtls.association import MOST_BEGINNINGS, DtlsAssociation
from offhook.protocols.keying.dtls.events import DtlsClosed, DtlsFailed, DtlsKeysReady
from offhook.protocols.keying.dtls.intake import BURST, RATE, Budget
from offhook.protocols.keying.dtls.outlet import MOST_WAITING
from offhook.protocols.keying.dtls.records import split_records
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.dtls.states import DtlsState

ROOT = Path(__file__).parents[4]


def ready(pair: Pair) -> bool:
    return all(
        isinstance(events[0], DtlsKeysReady) if events else False for events in pair.told.values()
    )


def introduced() -> Pair:
    pair = Pair()
    pair.introduce()
    pair.start()
    return pair


def test_each_datagram_twice_changes_nothing() -> None:
    pair = introduced()
    pair.run(lambda each: each * 2, lambda each: each * 2)
    assert ready(pair)
    assert [len(events) for events in pair.told.values()] == [1, 1]


@pytest.mark.parametrize("seed", range(6))
def test_handshake_messages_in_any_order_are_put_in_order(seed: int) -> None:
    shuffler = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def shuffled(datagrams: list[bytes]) -> list[bytes]:
        records = split_records(b"".join(datagrams))
        clear = [each for each in records if each.in_clear]
        shuffler.shuffle(clear)
        return [each.octets for each in clear + [each for each in records if not each.in_clear]]

    pair = introduced()
    pair.run(shuffled, shuffled)
    assert ready(pair)
    assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("left", [0.1, 0.5, 0.9])
def test_a_truncated_datagram_is_as_good_as_lost(turn: int, left: float) -> None:
    pair = introduced()
    turns = iter(range(100))

    def cut(datagrams: list[bytes]) -> list[bytes]:
        return [
            each[: int(len(each) * left)] if next(turns) == turn else each for each in datagrams
        ]

    for _ in range(4):
        pair.run(cut, cut)
        pair.active.retry(pair.now)
        pair.passive.retry(pair.now)
    assert not any(isinstance(event, DtlsFailed) for told in pair.told.values() for event in told)
    if turn < 3:
        assert ready(pair)
        assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive


def test_a_lost_last_flight_comes_again_when_the_peer_repeats_its_own() -> None:
    pair = introduced()
    pair.exchange()
    pair.exchange(back=lambda _: [])
    assert pair.told[Role.ACTIVE] == []
    pair.active.retry(pair.now)
    pair.run()
    assert ready(pair)


def test_replayed_flights_of_this_and_another_association_change_nothing() -> None:
    others = [datagram for _, datagram in met().sent]
    pair = met()
    for _ in range(3):
        for datagram in others + [datagram for _, datagram in pair.sent]:
            pair.active.receive_datagram(datagram, pair.now)
            pair.passive.receive_datagram(datagram, pair.now)
            pair.now += 0.1
    pair.run()
    assert [len(events) for events in pair.told.values()] == [1, 1]
    assert pair.active.state is pair.passive.state is DtlsState.KEYED


def forged_alert(level: int, description: int, *, epoch: int, more: int = 0) -> bytes:
    head = bytes((21, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 99, 0, 2 + more, level, description))
    return head + bytes(more)


@pytest.mark.parametrize("epoch", [0, 1, 2, 255])
@pytest.mark.parametrize("description", [0, 42])
def test_an_alert_in_clear_or_made_up_doesn_t_end_what_has_keys(
    epoch: int, description: int
) -> None:
    pair = met()
    for more in range(40):
        for each in (pair.active, pair.passive):
            each.receive_datagram(
                forged_alert(2, description, epoch=epoch, more=more), pair.now + more
            )
    pair.run()
    assert pair.active.state is pair.passive.state is DtlsState.KEYED


def test_the_listening_side_heeds_a_client_hello_alone() -> None:
    passive = DtlsAssociation(THEIRS, Role.PASSIVE)
    passive.set_remote([OURS.fingerprint()], 0.0)
    passive.start(0.0)
    strays = [datagram for _, datagram in met().sent[1:]] + [forged_alert(2, 40, epoch=0)]
    for datagram in strays:
        passive.receive_datagram(datagram, 0.0)
    assert passive.state is DtlsState.LISTENING
    assert passive.datagrams_to_send() == []
    assert passive.ignored == sum(len(split_records(each)) for each in strays)


@pytest.mark.parametrize("kind", [20, 21, 22, 23])
def test_short_records_of_an_epoch_to_come_don_t_end_a_handshake(kind: int) -> None:
    def salted(datagrams: list[bytes]) -> list[bytes]:
        junk = [
            bytes((kind, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 50 + size, 0, size)) + bytes(size)
            for epoch in (1, 2)
            for size in (0, 1, 2, 23)
        ]
        return [piece for each in datagrams for piece in (*junk, each, *junk)]

    pair = introduced()
    pair.run(salted, salted)
    assert ready(pair)


def test_a_client_hello_that_strays_to_the_active_side_doesn_t_end_it() -> None:
    pair = introduced()
    pair.active.receive_datagram(met().sent[0][1], pair.now)
    pair.run()
    assert ready(pair)


def test_who_begins_anew_is_taken_up_as_long_as_nobody_has_shown_a_certificate() -> None:
    pair = introduced()
    pair.passive.receive_datagram(met().sent[0][1], pair.now)
    assert pair.passive.state is DtlsState.SHAKING
    pair.passive.datagrams_to_send()
    pair.run()
    assert ready(pair)


def test_once_a_certificate_was_shown_nobody_else_begins() -> None:
    pair = introduced()
    pair.exchange()
    (last_flight,) = pair.active.datagrams_to_send()
    certificate, *others = (each.octets for each in split_records(last_flight))
    pair.passive.receive_datagram(certificate, pair.now)
    pair.passive.receive_datagram(met().sent[0][1], pair.now)
    pair.passive.receive_datagram(b"".join(others), pair.now)
    pair.run()
    assert ready(pair)


def test_what_nobody_fetches_doesn_t_pile_up() -> None:
    pair = introduced()
    for _ in range(1000):
        pair.active.retry(pair.now)
    assert len(pair.active.datagrams_to_send()) == MOST_WAITING


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_changed_on_the_way_nothing_raises_and_no_wrong_key_comes_out(
    data: st.DataObject,
) -> None:
    pair = introduced()
    hit = data.draw(st.integers(0, 3))
    places = data.draw(st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=4))
    turns = iter(range(1000))

    def changed(datagrams: list[bytes]) -> list[bytes]:
        through = []
        for each in datagrams:
            if next(turns) == hit:
                octets = bytearray(each)
                for place, change in places:
                    octets[int(place * len(each))] ^= change
                through.append(bytes(octets))
            else:
                through.append(each)
        return through

    pair.run(changed, changed)
    keys = {
        role: event
        for role, events in pair.told.items()
        for event in events
        if isinstance(event, DtlsKeysReady)
    }
    if len(keys) == 2:
        assert keys[Role.ACTIVE].send == keys[Role.PASSIVE].receive
        assert keys[Role.ACTIVE].receive == keys[Role.PASSIVE].send


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20), st.sampled_from(list(Role)))
def test_garbage_never_raises(garbage: list[bytes], role: Role) -> None:
    association = DtlsAssociation(OURS, role)
    association.set_remote([THEIRS.fingerprint()], 0.0)
    association.start(0.0)
    for each in garbage:
        association.receive_datagram(each, 0.0)
        association.receive_datagram(b"\x16\xfe\xfd" + each, 0.0)
        size = len(each).to_bytes(2, "big")
        association.receive_datagram(b"\x16\xfe\xfd" + bytes(8) + size + each, 0.0)
    assert not any(isinstance(event, DtlsKeysReady) for event in events_of(association))


def hello(seed: int) -> bytes:
    datagram = bytearray(met_hello)
    datagram[27:59] = random.Random(seed).randbytes(32)  # noqa: S311 - repeatable, not secret
    return bytes(datagram)


met_hello = met().sent[0][1]


def test_a_flood_of_client_hellos_costs_little_and_is_answered_little() -> None:
    passive = DtlsAssociation(THEIRS, Role.PASSIVE)
    passive.start(0.0)
    start, sent = time.process_time(), 0
    for number in range(20_000):
        passive.receive_datagram(hello(number % 500), number / 20_000)
        sent += sum(len(each) for each in passive.datagrams_to_send())
    assert sent <= (MOST_BEGINNINGS + BURST + 64) * 1200
    assert passive.ignored > 19_000
    assert time.process_time() - start < 5
    assert passive.state is DtlsState.SHAKING


def test_only_so_many_beginnings_are_taken_up() -> None:
    passive = DtlsAssociation(THEIRS, Role.PASSIVE)
    passive.start(0.0)
    answered = 0
    for number in range(3 * MOST_BEGINNINGS):
        passive.receive_datagram(hello(number), float(number))
        answered += bool(passive.datagrams_to_send())
    assert answered == MOST_BEGINNINGS


def test_before_the_answer_whoever_comes_is_sent_little_more_than_was_received() -> None:
    """The address may be forged (RFC 6347 §4.2.1), and whose it is would be flooded."""
    passive = DtlsAssociation(THEIRS, Role.PASSIVE)
    passive.start(100.0)
    passive.receive_datagram(met_hello, 100.0)
    sent = b"".join(passive.datagrams_to_send())
    assert 0 < len(sent) < 4 * len(met_hello)
    assert passive.deadline() is None
    for second in range(101, 200):
        passive.tick(float(second))
    assert passive.datagrams_to_send() == []
    passive.set_remote([OURS.fingerprint()], 200.0)
    assert passive.deadline() is not None
    passive.tick(200.0)
    assert passive.datagrams_to_send() == [sent]


def test_with_the_answer_the_real_peer_s_beginning_counts_again() -> None:
    pair = Pair()
    pair.passive.start(pair.now)
    for number in range(3 * MOST_BEGINNINGS):
        pair.passive.receive_datagram(hello(number), pair.now + number)
    pair.passive.datagrams_to_send()
    pair.introduce()
    pair.active.start(pair.now)
    pair.run()
    assert ready(pair)


def test_a_budget_is_refilled_by_time_and_never_overflows() -> None:
    budget = Budget()
    assert sum(budget.take(0.0) for _ in range(500)) == BURST
    assert sum(budget.take(0.5) for _ in range(500)) == RATE / 2
    assert sum(budget.take(1000.0) for _ in range(500)) == BURST
    assert sum(budget.take(999.0) for _ in range(500)) == 0


def test_a_real_peer_gets_through_between_the_floods() -> None:
    pair = Pair()
    pair.introduce()
    pair.start()
    for number in range(1000):
        pair.passive.receive_datagram(b"\x16" + bytes(50), pair.now + number / 1000)
    pair.now += 3
    pair.active.retry(pair.now)
    pair.run()
    assert ready(pair)


FLOOD = """
import resource, sys
from tests.protocols.keying.dtls.test_hostile import unfinished, met_hello
from tests.protocols.keying.dtls.pair import THEIRS
from offhook.protocols.keying.dtls.association import DtlsAssociation
from offhook.protocols.keying.dtls.setup import Role

passive = DtlsAssociation(THEIRS, Role.PASSIVE)
passive.start(0.0)
passive.receive_datagram(met_hello, 0.0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for number in range(4000):
    passive.receive_datagram(unfinished(number), number / 50)
    passive.datagrams_to_send()
assert passive.ignored < 4000, passive.ignored
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def unfinished(number: int) -> bytes:
    """A fragment of a message that is never completed, or a record of an epoch to come."""
    if number % 2:
        body = bytes((16, 0, 0x3F, 0xFF)) + (number % 60000).to_bytes(2, "big")
        body += bytes((0, 0, number % 200, 0, 3, 0xE8)) + bytes(1000)
        epoch = b"\0\0"
    else:
        body, epoch = bytes(1000), b"\0\1"
    size = len(body).to_bytes(2, "big")
    return b"\x16\xfe\xfd" + epoch + number.to_bytes(6, "big") + size + body


def test_fragments_that_are_never_completed_take_a_bounded_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FLOOD],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'firmware'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 8000, "KiB"


def test_a_peer_that_closes_in_the_middle_is_a_failure() -> None:
    pair = introduced()
    pair.exchange()
    pair.passive.close(pair.now)
    assert pair.told[Role.PASSIVE] == []
    pair.active.receive_datagram(forged_alert(1, 0, epoch=0), pair.now)
    (event,) = events_of(pair.active)
    assert isinstance(event, DtlsFailed)
    assert events_of(pair.passive) == [DtlsClosed(by_peer=False)]
