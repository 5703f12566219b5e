"""The other end of an ICE path: aioice itself, as it is, in the peer's namespace."""

from __future__ import annotations

import asyncio

from aioice import Candidate, Connection
from tests.shells.net.namespaces import Namespace

from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress


class IcePeer:
    """An aioice connection that has gathered in `inside`."""

    def __init__(self, inside: Namespace, *, controlling: bool = False, ipv6: bool = False) -> None:
        self._inside = inside
        self.connection = Connection(ice_controlling=controlling, use_ipv4=not ipv6, use_ipv6=ipv6)

    async def gather(self) -> IceDescription:
        with self._inside:
            await self.connection.gather_candidates()
        default = self.connection.get_default_candidate(1)
        assert default is not None
        return IceDescription(
            self.connection.local_username,
            Secret(self.connection.local_password),
            tuple(each.to_sdp() for each in self.connection.local_candidates),
            PathAddress(default.host, default.port),
        )

    async def learn(self, remote: IceDescription) -> None:
        self.connection.remote_username = remote.ufrag
        self.connection.remote_password = remote.pwd.reveal().decode()
        for line in remote.candidates:
            await self.connection.add_remote_candidate(Candidate.from_sdp(line))
        await self.connection.add_remote_candidate(None)

    async def connect(self) -> None:
        await self.connection.connect()

    async def receive(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.connection.recv()
