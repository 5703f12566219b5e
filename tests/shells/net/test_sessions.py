"""Resumption: what is kept beside a session, and when it is not used (RFC 8446 §2.2, RFC 5922)."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from collections.abc import Awaitable, Callable

import pytest
from tests.certificates import forge
from tests.certificates.forge import TODAY, ca_wish, crl, intermediate, issue
from tests.shells.net.tls_peer import TlsPeer, dial, dialled, server_context, settings_for

from offhook.base.vocabulary import FlowReport
from offhook.protocols.trust.peer_identity import PeerPolicy
from offhook.shells.net.sessions import MAX_AGE_S, SessionCache
from offhook.shells.net.tls import TlsRefused, TlsSettings
from offhook.shells.net.tls_context import current_anchors, make_context, session_key

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["tls-1.2", "tls-1.3"])
GOOD = forge.leaf()


async def visit(peer: TlsPeer, settings: TlsSettings, sessions: SessionCache) -> FlowReport:
    async with dialled(peer.address, settings, sessions) as flow:
        await flow.echoed()
        return flow.connection.report


def visiting(
    version: ssl.TLSVersion, scenario: Callable[[TlsPeer, SessionCache], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with TlsPeer(server_context(GOOD, version=version)) as peer:
            sessions = SessionCache()
            assert not (await visit(peer, settings_for(), sessions)).resumed
            assert len(sessions) == 1
            await scenario(peer, sessions)

    asyncio.run(run())


@VERSIONS
def test_a_session_is_resumed_with_the_verdict_of_today(version: ssl.TLSVersion) -> None:
    judged: list[tuple[tuple[bytes, ...], str, float]] = []
    base = settings_for(clock=TODAY + 60)

    def judge(*asked: tuple[bytes, ...] | str | float) -> object:
        judged.append(asked)  # type: ignore[arg-type]
        return base.judge(*asked)  # type: ignore[arg-type]

    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        settings = dataclasses.replace(base, judge=judge)  # type: ignore[arg-type]
        report = await visit(peer, settings, sessions)
        assert report.resumed
        assert report.verdict.rule == "dns-san"
        assert judged == [(GOOD.chain, forge.SERVICE, TODAY + 60)]

    visiting(version, scenario)


@VERSIONS
def test_a_kept_chain_that_is_refused_today_costs_the_session_only(
    version: ssl.TLSVersion,
) -> None:
    """The server may have a new certificate: a full handshake decides."""
    refusals = iter([False, True])
    base = settings_for()

    def judge(chain: tuple[bytes, ...], service: str, wall_time: float) -> object:
        verdict = base.judge(chain, service, wall_time)
        return dataclasses.replace(verdict, accepted=next(refusals))

    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        settings = dataclasses.replace(base, judge=judge)  # type: ignore[arg-type]
        report = await visit(peer, settings, sessions)
        assert not report.resumed
        assert not peer.connections[-1].tls.session_reused

    visiting(version, scenario)


CHANGES: dict[str, Callable[[], TlsSettings]] = {
    "account": lambda: settings_for(account="another"),
    "policy": lambda: settings_for(PeerPolicy(wildcard_allowed=True)),
    "revocation-list": lambda: settings_for(PeerPolicy(crls=(crl(intermediate()),))),
    "anchors": lambda: settings_for(anchors=(forge.root().pem, issue(ca_wish("Another root")).pem)),
    "service-name": lambda: settings_for(service=forge.SERVICE.upper()),
    "a-day-later": lambda: settings_for(clock=TODAY + MAX_AGE_S + 1),
    "clock-set-back": lambda: settings_for(clock=TODAY - MAX_AGE_S - 1),
}


@VERSIONS
@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_resumed_after_a_change_of(change: str, version: ssl.TLSVersion) -> None:
    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        assert not (await visit(peer, CHANGES[change](), sessions)).resumed
        assert not peer.connections[-1].tls.session_reused

    visiting(version, scenario)


@VERSIONS
def test_without_a_change_the_same_is_resumed(version: ssl.TLSVersion) -> None:
    """The control of the test above."""

    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        settings = settings_for(clock=TODAY + MAX_AGE_S - 1)
        assert (await visit(peer, settings, sessions)).resumed
        assert peer.connections[-1].tls.session_reused

    visiting(version, scenario)


@VERSIONS
def test_an_anchor_taken_away_refuses_the_next_connection(version: ssl.TLSVersion) -> None:
    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        other = settings_for(anchors=(issue(ca_wish("The only root")).pem,))
        with pytest.raises(TlsRefused) as refused:
            await dial(peer.address, other, sessions)
        assert refused.value.rule == "unknown-ca"

    visiting(version, scenario)


@VERSIONS
def test_a_revocation_refuses_the_next_connection(version: ssl.TLSVersion) -> None:
    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        policy = PeerPolicy(crls=(crl(intermediate(), GOOD),))
        with pytest.raises(TlsRefused) as refused:
            await dial(peer.address, settings_for(policy), sessions)
        assert refused.value.rule == "revoked"

    visiting(version, scenario)


@VERSIONS
def test_a_server_that_forgot_the_session_is_judged_anew(version: ssl.TLSVersion) -> None:
    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        peer.context = server_context(forge.leaf(*forge.dns("other.example.org")), version=version)
        with pytest.raises(TlsRefused) as refused:
            await dial(peer.address, settings_for(), sessions)
        assert refused.value.rule == "name-mismatch"
        assert len(sessions) == 0

    visiting(version, scenario)


@VERSIONS
def test_a_ticket_is_used_once(version: ssl.TLSVersion) -> None:
    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        async with dialled(peer.address, settings_for(), sessions) as one:
            assert one.connection.report.resumed
            assert len(sessions) == 0
            async with dialled(peer.address, settings_for(), sessions) as other:
                assert not other.connection.report.resumed

    visiting(version, scenario)


def test_tls_12_keeps_the_group_of_the_full_handshake() -> None:
    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        peer.context.set_ecdh_curve("secp384r1")
        for _ in range(2):
            report = await visit(peer, settings_for(), sessions)
            assert (report.resumed, report.group) == (True, "x25519")

    visiting(TLS12, scenario)


def test_tls_13_reports_the_fresh_group_of_a_resumption() -> None:
    async def scenario(peer: TlsPeer, sessions: SessionCache) -> None:
        peer.context.set_ecdh_curve("secp384r1")
        report = await visit(peer, settings_for(), sessions)
        assert (report.resumed, report.group) == (True, "secp384r1")

    visiting(TLS13, scenario)


def test_the_oldest_context_gives_way_with_its_session() -> None:
    async def scenario() -> None:
        async with TlsPeer(server_context(GOOD)) as peer:
            sessions = SessionCache(capacity=2)
            for account in ("a", "b", "c"):
                await visit(peer, settings_for(account=account), sessions)
            assert len(sessions) == 2
            assert not (await visit(peer, settings_for(account="a"), sessions)).resumed
            assert (await visit(peer, settings_for(account="c"), sessions)).resumed

    asyncio.run(scenario())


def test_a_session_whose_context_has_gone_is_not_kept() -> None:
    async def scenario() -> None:
        async with TlsPeer(server_context(GOOD)) as peer:
            sessions = SessionCache()
            async with dialled(peer.address, settings_for(), sessions) as flow:
                await flow.echoed()
                sessions.clear()
            assert len(sessions) == 0

    asyncio.run(scenario())


def test_a_context_is_made_once_per_key() -> None:
    settings = settings_for()
    anchors = current_anchors(settings)
    key = session_key(settings, anchors)
    sessions = SessionCache()

    first = sessions.context(key, lambda: make_context(settings, anchors))

    assert sessions.context(key, lambda: make_context(settings, anchors)) is first
    sessions.drop(key)
    assert sessions.context(key, lambda: make_context(settings, anchors)) is first
