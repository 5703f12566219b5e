from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from offhook.base.vocabulary import PathAddress
from offhook_practice.acceptor import Acceptor, server_context
from offhook_practice.pki import make_practice_pki

DOMAIN = "practice.example"


class Peer:
    """Takes what comes, and notes the end."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.lost_count = 0
        self.close: Callable[[], None] = lambda: None

    def received(self, _data: bytes) -> None:
        self.came.set()

    def lost(self) -> None:
        self.lost_count += 1


def deaf(_peer: Peer, phone: asyncio.StreamWriter) -> None:
    """As one whose machine was switched off: it answers no close."""
    cast("asyncio.Transport", phone.transport).pause_reading()


def closed_here(peer: Peer, phone: asyncio.StreamWriter) -> None:
    """And we have closed before, as a trunk does that drops its connections."""
    cast("asyncio.Transport", phone.transport).pause_reading()
    peer.close()


def aborted(_peer: Peer, phone: asyncio.StreamWriter) -> None:
    phone.transport.abort()


def left(_peer: Peer, phone: asyncio.StreamWriter) -> None:
    phone.close()


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("end", [deaf, closed_here, aborted, left])
def test_stopping_ends_every_connection_however_its_phone_went(
    tmp_path: Path, end: Callable[[Peer, asyncio.StreamWriter], None], turns: int
) -> None:
    files = make_practice_pki(tmp_path, DOMAIN)
    peer: Peer
    complaints: list[dict[str, Any]] = []

    def accept(
        _local: PathAddress,
        _remote: PathAddress,
        _write: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> Peer:
        peer.close = close
        return peer

    async def scene() -> None:
        nonlocal peer
        peer = Peer()
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        acceptor = Acceptor(server_context(files.certificate, files.key), accept)
        address = await acceptor.start("127.0.0.1", 0)
        trusting = ssl.create_default_context(cafile=str(files.ca))
        _, phone = await asyncio.open_connection(
            address.host, address.port, ssl=trusting, server_hostname=DOMAIN
        )
        phone.write(b"OPTIONS")
        await peer.came.wait()
        end(peer, phone)
        # How far the end has come when all is stopped.
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.wait_for(acceptor.stop(), 5)
        assert peer.lost_count == 1
        phone.transport.abort()

    asyncio.run(scene())
    assert complaints == []
