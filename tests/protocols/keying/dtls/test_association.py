from __future__ import annotations

import pytest
from tests.protocols.keying.dtls.pair import (
    BEGAN,
    OURS,
    STRANGER,
    THEIRS,
    Pair,
    events_of,
    met,
)

from offhook.base.errors import LocalError
from offhook.base.state_table import render
from offhook.protocols.keying.dtls.association import PATIENCE_S, DtlsAssociation
from offhook.protocols.keying.dtls.events import DtlsClosed, DtlsFailed
from offhook.protocols.keying.dtls.fingerprint import Fingerprint, fingerprint_of
from offhook.protocols.keying.dtls.identity import DtlsIdentity, make_identity
from offhook.protocols.keying.dtls.profiles import PROFILES
from offhook.protocols.keying.dtls.records import ALERT, split_records
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.dtls.states import ASSOCIATION, DtlsState
from offhook.protocols.keying.srtp_keys import CryptoSuite

BOTH = (Role.ACTIVE, Role.PASSIVE)


def test_both_have_the_same_keys_the_other_way_round() -> None:
    pair = met()
    active, passive = pair.keys(Role.ACTIVE), pair.keys(Role.PASSIVE)
    assert active.send == passive.receive
    assert active.receive == passive.send
    assert active.send.master != active.receive.master
    assert active.suite == passive.suite == PROFILES[0]
    assert len(active.send.master) == PROFILES[0].master_length
    assert (active.peer, passive.peer) == (THEIRS.fingerprint(), OURS.fingerprint())


def test_two_handshakes_never_give_the_same_keys() -> None:
    assert met().keys(Role.ACTIVE).send != met().keys(Role.ACTIVE).send


def test_four_flights_are_enough_and_no_datagram_is_too_long() -> None:
    pair = met()
    assert [role for role, _ in pair.sent] == [*BOTH, *BOTH]
    for _, datagram in pair.sent:
        assert len(datagram) <= 1200
        assert b"".join(each.octets for each in split_records(datagram)) == datagram


def test_when_it_is_done_nothing_is_due() -> None:
    pair = met()
    assert pair.active.deadline() is None
    assert pair.passive.deadline() is None
    assert pair.active.datagrams_to_send() == []


@pytest.mark.parametrize("suite", PROFILES, ids=lambda suite: suite.name)
def test_each_profile_can_be_agreed_on(suite: CryptoSuite) -> None:
    pair = Pair(passive=DtlsAssociation(THEIRS, Role.PASSIVE, suites=(suite,)))
    pair.introduce()
    pair.start()
    pair.run()
    keys = pair.keys(Role.ACTIVE)
    assert keys.suite == suite
    assert len(keys.send.master) == len(keys.receive.master) == suite.master_length


def test_the_passive_side_s_preference_decides() -> None:
    pair = Pair(active=DtlsAssociation(OURS, Role.ACTIVE, suites=PROFILES[::-1]))
    pair.introduce()
    pair.start()
    pair.run()
    assert pair.keys(Role.ACTIVE).suite.name == "AEAD_AES_256_GCM"


def test_without_a_common_profile_both_fail() -> None:
    pair = Pair(
        DtlsAssociation(OURS, Role.ACTIVE, suites=PROFILES[:1]),
        DtlsAssociation(THEIRS, Role.PASSIVE, suites=PROFILES[1:]),
    )
    pair.introduce()
    pair.start()
    pair.run()
    for role in BOTH:
        (event,) = pair.told[role]
        assert isinstance(event, DtlsFailed)
        assert event.rule in {"profile", "closed"}
    assert any(e.rule == "profile" for r in BOTH for e in pair.told[r] if isinstance(e, DtlsFailed))


def test_an_expired_certificate_is_as_good_as_any() -> None:
    """By RFC 5763 §5 the fingerprint alone counts, and a phone may not know the time."""
    expired = make_identity(BEGAN - 2000, BEGAN - 1000)
    unborn = make_identity(BEGAN + 4e9, BEGAN + 5e9)
    pair = Pair(DtlsAssociation(expired, Role.ACTIVE), DtlsAssociation(unborn, Role.PASSIVE))
    pair.active.set_remote([unborn.fingerprint()], pair.now)
    pair.passive.set_remote([expired.fingerprint()], pair.now)
    pair.start()
    pair.run()
    assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive


