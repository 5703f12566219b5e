from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offhook.base.vocabulary import PathAddress
from offhook_practice.acceptor import Acceptor, server_context
from offhook_practice.pki import make_practice_pki

DOMAIN = "practice.example"


class Peer:
    """Takes what comes, and notes the end."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.lost_count = 0

    def received(self, _data: bytes) -> None:
        self.came.set()

    def lost(self) -> None:
        self.lost_count += 1


def test_stopping_ends_the_connection_of_a_phone_that_is_gone_without_a_word(
    tmp_path: Path,
) -> None:
    files = make_practice_pki(tmp_path, DOMAIN)
    peer: Peer
    complaints: list[dict[str, Any]] = []

    def accept(
        _local: PathAddress,
        _remote: PathAddress,
        _write: Callable[[bytes], None],
        _close: Callable[[], None],
    ) -> Peer:
        return peer

    async def scene() -> None:
        nonlocal peer
        peer = Peer()
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        acceptor = Acceptor(server_context(files.certificate, files.key), accept)
        address = await acceptor.start("127.0.0.1", 0)
        trusting = ssl.create_default_context(cafile=str(files.ca))
        _, writer = await asyncio.open_connection(
            address.host, address.port, ssl=trusting, server_hostname=DOMAIN
        )
        writer.write(b"OPTIONS")
        await peer.came.wait()
        await asyncio.wait_for(acceptor.stop(), 5)
        assert peer.lost_count == 1
        writer.transport.abort()

    asyncio.run(scene())
    assert complaints == []
