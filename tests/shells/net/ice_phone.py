"""The phone's end of an ICE path in its namespace, and what its owner gets to hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from tests.shells.net.ice_peer import IcePeer
from tests.shells.net.namespaces import Street, Wire

from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net.ice import IcePath
from offhook.shells.net.path import IceSettings, PathReport, open_path

PORTS: Final = range(40000, 40100)
NOWHERE: Final = PathAddress("192.0.2.1", 9)


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 30))


async def until(condition: Callable[[], object]) -> None:
    """Wait for `condition`; TimeoutError after 5 s."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- what is waited for knows no events
            await asyncio.sleep(0.01)


@dataclass
class Phone:
    path: IcePath
    datagrams: asyncio.Queue[tuple[bytes, PathAddress, bool]] = field(default_factory=asyncio.Queue)
    reports: asyncio.Queue[PathReport] = field(default_factory=asyncio.Queue)

    async def datagram(self) -> tuple[bytes, PathAddress, bool]:
        async with asyncio.timeout(5):
            return await self.datagrams.get()

    async def report(self) -> PathReport:
        async with asyncio.timeout(10):
            return await self.reports.get()


def phone_on(lab: Wire | Street, *, host: str = "", settings: IceSettings | None = None) -> Phone:
    """A phone whose path is started."""
    with lab.phone:
        path = open_path(
            host or lab.phone_host, 46, PORTS, settings or IceSettings(), SeededRandomness("ice")
        )
    assert isinstance(path, IcePath)
    phone = Phone(path)
    path.start(
        asyncio.get_running_loop(),
        lambda *datagram: phone.datagrams.put_nowait(datagram),
        phone.reports.put_nowait,
    )
    return phone


async def joined(
    phone: Phone, peer: IcePeer, *, phone_controls: bool = True
) -> tuple[IceDescription, IceDescription]:
    """Both descriptions, after both sides connected."""
    ours, theirs = await phone.path.gather(), await peer.gather()
    await peer.learn(ours)
    async with asyncio.timeout(10):
        await asyncio.gather(phone.path.connect(theirs, controlling=phone_controls), peer.connect())
    return ours, theirs