@pytest.mark.parametrize("deceived", BOTH)
def test_a_certificate_that_was_not_announced_gives_no_key(deceived: Role) -> None:
    pair = Pair()
    for each, true in ((pair.active, THEIRS), (pair.passive, OURS)):
        announced = STRANGER if each.role is deceived else true
        each.set_remote([announced.fingerprint()], pair.now)
    pair.start()
    pair.run()
    (event,) = pair.told[deceived]
    assert isinstance(event, DtlsFailed)
    assert event.rule == "fingerprint"
    (other,) = pair.told[deceived.other]
    assert isinstance(other, DtlsFailed)
    assert other.rule == "alert"
    assert "bad certificate" in other.reason


def test_a_weaker_hash_that_matches_is_not_enough() -> None:
    pair = Pair()
    pair.active.set_remote([THEIRS.fingerprint(), STRANGER.fingerprint("sha-512")], pair.now)
    pair.passive.set_remote([OURS.fingerprint()], pair.now)
    pair.start()
    pair.run()
    (event,) = pair.told[Role.ACTIVE]
    assert isinstance(event, DtlsFailed)
    assert event.rule == "fingerprint"


@pytest.mark.parametrize("name", ["sha-256", "sha-384", "sha-512"])
def test_the_event_names_the_fingerprint_that_vouched(name: str) -> None:
    pair = Pair()
    announced = [STRANGER.fingerprint(name), THEIRS.fingerprint(name)]
    pair.active.set_remote(announced, pair.now)
    pair.passive.set_remote([OURS.fingerprint()], pair.now)
    pair.start()
    pair.run()
    assert pair.keys(Role.ACTIVE).peer == fingerprint_of(THEIRS.certificate, name)


def held() -> Pair:
    """The handshake outran the answer: the passive side knows no fingerprint."""
    pair = Pair()
    pair.active.set_remote([THEIRS.fingerprint()], pair.now)
    pair.start()
    pair.run()
    return pair


def test_before_the_answer_the_handshake_is_done_but_no_key_is_out() -> None:
    pair = held()
    pair.keys(Role.ACTIVE)
    assert pair.told[Role.PASSIVE] == []
    assert pair.passive.state is DtlsState.HELD
    assert pair.passive.deadline() is None
    pair.passive.set_remote([OURS.fingerprint()], pair.now)
    pair.run()
    assert pair.keys(Role.PASSIVE).receive == pair.keys(Role.ACTIVE).send


def test_an_answer_that_names_another_certificate_ends_what_was_held() -> None:
    pair = held()
    pair.passive.set_remote([STRANGER.fingerprint()], pair.now)
    pair.exchange()
    pair.exchange()
    (event,) = pair.told[Role.PASSIVE]
    assert isinstance(event, DtlsFailed)
    assert event.rule == "fingerprint"
    assert pair.told[Role.ACTIVE][1:] == [DtlsClosed(by_peer=True)]


@pytest.mark.parametrize("announced", [OURS, STRANGER], ids=["right", "wrong"])
def test_an_answer_in_the_middle_is_held_against_what_was_shown(announced: DtlsIdentity) -> None:
    pair = Pair()
    pair.active.set_remote([THEIRS.fingerprint()], pair.now)
    pair.start()
    pair.exchange()
    (last_flight,) = pair.active.datagrams_to_send()
    certificate, *others = (each.octets for each in split_records(last_flight))
    pair.passive.receive_datagram(certificate, pair.now)
    pair.passive.set_remote([announced.fingerprint()], pair.now)
    if announced is STRANGER:
        (event,) = events_of(pair.passive)
        assert isinstance(event, DtlsFailed)
        assert event.rule == "fingerprint"
        assert [each[0] for each in pair.passive.datagrams_to_send()] == [ALERT]
    else:
        pair.passive.receive_datagram(b"".join(others), pair.now)
        pair.run()
        assert pair.keys(Role.PASSIVE).receive == pair.keys(Role.ACTIVE).send


def test_nothing_announced_and_something_else_announced_are_our_caller_s_faults() -> None:
    pair = Pair()
    with pytest.raises(LocalError):
        pair.active.set_remote([], pair.now)
    pair.active.set_remote([THEIRS.fingerprint(), OURS.fingerprint()], pair.now)
    pair.active.set_remote([OURS.fingerprint(), THEIRS.fingerprint()], pair.now)
    with pytest.raises(LocalError):
        pair.active.set_remote([THEIRS.fingerprint()], pair.now)


