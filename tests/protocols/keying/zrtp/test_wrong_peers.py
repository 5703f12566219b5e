"""Peers that are themselves at fault, and messages out of turn: where each is noticed."""

from __future__ import annotations

import pytest
from tests.protocols.keying.zrtp.agents import (
    Agent,
    Meddler,
    Path,
    agent,
    altered,
    kind_of,
    met,
    pass_on,
)
from tests.protocols.keying.zrtp.scenes import QUICK, couple, reasons, roles
from tests.protocols.keying.zrtp.test_exchange import agree_on

from offhook.protocols.keying.zrtp.agreement import KeyPair
from offhook.protocols.keying.zrtp.events import Failed, Secured
from offhook.protocols.keying.zrtp.refusals import ErrorCode
from offhook.protocols.keying.zrtp.states import ZrtpState


def codes(one: Agent) -> list[int]:
    return [each.code for each in one.of(Failed) if not each.by_peer]


def settled(initiator: Agent, responder: Agent, change: Meddler = pass_on) -> Path:
    """An exchange whose roles are settled: the responder never hears that it may commit."""

    def meddle(who: Agent, datagram: bytes) -> list[bytes]:
        if who is initiator and kind_of(datagram) == "HelloACK":
            return []
        return change(who, datagram)

    return Path(initiator, responder, meddle)


def test_an_altered_hello_of_the_initiator_is_noticed_at_its_commit() -> None:
    a, b = couple()

    def change(who: Agent, datagram: bytes) -> list[bytes]:
        if who is a and kind_of(datagram) == "Hello":
            return [altered(datagram, lambda octets: octets.__setitem__(20, 0x41))]
        return [datagram]

    path = settled(a, b, change)
    path.start()
    path.run(5.0)
    assert codes(b) == [ErrorCode.HELLO_MISMATCH.value]
    assert "DHPart1" not in b.types()


def test_an_altered_hello_of_the_responder_is_noticed_at_its_public_value() -> None:
    a, b = couple()

    def change(who: Agent, datagram: bytes) -> list[bytes]:
        if who is b and kind_of(datagram) == "Hello":
            return [altered(datagram, lambda octets: octets.__setitem__(20, 0x41))]
        return [datagram]

    path = settled(a, b, change)
    path.start()
    path.run(5.0)
    assert codes(a) == [ErrorCode.HELLO_MISMATCH.value]
    assert "DHPart2" not in a.types()


def test_a_commit_with_a_wrong_mac_is_noticed_before_the_responder_confirms() -> None:
    a, b = couple()

    def meddle(_who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) != "Commit":
            return [datagram]
        return [altered(datagram, lambda octets: octets.__setitem__(-1, octets[-1] ^ 1))]

    path = met(a, b, meddle=meddle)
    path.run(10.0)
    _, r = roles(a, b)
    assert codes(r) == [ErrorCode.HELLO_MISMATCH.value]
    assert not {"Confirm1", "Confirm2"} & {*a.types(), *b.types()}


@pytest.mark.parametrize("seed", range(4))
def test_a_peer_that_seals_its_public_value_with_another_key_is_refused(seed: int) -> None:
    a, b = couple(seed)
    honest = b.stream._dialogue._say_part

    def dishonest(part: int, pair: KeyPair) -> bytes:
        octets = honest(part, pair)
        return octets[:-1] + bytes([octets[-1] ^ 1])

    b.stream._dialogue._say_part = dishonest  # type: ignore[method-assign]
    met(a, b)
    assert codes(a) == [ErrorCode.HELLO_MISMATCH.value]
    assert not a.of(Secured)


@pytest.mark.parametrize("seed", range(4))
def test_a_peer_whose_last_image_is_another_is_refused(seed: int) -> None:
    a, b = couple(seed)
    honest = b.stream._dialogue.say_confirm

    def dishonest() -> bytes:
        b.stream._dialogue.chain.h0 = bytes(32)
        return honest()

    b.stream._dialogue.say_confirm = dishonest  # type: ignore[method-assign]
    b.stream._do = b.stream._actions()
    met(a, b)
    assert codes(a) == [ErrorCode.MALFORMED.value]
    assert not a.of(Secured)


def test_a_peer_that_commits_by_another_zid_is_refused_at_once() -> None:
    a, b = couple()
    path = settled(b, a)
    path.start()
    b.session.zid = b"another-one!"
    path.run(3.0)
    assert codes(a) == [ErrorCode.HELLO_MISMATCH.value]
    assert "DHPart1" not in a.types()


def test_a_second_hello_that_differs_is_not_used() -> None:
    a, b = couple()
    other = agent("bob", QUICK, seed="other")
    path = Path(a, b)
    path.start()
    path.run(0.05)
    other.stream.start(0.0)
    (hello,) = other.stream.datagrams_to_send()
    path.deliver(a, hello[:8] + b.sent[0][8:12] + hello[12:])
    path.deliver(a, altered(b.sent[0], lambda octets: octets.__setitem__(20, 0x41)))
    assert "second, different Hello" in reasons(a)


def test_a_second_commit_that_differs_does_not_replace_the_first() -> None:
    a, b = couple()

    def change(_who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) != "Commit":
            return [datagram]
        return [datagram, again(datagram, changed=True)]

    path = settled(a, b, change)
    path.start()
    path.run(3.0)
    assert "Commit came out of turn" in reasons(b)
    agree_on(a, b)


def again(datagram: bytes, *, changed: bool) -> bytes:
    """The same message, or another one of its kind."""
    if not changed:
        return datagram
    return altered(datagram, lambda octets: octets.__setitem__(-1, octets[-1] ^ 1))


@pytest.mark.parametrize("changed", [False, True])
def test_every_message_is_harmless_once_the_keys_are_there(*, changed: bool) -> None:
    a, b = couple()
    path = met(a, b)
    for one, other in ((a, b), (b, a)):
        for datagram in tuple(other.sent):
            if kind_of(datagram) in {"HelloACK", "Conf2ACK"}:
                continue
            before = one.stream.refused
            path.deliver(one, again(datagram, changed=changed))
            assert one.stream.refused == before + 1 or not changed
        assert one.secure
        assert len(one.of(Secured)) == 1
        assert not one.of(Failed)


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.05, 0.07, 0.09, 0.11, 0.13, 0.15])
def test_every_message_of_the_exchange_may_come_at_any_time(
    seconds: float, *, changed: bool
) -> None:
    whole = couple("whole")
    met(*whole)
    a, b = couple("whole")
    path = Path(a, b)
    path.start()
    path.run(seconds)
    for one, said in ((a, whole[1].sent), (b, whole[0].sent)):
        for datagram in said:
            path.deliver(one, again(datagram, changed=changed))
    for each in (a, b):
        if each.secure:
            assert each.secured.sas == whole[0].secured.sas


def test_nothing_is_heard_before_the_start_and_after_the_end() -> None:
    a, b = couple()
    met(a, b)
    for state in (ZrtpState.IDLE, ZrtpState.FAILED):
        fresh = agent("carol", QUICK)
        fresh.stream.state = state
        for datagram in (*a.sent, *b.sent):
            fresh.stream.receive(datagram, 0.0)
        fresh.heed(0.0)
        assert fresh.stream.state is state
        assert fresh.stream.datagrams_to_send() == []
