"""A media path found by ICE (RFC 8445, RFC 8839) over the same two sockets as a plain one.

STUN is taken out of what comes to the RTP port; everything else is handed up as it came.
"""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Final

from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net import candidates, stun
from offhook.shells.net.ice_agent import CONSENT_EXPIRES_S, Agent, Base
from offhook.shells.net.path import IceSettings, OnMedia, OnState, PathReport, PathState
from offhook.shells.net.udp import UdpPort

UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
PWD: Final = re.compile(rb"[A-Za-z0-9+/]{22,256}")


class IcePath:
    """See MediaPath. Datagrams of STUN without proof cost a hash at most and change nothing."""

    def __init__(
        self, rtp: UdpPort, rtcp: UdpPort, settings: IceSettings, randomness: Randomness
    ) -> None:
        self._rtp, self._rtcp = rtp, rtcp
        self.local: Final = rtp.local
        self.local_rtcp: Final = rtcp.local
        self._settings = settings
        self._randomness = randomness
        self._on_datagram: OnMedia | None = None
        self._on_state: OnState | None = None
        self._bases: dict[Agent, Base] = {}
        """The agents that are alive, with their base on the RTP socket."""
        self._gathered: Agent | None = None
        """What the peer was or will be told of, until connect() begins."""
        self._checking: Agent | None = None
        self._connected: Agent | None = None
        self._plain = True

    def start(
        self, loop: asyncio.AbstractEventLoop, on_datagram: OnMedia, on_state: OnState
    ) -> None:
        """See MediaPath."""
        self._on_datagram, self._on_state = on_datagram, on_state
        self._rtp.start(loop, self._on_rtp)
        self._rtcp.start(loop, lambda data, source: on_datagram(data, source, True))

    async def gather(self) -> IceDescription:
        """See MediaPath. LocalError before start()."""
        if self._on_datagram is None:
            raise LocalError("a path gathers once it is started")
        self._forget(self._gathered)
        ufrag, pwd = self._ice_text(6), self._ice_text(18)
        agent = Agent(ufrag, pwd, lambda: self._lost(agent))
        host = Candidate(
            foundation=candidate_foundation("host", "udp", self.local.host),
            component=1,
            transport="udp",
            priority=candidate_priority(1, "host"),
            host=self.local.host,
            port=self.local.port,
            type="host",
        )
        base = Base(agent, host, self._rtp.send)
        agent.add_base(base)
        self._bases[agent] = base
        self._gathered = agent
        return IceDescription(
            ufrag,
            Secret(pwd),
            tuple(each.to_sdp() for each in agent.local_candidates),
            self.local,
        )

    async def connect(self, remote: IceDescription, *, controlling: bool) -> None:
        """See MediaPath."""
        agent = self._gathered
        if agent is None:
            raise LocalError("there is nothing gathered to connect from")
        self._describe(agent, remote)
        for each in self._usable(remote):
            await agent.add_remote_candidate(each)
        agent.ice_controlling = controlling or remote.lite
        self._gathered = None
        self._forget(self._checking)
        self._checking, self._plain = agent, False
        try:
            async with asyncio.timeout(self._settings.connect_s):
                await agent.connect()
        except (ConnectionError, TimeoutError):
            if self._checking is agent:
                self._failed(agent, len(agent.remote_candidates))
        except BaseException:
            self._forget(agent)
            raise
        else:
            self._succeeded(agent)

    def send(self, data: bytes, destination: PathAddress, *, rtcp: bool = False) -> bool:
        """See MediaPath."""
        if self._connected is not None:
            return self._connected.send_media(data)
        if self._plain:
            return (self._rtcp if rtcp else self._rtp).send(data, destination)
        return False

    def poll(self) -> None:
        """See MediaPath."""
        self._rtp.poll()

    def close(self) -> None:
        """See MediaPath."""
        self._on_state = None
        for agent in tuple(self._bases):
            self._forget(agent)
        self._rtp.close()
        self._rtcp.close()

    def _ice_text(self, octets: int) -> str:
        """Random ice-chars, four for each three octets (RFC 8839 §5.4)."""
        return base64.b64encode(self._randomness.octets(octets)).decode()

    def _on_rtp(self, data: bytes, source: PathAddress) -> None:
        if not stun.is_stun(data):
            if self._on_datagram is not None:
                self._on_datagram(data, source, False)
            return
        message = stun.read(data)
        if message is None:
            return
        for agent, base in self._bases.items():
            if agent.take(message, base, source):
                return

    def _describe(self, agent: Agent, remote: IceDescription) -> None:
        """Set the peer's credentials; raises PeerError where it can't be spoken to by ICE."""
        pwd = remote.pwd.reveal()
        if not UFRAG.fullmatch(remote.ufrag) or not PWD.fullmatch(pwd):
            raise PeerError("the peer's ICE user name or password is malformed")
        told = [each for each in map(candidates.read, remote.candidates) if each is not None]
        if candidates.is_mismatched(told, remote.default):
            raise PeerError("the peer's address is none of its ICE candidates: it was rewritten")
        agent.remote_username, agent.remote_password = remote.ufrag, pwd.decode()

    def _usable(self, remote: IceDescription) -> list[Candidate]:
        lines = remote.candidates[: candidates.MAX_LINES]
        told = [each for each in map(candidates.read, lines) if each is not None]
        return candidates.usable(told, self.local.host)

    def _succeeded(self, agent: Agent) -> None:
        pair = agent.selected
        if pair is None:  # closed in the meantime
            return
        before, self._connected, self._checking = self._connected, agent, None
        self._forget(before)
        local, remote = pair.local_candidate, pair.remote_candidate
        self._report(
            PathState.CONNECTED,
            f"media goes from {_shown(local)} to {_shown(remote)}",
            local.to_sdp(),
            remote.to_sdp(),
        )

    def _failed(self, agent: Agent, known: int) -> None:
        self._checking = None
        self._forget(agent)
        self._report(
            PathState.FAILED,
            f"no way to the other side was found within {self._settings.connect_s:g} s"
            f" ({known} of its addresses tried)",
        )

    def _lost(self, agent: Agent) -> None:
        if agent is not self._connected:
            return
        self._connected = None
        self._forget(agent)
        self._report(
            PathState.LOST,
            f"the other side has not agreed to receive for {CONSENT_EXPIRES_S:g} s",
        )

    def _report(self, state: PathState, detail: str, local: str = "", remote: str = "") -> None:
        if self._on_state is not None:
            self._on_state(PathReport(state, detail, local, remote))

    def _forget(self, agent: Agent | None) -> None:
        if agent is not None:
            self._bases.pop(agent, None)
            agent.stop()


def _shown(candidate: Candidate) -> str:
    host = f"[{candidate.host}]" if ":" in candidate.host else candidate.host
    return f"{host}:{candidate.port} ({candidate.type})"
