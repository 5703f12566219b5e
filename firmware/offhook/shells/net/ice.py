"""A media path found by ICE (RFC 8445, RFC 8839) over the same two sockets as a plain one.

STUN is taken out of what comes to the RTP port; everything else is handed up as it came.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import logging
import re
from typing import Final

from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.stun import TransactionError

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net import candidates, stun
from offhook.shells.net.ice_agent import CONSENT_EXPIRES_S, Agent, Base
from offhook.shells.net.local_names import resolved
from offhook.shells.net.path import IceSettings, OnMedia, OnState, PathReport, PathState
from offhook.shells.net.turn import Relay
from offhook.shells.net.udp import UdpPort

UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
PWD: Final = re.compile(rb"[A-Za-z0-9+/]{22,256}")
FREE_S: Final = 3.0
"""How long a relayed address that isn't used is kept after a path was found."""

log = logging.getLogger(__name__)


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
        self._relays: dict[Agent, tuple[Relay, Base]] = {}
        self._gathered: Agent | None = None
        """What the peer was or will be told of, until connect() begins."""
        self._checking: Agent | None = None
        self._connected: Agent | None = None
        self._plain = True
        self._told: tuple[str, str] | None = None
        """The credentials of the last gather()."""

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
        self._told = ufrag, pwd = self._ice_text(5), self._ice_text(20)
        agent = self._gathered = self._new_agent(ufrag, pwd)
        await asyncio.gather(self._find_reflexive(agent), self._find_relayed(agent))
        if self._gathered is not agent:
            raise LocalError("the path was closed, or gathered anew, while it gathered")
        return IceDescription(
            ufrag,
            Secret(pwd),
            tuple(each.to_sdp() for each in agent.local_candidates),
            self.local,
        )

    async def connect(self, remote: IceDescription, *, controlling: bool) -> None:
        """See MediaPath."""
        if self._gathered is None and self._is_known(remote):
            return
        if self._told is None:
            raise LocalError("there is nothing gathered to connect from")
        told = _read(remote)
        agent = self._gathered = self._gathered or self._new_agent(*self._told)
        agent.remote_username = remote.ufrag
        agent.remote_password = remote.pwd.reveal().decode()
        if self._settings.local_names:
            told = await resolved(told, self.local.host)
            if self._gathered is not agent:
                raise LocalError("the path was closed, or gathered anew, while it asked for names")
        for each in candidates.usable(told, {base.host for base in agent.bases}):
            await agent.add_remote_candidate(each)
        agent.ice_controlling = controlling or remote.lite
        self._gathered = None
        self._forget(self._checking)
        self._checking, self._plain = agent, False
        await self._check(agent)

    def go_plain(self) -> None:
        """See MediaPath."""
        for agent in tuple(self._bases):
            self._forget(agent)
        self._gathered = self._checking = self._connected = None
        self._plain = True

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
        self._on_state = self._told = None
        self.go_plain()
        self._rtp.close()
        self._rtcp.close()

    async def _check(self, agent: Agent) -> None:
        try:
            async with asyncio.timeout(self._settings.connect_s):
                await agent.connect()
        except (ConnectionError, TimeoutError):
            if self._checking is agent:
                self._failed(agent, len(agent.remote_candidates))
        except BaseException:
            if self._checking is agent:
                self._checking = None
            self._forget(agent)
            raise
        else:
            self._succeeded(agent)

    def _new_agent(self, ufrag: str, pwd: str) -> Agent:
        agent = Agent(ufrag, pwd, lambda: self._lost(agent))
        base = Base(agent, _candidate("host", self.local), self._rtp.send)
        agent.add_base(base)
        self._bases[agent] = base
        return agent

    def _is_known(self, remote: IceDescription) -> bool:
        credentials = (remote.ufrag, remote.pwd)
        return any(
            (each.remote_username, Secret(each.remote_password or "")) == credentials
            for each in (self._checking, self._connected)
            if each is not None
        )

    async def _find_reflexive(self, agent: Agent) -> None:
        server = self._settings.stun_server
        if server is None:
            return
        try:
            async with asyncio.timeout(self._settings.gather_s):
                seen = await agent.ask_server(self._bases[agent], server)
        except (TransactionError, TimeoutError):
            log.warning("the STUN server %s:%d does not answer", *server)
            return
        here = ipaddress.ip_address(self.local.host)
        if seen != self.local and seen.port and candidates.is_reachable(seen.host, here):
            agent.add_candidate(_candidate("srflx", seen, self.local))

    async def _find_relayed(self, agent: Agent) -> None:
        server = self._settings.turn_server
        if server is None:
            return
        relay = Relay(
            server,
            lambda data, source: self._on_relayed(agent, data, source),
            lambda reason: self._relay_lost(agent, reason),
        )
        try:
            async with asyncio.timeout(self._settings.gather_s):
                await relay.open()
        except (PeerError, TimeoutError) as error:
            relay.close()
            log.warning("no relay at %s:%d: %s", *server.address, error or "no answer in time")
            return
        except BaseException:
            relay.close()
            raise
        if agent is not self._gathered:
            relay.close()
            return
        base = Base(agent, _candidate("relay", relay.address, relay.local), relay.send)
        agent.add_base(base)
        self._relays[agent] = (relay, base)

    def _ice_text(self, octets: int) -> str:
        """Random ice-chars, eight for each five octets (RFC 8839 §5.4).

        aioice 0.10.1 takes no capital letters of ours.
        """
        return base64.b32encode(self._randomness.octets(octets)).decode().lower()

    def _on_rtp(self, data: bytes, source: PathAddress) -> None:
        message = self._stun_in(data, source)
        if message is not None:
            any(agent.take(message, base, source) for agent, base in self._bases.items())

    def _on_relayed(self, agent: Agent, data: bytes, source: PathAddress) -> None:
        message = self._stun_in(data, source)
        if message is not None and agent in self._relays:
            agent.take(message, self._relays[agent][1], source)

    def _stun_in(self, data: bytes, source: PathAddress) -> stun.StunMessage | None:
        """The STUN message that this is; what is media is handed up instead."""
        if stun.is_stun(data):
            return stun.read(data)
        if self._on_datagram is not None:
            self._on_datagram(data, source, False)
        return None

    def _succeeded(self, agent: Agent) -> None:
        pair = agent.selected
        if pair is None:  # closed in the meantime
            return
        before, self._connected, self._checking = self._connected, agent, None
        self._forget(before)
        if agent in self._relays:
            asyncio.get_running_loop().call_later(FREE_S, self._free_relay, agent)
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
        self._end(agent, f"the other side has not agreed to receive for {CONSENT_EXPIRES_S:g} s")

    def _relay_lost(self, agent: Agent, reason: str) -> None:
        log.warning("the relay is gone: %s", reason)
        if self._uses_relay(agent):
            self._end(agent, f"the relay is gone: {reason}")

    def _end(self, agent: Agent, detail: str) -> None:
        """What was found is lost."""
        if agent is self._connected:
            self._connected = None
            self._forget(agent)
            self._report(PathState.LOST, detail)

    def _free_relay(self, agent: Agent) -> None:
        """Give an address back that proved not to be needed (RFC 8445 §8.3)."""
        if agent in self._relays and not self._uses_relay(agent):
            self._relays[agent][0].close()

    def _uses_relay(self, agent: Agent) -> bool:
        pair = agent.selected
        return (
            agent in self._relays and pair is not None and pair.protocol is self._relays[agent][1]
        )

    def _report(self, state: PathState, detail: str, local: str = "", remote: str = "") -> None:
        if self._on_state is not None:
            self._on_state(PathReport(state, detail, local, remote))

    def _forget(self, agent: Agent | None) -> None:
        if agent is not None:
            self._bases.pop(agent, None)
            agent.stop()
            if agent in self._relays:
                self._relays.pop(agent)[0].close()


def _read(remote: IceDescription) -> list[Candidate]:
    """The candidates that could be read; PeerError where the peer can't be spoken to by ICE."""
    if not UFRAG.fullmatch(remote.ufrag) or not PWD.fullmatch(remote.pwd.reveal()):
        raise PeerError("the peer's ICE user name or password is malformed")
    lines = remote.candidates[: candidates.MAX_LINES]
    told = [each for each in map(candidates.read, lines) if each is not None]
    if candidates.is_mismatched(told, remote.default):
        raise PeerError("the peer's address is none of its ICE candidates: it was rewritten")
    return told


def _candidate(kind: str, at: PathAddress, related: PathAddress | None = None) -> Candidate:
    return Candidate(
        foundation=candidate_foundation(kind, "udp", (related or at).host),
        component=1,
        transport="udp",
        priority=candidate_priority(1, kind),
        host=at.host,
        port=at.port,
        type=kind,
        related_address=related.host if related else None,
        related_port=related.port if related else None,
    )


def _shown(candidate: Candidate) -> str:
    host = f"[{candidate.host}]" if ":" in candidate.host else candidate.host
    return f"{host}:{candidate.port} ({candidate.type})"
