"""More streams of one call, keyed out of the first one (RFC 6189 §4.4.3)."""

from __future__ import annotations

import pytest
from tests.protocols.keying.zrtp.agents import Agent, Path, agent, kind_of, met
from tests.protocols.keying.zrtp.by_hand import multistream
from tests.protocols.keying.zrtp.scenes import reasons
from tests.protocols.keying.zrtp.test_exchange import agree_on

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.algorithms import Algorithms, HashType, KeyAgreement
from offhook.protocols.keying.zrtp.events import Failed, Retain, SecretsWanted, Secured
from offhook.protocols.keying.zrtp.packet import parse_packet
from offhook.protocols.keying.zrtp.refusals import ErrorCode
from offhook.protocols.keying.zrtp.retained import Role
from offhook.protocols.keying.zrtp.session import ZrtpSettings

QUICK = ZrtpSettings(Algorithms(hashes=(HashType.S256,), agreements=(KeyAgreement.X255,)))


def first_stream(seed: int = 0) -> tuple[Agent, Agent]:
    a, b = agent("alice", QUICK, seed=seed), agent("bob", QUICK, seed=seed)
    met(a, b)
    agree_on(a, b)
    return a, b


def further(a: Agent, b: Agent) -> tuple[Agent, Agent]:
    return agent("alice", seed="further", session=a.session), agent(
        "bob", seed="further", session=b.session
    )


def test_a_second_stream_has_keys_of_its_own_and_the_same_string() -> None:
    a, b = first_stream()
    c, d = further(a, b)
    met(c, d)
    agree_on(c, d)
    assert c.secured.sas == a.secured.sas
    assert c.secured.trust == a.secured.trust
    masters = {each.secured.send.master.reveal() for each in (a, b, c, d)}
    assert len(masters) == 4
    assert c.secured.chosen.agreement is KeyAgreement.MULTISTREAM


def test_it_needs_no_public_values_and_touches_no_memory() -> None:
    a, b = first_stream()
    c, d = further(a, b)
    met(c, d)
    assert not {"DHPart1", "DHPart2"} & {*c.types(), *d.types()}
    for each in (c, d):
        assert not each.of(Retain)
        assert not each.of(SecretsWanted)
        with pytest.raises(LocalError):
            each.stream.sas_compared(same=True)


def test_its_keys_are_those_of_a_second_derivation() -> None:
    a, b = first_stream()
    assert a.session.agreed is not None
    session = a.session.agreed.meeting.session.reveal()
    c, d = further(a, b)
    met(c, d)
    i, r = (c, d) if c.secured.role is Role.INITIATOR else (d, c)
    hello = parse_packet(r.sent[0]).message
    commit = next(parse_packet(each).message for each in i.sent if kind_of(each) == "Commit")
    hand = multistream(hello, commit, session, r.session.zid).named
    assert i.secured.send.master.reveal() == hand["srtpkeyi"] + hand["srtpsalti"]
    assert i.secured.receive.master.reveal() == hand["srtpkeyr"] + hand["srtpsaltr"]


@pytest.mark.parametrize("seed", range(10))
def test_it_agrees_on_a_bad_path_too(seed: int) -> None:
    c, d = further(*first_stream(seed))
    path = Path(c, d, seed=seed, loss=0.2, double=0.2, jitter_s=0.1)
    path.start()
    path.run(30.0)
    for each in (c, d):
        each.stream.media_heard(path.now)
        each.heed(path.now)
    agree_on(c, d)


def test_no_second_stream_begins_before_the_first_has_agreed() -> None:
    a = agent("alice", QUICK)
    with pytest.raises(LocalError, match="first stream"):
        agent("alice", session=a.session)


def test_after_the_call_nothing_can_be_keyed_out_of_it() -> None:
    a, _ = first_stream()
    a.session.end()
    assert a.session.agreed is None
    with pytest.raises(LocalError):
        agent("alice", session=a.session)


@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.05, 0.07, 0.09])
def test_a_call_that_ends_while_a_stream_agrees_gives_it_no_keys(seconds: float) -> None:
    a, b = first_stream()
    c, d = further(a, b)
    path = Path(c, d)
    path.start()
    path.run(seconds)
    a.session.end()
    b.session.end()
    path.run(30.0)
    assert not (c.secure and d.secure)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.09, 0.13])
def test_a_call_that_ends_while_its_first_stream_agrees_has_no_keys(seconds: float) -> None:
    a, b = agent("alice", QUICK), agent("bob", QUICK)
    path = Path(a, b)
    path.start()
    path.run(seconds)
    a.session.end()
    path.run(30.0)
    assert not a.of(Secured)
    assert a.session.agreed is None


def test_a_peer_that_has_no_session_refuses() -> None:
    a, _ = first_stream()
    c, stranger = agent("alice", session=a.session), agent("bob", QUICK, seed="new")
    met(c, stranger, 15.0)
    assert not c.secure
    assert not stranger.secure
    codes = {each.code for each in (*c.of(Failed), *stranger.of(Failed))}
    assert codes & {ErrorCode.NO_SECRET.value, ErrorCode.AGREEMENT.value}


def test_another_peer_than_the_call_has_is_not_heard() -> None:
    a, _ = first_stream()
    c, eve = agent("alice", session=a.session), agent("eve", QUICK)
    met(c, eve, 15.0)
    assert "another than the call's first stream" in reasons(c)
    assert not c.secure
    assert not eve.secure


def test_a_nonce_is_taken_once() -> None:
    a, b = first_stream()
    nonce = a.session.nonce()
    assert not a.session.is_new(nonce)
    assert b.session.is_new(nonce)
    assert not b.session.is_new(nonce)


def test_a_commit_whose_nonce_was_used_ends_the_stream() -> None:
    a, b = first_stream()
    c, d = further(a, b)
    nonces: list[bytes] = []

    def watch(who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) == "Commit":
            nonces.append(parse_packet(datagram).message[76:92])
            # As if it had been used before in this call.
            (d if who is c else c).session.is_new(nonces[-1])
        return [datagram]

    met(c, d, meddle=watch)
    assert not (c.secure and d.secure)
    codes = {each.code for each in (*c.of(Failed), *d.of(Failed))}
    assert codes == {ErrorCode.NONCE_REUSE.value}