@pytest.mark.parametrize("role", BOTH)
def test_two_of_the_same_role_end_with_a_reason_when_patience_does(role: Role) -> None:
    pair = Pair(DtlsAssociation(OURS, role), DtlsAssociation(THEIRS, role))
    pair.introduce()
    pair.start()
    for _ in range(5):
        pair.exchange()
        pair.now += PATIENCE_S / 4
        for each in (pair.active, pair.passive):
            each.tick(pair.now)
    pair.exchange()
    rule = "role" if role is Role.ACTIVE else "silent"
    assert {getattr(event, "rule", None) for event in pair.told[role]} == {rule}
    assert len(pair.told[role]) == 2
    assert pair.active.deadline() is None


def test_patience_counts_from_when_the_peer_is_known() -> None:
    passive = DtlsAssociation(THEIRS, Role.PASSIVE)
    passive.start(0.0)
    assert passive.deadline() is None
    passive.tick(3600.0)
    assert passive.state is DtlsState.LISTENING
    passive.set_remote([OURS.fingerprint()], 3600.0)
    assert passive.deadline() == 3600.0 + PATIENCE_S
    passive.tick(3600.0 + PATIENCE_S)
    assert [getattr(event, "rule", None) for event in events_of(passive)] == ["silent"]


def test_the_client_hello_is_repeated_within_50_ms_and_at_once_when_told() -> None:
    active = DtlsAssociation(OURS, Role.ACTIVE)
    active.set_remote([THEIRS.fingerprint()], 0.0)
    active.start(0.0)
    (hello,) = active.datagrams_to_send()
    assert active.deadline() == pytest.approx(0.05)
    active.tick(0.049)
    assert active.datagrams_to_send() == []
    active.tick(0.05)
    assert active.datagrams_to_send() == [hello]
    active.retry(0.051)
    assert active.datagrams_to_send() == [hello]
    assert active.deadline() == pytest.approx(0.101)


def test_what_the_other_side_was_not_ready_for_costs_no_second() -> None:
    pair = Pair()
    pair.introduce()
    pair.active.start(pair.now)
    assert pair.exchange(there=lambda _: []) is False
    pair.passive.start(pair.now)
    pair.active.retry(pair.now)
    pair.run()
    assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive


def test_repetitions_are_few_and_then_openssl_s_own() -> None:
    active = DtlsAssociation(OURS, Role.ACTIVE)
    active.start(0.0)
    sent = len(active.datagrams_to_send())
    for step in range(1, 95):
        active.tick(step / 100)
        sent += len(active.datagrams_to_send())
    assert sent == 5
    deadline = active.deadline()
    assert deadline is not None
    assert 0.9 < deadline < 2.0


@pytest.mark.parametrize("closing", BOTH)
def test_close_is_heard_by_the_other_side(closing: Role) -> None:
    pair = met()
    side = pair.active if closing is Role.ACTIVE else pair.passive
    side.close(pair.now)
    pair.run()
    assert pair.told[closing][1:] == [DtlsClosed(by_peer=False)]
    assert pair.told[closing.other][1:] == [DtlsClosed(by_peer=True)]


def test_after_the_end_nothing_happens_any_more() -> None:
    pair = met()
    hello = pair.sent[0][1]
    pair.active.close(pair.now)
    pair.run()
    for each in (pair.active, pair.passive):
        each.close(pair.now)
        each.retry(pair.now)
        each.start(pair.now)
        each.tick(pair.now + 1000)
        each.receive_datagram(hello, pair.now)
        assert each.datagrams_to_send() == []
        assert each.next_event() is None
        assert each.deadline() is None


def test_close_before_there_are_keys_is_told_once() -> None:
    for role in BOTH:
        association = DtlsAssociation(OURS, role)
        association.start(0.0)
        association.close(0.0)
        association.close(0.0)
        assert events_of(association) == [DtlsClosed(by_peer=False)]


def test_an_identity_that_can_t_be_used_is_the_caller_s_fault() -> None:
    with pytest.raises(LocalError):
        DtlsAssociation(OURS, Role.ACTIVE, suites=()).start(0.0)
    strange = CryptoSuite("AES_CM_128_HMAC_SHA1_32", 16, 14)
    with pytest.raises(LocalError):
        DtlsAssociation(OURS, Role.ACTIVE, suites=(strange,)).start(0.0)


def test_no_key_is_shown_by_what_is_told() -> None:
    keys = met().keys(Role.ACTIVE)
    assert "•••" in repr(keys)
    assert keys.send.master.reveal().hex() not in repr(keys)
    assert isinstance(keys.peer, Fingerprint)


def test_the_table_can_be_drawn_and_every_end_is_an_end() -> None:
    assert "Listening --> Shaking : ClientHello" in render(ASSOCIATION)
    assert not {state for state, _ in ASSOCIATION} & {DtlsState.FAILED, DtlsState.CLOSED}
