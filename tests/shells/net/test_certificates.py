"""Every certificate of the catalogue shown by a real server, on each kind of connection."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import ssl
from collections.abc import Callable, Coroutine

import pytest
from tests.certificates.case import Case, Presented
from tests.certificates.catalogue import CASES
from tests.certificates.forge import CLOCK_1970, CLOCK_2040, TODAY
from tests.shells.net.tls_peer import (
    TlsPeer,
    credulous,
    dial,
    dialled,
    server_context,
    settings_for,
)

from offhook.shells.net.tls import SessionCache, TlsRefused, TlsSettings

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
SHOWN = [case for case in CASES if case.wire_rules]
ANY_RULE: frozenset[str] = frozenset()
TIME_RULES = {CLOCK_1970: frozenset({"not-yet-valid"}), CLOCK_2040: frozenset({"expired"})}


def settings(presented: Presented, clock: float = TODAY) -> TlsSettings:
    return settings_for(
        presented.policy, anchors=presented.anchors, service=presented.service, clock=clock
    )


async def leave_a_session(peer: TlsPeer, presented: Presented, sessions: SessionCache) -> None:
    """Have a session kept under the very key of the real settings, where OpenSSL lets it be."""
    lenient = dataclasses.replace(settings(presented), judge=credulous)
    try:
        async with dialled(peer.address, lenient, sessions) as flow:
            await flow.echoed()
    except TlsRefused:
        assert len(sessions) == 0
    else:
        assert len(sessions) == 1


async def check_refused(
    peer: TlsPeer,
    presented: Presented,
    rules: frozenset[str],
    sessions: SessionCache,
    clock: float = TODAY,
) -> None:
    before = len(peer.connections)
    with pytest.raises(TlsRefused) as refused:
        await dial(peer.address, settings(presented, clock), sessions)
    assert not rules or refused.value.rule in rules, refused.value
    assert refused.value.detail
    assert len(sessions) == 0
    assert len(peer.connections) == before + 1
    await peer.connections[-1].gone.wait()
    assert bytes(peer.connections[-1].application) == b""
    assert not peer.connections[-1].handshaken


async def check_accepted(
    peer: TlsPeer, case: Case, presented: Presented, sessions: SessionCache, *, resumed: bool
) -> None:
    async with dialled(peer.address, settings(presented), sessions) as flow:
        report = flow.connection.report
        assert (report.verdict.rule, report.resumed) == (case.rule, resumed)
        await flow.echoed()
    assert peer.connections[-1].application


async def on_first_connection(case: Case, presented: Presented, peer: TlsPeer) -> None:
    if case.accepted:
        await check_accepted(peer, case, presented, SessionCache(), resumed=False)
    else:
        await check_refused(peer, presented, case.wire_rules, SessionCache())


async def on_reconnect(case: Case, presented: Presented, peer: TlsPeer) -> None:
    sessions = SessionCache()
    for _ in range(2):
        if case.accepted:
            await check_accepted(peer, case, presented, sessions, resumed=False)
            sessions.clear()
        else:
            await check_refused(peer, presented, case.wire_rules, sessions)


async def on_resumption(case: Case, presented: Presented, peer: TlsPeer) -> None:
    sessions = SessionCache()
    await leave_a_session(peer, presented, sessions)
    if case.accepted:
        for _ in range(2):
            await check_accepted(peer, case, presented, sessions, resumed=True)
    else:
        await check_refused(peer, presented, case.wire_rules, sessions)


async def at_1970(case: Case, presented: Presented, peer: TlsPeer) -> None:
    await at(CLOCK_1970, case, presented, peer)


async def at_2040(case: Case, presented: Presented, peer: TlsPeer) -> None:
    await at(CLOCK_2040, case, presented, peer)


async def at(clock: float, case: Case, presented: Presented, peer: TlsPeer) -> None:
    rules = TIME_RULES[clock] if case.accepted else ANY_RULE
    await check_refused(peer, presented, rules, SessionCache(), clock)
    sessions = SessionCache()
    await leave_a_session(peer, presented, sessions)
    await check_refused(peer, presented, rules, sessions, clock)


Occasion = Callable[[Case, Presented, TlsPeer], Coroutine[None, None, None]]
OCCASIONS: tuple[tuple[Occasion, tuple[ssl.TLSVersion, ...]], ...] = (
    (on_first_connection, (TLS12, TLS13)),
    (on_reconnect, (TLS13,)),
    (on_resumption, (TLS12, TLS13)),
    (at_1970, (TLS12,)),
    (at_2040, (TLS13,)),
)


@functools.cache
def shown_context(name: str, version: ssl.TLSVersion) -> ssl.SSLContext:
    presented = next(case for case in CASES if case.name == name).build()
    return server_context(presented.server, presented.sent_pem, version=version)


@pytest.mark.parametrize(
    ("occasion", "versions"),
    [pytest.param(*each, id=each[0].__name__.replace("_", "-")) for each in OCCASIONS],
)
@pytest.mark.parametrize("case", SHOWN, ids=lambda case: case.name)
def test_certificate(case: Case, occasion: Occasion, versions: tuple[ssl.TLSVersion, ...]) -> None:
    async def scenario() -> None:
        for version in versions:
            async with TlsPeer(shown_context(case.name, version)) as peer:
                await occasion(case, case.build(), peer)

    asyncio.run(scenario())
