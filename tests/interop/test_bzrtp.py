"""Offhook's ZRTP with bzrtp's in virtual time: keys, strings, kept secrets, more streams."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator

import pytest
from tests.interop.lab.bzrtp import Bzrtp, Cache, lacking
from tests.protocols.keying.zrtp.agents import Agent, agent

from offhook.protocols.keying.zrtp.algorithms import (
    Algorithms,
    AuthTag,
    CipherType,
    HashType,
    KeyAgreement,
    SasType,
)
from offhook.protocols.keying.zrtp.events import Failed, Secured
from offhook.protocols.keying.zrtp.hello_hash import HelloHash, parse_hello_hash
from offhook.protocols.keying.zrtp.retained import Continuity, Remembered, Role
from offhook.protocols.keying.zrtp.session import ZrtpSettings

STEP_S = 0.01
THEIR_SSRC = 0x0B0B0B0B
LINPHONE = ("S256", "S384", "AES1", "AES3", "HS80", "HS32", "DH3k", "Mult", "B32 ")
TRIED = (KeyAgreement.DH3K, KeyAgreement.X255, KeyAgreement.X448)

Lose = Callable[[int], bool]
"""Whether the packet of that number, counted over both sides, is lost."""


@pytest.fixture(autouse=True)
def bzrtp_installed() -> None:
    """bzrtp and sqlite are installed."""
    found = lacking()
    if found and os.environ.get("OFFHOOK_REQUIRE_PEERS"):
        pytest.fail(f"not installed: {found}")
    if found:
        pytest.skip(f"not installed: {found}")


@pytest.fixture
def cache() -> Generator[Cache]:
    found = Cache()
    yield found
    found.close()


def keep(_number: int) -> bool:
    return False


def talk(ours: Agent, theirs: Bzrtp, now: float = 100.0, lose: Lose = keep) -> float:
    """Let both agree, for at most 10 s; the time when both had done so."""
    numbers = itertools.count()
    end = now + 10.0
    while now < end and not (ours.secure and theirs.outcome is not None):
        now += STEP_S
        theirs.tick(now)
        ours.stream.tick(now)
        exchange(ours, theirs, now, lambda: lose(next(numbers)))
    # What is still under way arrives, and bzrtp stores what it keeps.
    for _ in range(20):
        now += STEP_S
        theirs.tick(now)
        ours.stream.tick(now)
        exchange(ours, theirs, now, lambda: False)
    return now


def exchange(ours: Agent, theirs: Bzrtp, now: float, lost: Callable[[], bool]) -> None:
    ours.heed(now)
    for datagram in ours.stream.datagrams_to_send():
        ours.sent.append(datagram)
        if not lost():
            theirs.receive(datagram)
    for datagram in theirs.datagrams_to_send():
        if not lost():
            ours.stream.receive(datagram, now)
            ours.heed(now)


def announced(ours: Agent, theirs: Bzrtp) -> None:
    found = parse_hello_hash(theirs.hello_hash)
    assert found is not None
    ours.stream.announce([found], 100.0)
    theirs.announce(ours.stream.hello_hash)


def begin(ours: Agent, theirs: Bzrtp, now: float = 100.0) -> None:
    ours.stream.start(now)
    theirs.start(now)


def agree(ours: Agent, theirs: Bzrtp) -> None:
    assert ours.secure
    assert theirs.outcome is not None
    assert ours.secured.send.master.reveal() == theirs.receives
    assert ours.secured.receive.master.reveal() == theirs.sends
    if ours.secured.chosen.agreement is not KeyAgreement.MULTISTREAM:
        assert ours.secured.sas.text == theirs.outcome.sas.replace(":", " ")


@pytest.mark.parametrize(
    ("agreement", "kind", "cipher", "tag", "sas"),
    [*itertools.product(TRIED, HashType, CipherType, AuthTag, SasType)],
)
def test_every_algorithm_that_both_have_gives_the_same_keys_and_string(
    agreement: KeyAgreement, kind: HashType, cipher: CipherType, tag: AuthTag, sas: SasType
) -> None:
    wanted = Algorithms((kind,), (cipher,), (tag,), (agreement,), (sas,))
    ours = agent("alice", ZrtpSettings(wanted), seed=f"{agreement}{kind}{cipher}{tag}{sas}")
    names = (kind.value, cipher.value, tag.value, agreement.value, "Mult", sas.value)
    theirs = Bzrtp(THEIR_SSRC, names)
    announced(ours, theirs)
    begin(ours, theirs)
    talk(ours, theirs)
    agree(ours, theirs)
    assert ours.secured.trust.announced
    assert theirs.outcome is not None
    assert theirs.outcome.agreement == agreement.value
    theirs.end()


def test_with_what_linphone_has_by_default_they_agree_in_either_role() -> None:
    roles = set()
    for seed in range(12):
        ours, theirs = agent("alice", seed=seed), Bzrtp(THEIR_SSRC, LINPHONE)
        begin(ours, theirs)
        talk(ours, theirs)
        agree(ours, theirs)
        roles.add(ours.secured.role)
        theirs.end()
    assert roles == set(Role)


@pytest.mark.parametrize("every", [3, 4, 5, 7])
def test_lost_packets_are_made_good(every: int) -> None:
    ours, theirs = agent("alice", seed=every), Bzrtp(THEIR_SSRC, ("HS80", "X255", "DH3k", "Mult"))
    begin(ours, theirs)
    talk(ours, theirs, lose=lambda number: number % every == 0)
    agree(ours, theirs)
    theirs.end()


def calls(cache: Cache, count: int, order: tuple[str, ...]) -> Generator[tuple[Agent, Bzrtp]]:
    memory: dict[bytes, Remembered] = {}
    for seed in range(count):
        ours = agent("alice", seed=seed, memory=memory)
        theirs = Bzrtp(THEIR_SSRC, (*order, "HS80", "X255", "DH3k", "Mult"), cache)
        begin(ours, theirs)
        now = talk(ours, theirs)
        agree(ours, theirs)
        yield ours, theirs
        ours.heed(now)
        theirs.end()


@pytest.mark.parametrize("order", [("S256", "S384"), ("S384", "S256")])
def test_later_calls_continue_the_first(cache: Cache, order: tuple[str, ...]) -> None:
    found = []
    for ours, theirs in calls(cache, 6, order):
        assert theirs.outcome is not None
        found.append(ours.secured.trust.continuity)
        assert not theirs.outcome.mismatch
    assert found == [Continuity.FIRST, *[Continuity.CONTINUED] * 5]


def test_strings_compared_once_are_verified_at_both_from_then_on(cache: Cache) -> None:
    for number, (ours, theirs) in enumerate(calls(cache, 4, ("S256",))):
        assert theirs.outcome is not None
        assert ours.secured.trust.verified == theirs.outcome.verified == (number > 0)
        if number == 0:
            ours.stream.sas_compared(same=True)
            theirs.compared()


def test_a_lost_memory_is_a_mismatch_at_bzrtp(cache: Cache) -> None:
    for number, (ours, theirs) in enumerate(calls(cache, 2, ("S256",))):
        assert theirs.outcome is not None
        assert theirs.outcome.mismatch == (number == 1)
        ours.memory.clear()


def test_a_second_stream_has_the_same_keys_at_both() -> None:
    ours, theirs = agent("alice"), Bzrtp(THEIR_SSRC, LINPHONE)
    begin(ours, theirs)
    now = talk(ours, theirs)
    agree(ours, theirs)
    more = agent("alice", seed="more", session=ours.session)
    theirs.further(THEIR_SSRC + 1, now)
    more.stream.start(now)
    talk(more, theirs, now)
    agree(more, theirs)
    assert more.secured.chosen.agreement is KeyAgreement.MULTISTREAM


def test_another_hello_than_was_announced_gives_no_keys() -> None:
    ours, theirs = agent("alice"), Bzrtp(THEIR_SSRC, ())
    ours.stream.announce([HelloHash("1.10", bytes(32))], 100.0)
    begin(ours, theirs)
    talk(ours, theirs)
    assert not ours.of(Secured)
    assert not ours.of(Failed)
    assert theirs.outcome is None
    theirs.end()
