"""Records that carry nothing: put up with now and then, never without end (RFC 8446 §4.6.3)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.certificates import forge
from tests.shells.net.tls13_sender import KEY_UPDATE_REQUESTED, Tls13Sender, watched
from tests.shells.net.tls_peer import (
    Dialled,
    Served,
    TlsPeer,
    dial,
    server_context,
    settings_for,
    turns,
)

from offhook.shells.net import tls_stream

TLS13 = ssl.TLSVersion.TLSv1_3
GOOD = forge.leaf()


def with_a_hand_made_stream(
    log: Path, scenario: Callable[[Dialled, Served, Tls13Sender], Awaitable[None]]
) -> None:
    async def run() -> None:
        context = watched(server_context(GOOD, version=TLS13), log)
        async with TlsPeer(context, echo=False) as peer:
            flow = await dial(peer.address, settings_for())
            served = peer.connections[-1]
            await turns()
            assert served.handshaken
            await scenario(flow, served, Tls13Sender(log))
            flow.connection.close()
            await flow.ended()

    asyncio.run(run())


def test_key_updates_now_and_then_are_followed(tmp_path: Path) -> None:
    async def scenario(flow: Dialled, served: Served, sender: Tls13Sender) -> None:
        for turn in range(20):
            served.transport.write(sender.key_update() + sender.record(b"%d " % turn))
        await flow.until(lambda: flow.received.endswith(b"19 "))
        assert flow.closed == []

    with_a_hand_made_stream(tmp_path / "keys", scenario)


@pytest.mark.parametrize("message", [None, KEY_UPDATE_REQUESTED], ids=["plain", "answer-requested"])
def test_a_flood_of_key_updates_ends_the_flow(tmp_path: Path, message: bytes | None) -> None:
    async def scenario(flow: Dialled, served: Served, sender: Tls13Sender) -> None:
        arguments = () if message is None else (message,)
        flood = b"".join(sender.key_update(*arguments) for _ in range(500))
        served.transport.write(flood)
        assert "floods" in await flow.ended()

    with_a_hand_made_stream(tmp_path / "keys", scenario)


def test_without_the_bound_a_flood_would_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: OpenSSL itself puts up with any number of KeyUpdates."""
    monkeypatch.setattr(tls_stream, "SILENT_RECORDS", 10_000)

    async def scenario(flow: Dialled, served: Served, sender: Tls13Sender) -> None:
        served.transport.write(b"".join(sender.key_update() for _ in range(500)))
        served.transport.write(sender.record(b"still here"))
        await flow.until(lambda: bytes(flow.received) == b"still here")

    with_a_hand_made_stream(tmp_path / "keys", scenario)


def test_a_flood_of_empty_records_ends_the_flow(tmp_path: Path) -> None:
    async def scenario(flow: Dialled, served: Served, sender: Tls13Sender) -> None:
        served.transport.write(b"".join(sender.record(b"") for _ in range(500)))
        assert "floods" in await flow.ended()

    with_a_hand_made_stream(tmp_path / "keys", scenario)


def test_many_small_records_of_data_are_no_flood(tmp_path: Path) -> None:
    async def scenario(flow: Dialled, served: Served, sender: Tls13Sender) -> None:
        served.transport.write(b"".join(sender.record(b"x") for _ in range(3000)))
        await flow.until(lambda: len(flow.received) == 3000)
        assert flow.closed == []

    with_a_hand_made_stream(tmp_path / "keys", scenario)
