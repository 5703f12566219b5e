"""The way of a session's media through the network: plain UDP (RFC 3550 §11), ICE (RFC 8445)."""

from __future__ import annotations

import asyncio
import enum
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net.tls_context import TlsSettings
from offhook.shells.net.udp import UdpPort, open_pair

OnMedia = Callable[[bytes, PathAddress, bool], None]
"""A datagram, where it came from, and whether it came to the RTCP port."""


class PathState(enum.Enum):
    """What became of the search for a path."""

    CONNECTED = "connected"
    FAILED = "failed"
    LOST = "lost"
    """The peer's consent to be sent to has expired (RFC 7675 §5.1)."""


@dataclass(frozen=True, slots=True)
class PathReport:
    """News of a path: `detail` is a sentence for a person.

    `local` and `remote` are the candidates in use as SDP has them, empty where there are none.
    """

    state: PathState
    detail: str
    local: str = ""
    remote: str = ""


def _check_server(server: PathAddress) -> None:
    try:
        ipaddress.ip_address(server.host)
    except ValueError:
        raise LocalError(f"a STUN or TURN server has an IP address, not {server.host!r}") from None
    if not 0 < server.port < 65536:
        raise LocalError(f"no STUN or TURN server has port {server.port}")


OnState = Callable[[PathReport], None]


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A relay reached by TLS and by nothing else (RFC 8656 §2.1); `tls` says who it has to be."""

    address: PathAddress
    """An IP address, as of every server here: names are not resolved in the media engine."""
    tls: TlsSettings
    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class IceSettings:
    """How a path is looked for. Times are s.

    LocalError where a server's host is no IP address, or its port none.
    """

    stun_server: PathAddress | None = None
    turn_server: TurnServer | None = None
    gather_s: float = 2.0
    """How long the servers may take to answer; what they don't tell by then isn't offered."""
    connect_s: float = 20.0
    local_names: bool = False
    """Whether a peer's `.local` names are asked for in the own network (RFC 6762)."""

    def __post_init__(self) -> None:
        relay = None if self.turn_server is None else self.turn_server.address
        for server in (self.stun_server, relay):
            if server is not None:
                _check_server(server)


class MediaPath(Protocol):
    """Where media comes in and goes out, whatever the way.

    `start`, then `gather`; then, for each description that the peer sends, `connect` where it has
    ICE, `go_plain` where it has none. Without `connect` datagrams go straight to the destination
    given, from the very socket that was described.
    """

    @property
    def local(self) -> PathAddress:
        """Where RTP is received: what c= and m= say."""

    @property
    def local_rtcp(self) -> PathAddress:
        """Where RTCP is received unless it shares RTP's port (RFC 5761)."""

    def start(
        self, loop: asyncio.AbstractEventLoop, on_datagram: OnMedia, on_state: OnState
    ) -> None:
        """Hand up each datagram that is not STUN's, with its true source, until close()."""

    async def gather(self) -> IceDescription | None:
        """What to tell the peer about ICE; None where there is nothing to tell.

        Each further time is the begin of an ICE restart: the path found before stays in use
        until a new one is connected.
        """

    async def connect(self, remote: IceDescription, *, controlling: bool) -> None:
        """Look for a path to `remote`; what comes of it is reported by `on_state`.

        Returns at once where `remote` has the credentials of the path in use or looked for, as in
        a re-offer without restart. Other ones without a gather() before are another peer's that
        answered the same offer: its path replaces the one before once it is found.

        PeerError where `remote` can't be used, LocalError before gather(): then nothing changed.
        """

    def go_plain(self) -> None:
        """Forget all of ICE but what gather() told: the peer doesn't speak it."""

    def send(self, data: bytes, destination: PathAddress, *, rtcp: bool = False) -> bool:
        """Send now or never. Once connect() began, only along the path that it found."""

    def poll(self) -> None:
        """Hand over what has come by now."""

    def close(self) -> None:
        """Give all ports back; harmless when repeated. Nothing is reported any more."""


class PlainPath:
    """Two UDP ports and no question asked."""

    def __init__(self, rtp: UdpPort, rtcp: UdpPort) -> None:
        self._rtp, self._rtcp = rtp, rtcp
        self.local: Final = rtp.local
        self.local_rtcp: Final = rtcp.local

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_datagram: OnMedia,
        on_state: OnState,  # noqa: ARG002 -- MediaPath's: nothing is looked for here
    ) -> None:
        """See MediaPath."""
        self._rtp.start(loop, lambda data, source: on_datagram(data, source, False))
        self._rtcp.start(loop, lambda data, source: on_datagram(data, source, True))

    async def gather(self) -> IceDescription | None:
        """None: there is nothing to tell."""
        return None

    async def connect(
        self,
        remote: IceDescription,  # noqa: ARG002 -- MediaPath's
        *,
        controlling: bool,  # noqa: ARG002 -- MediaPath's
    ) -> None:
        """LocalError: a plain path has no ICE."""
        raise LocalError("a plain path has no ICE")

    def go_plain(self) -> None:
        """It is plain."""

    def send(self, data: bytes, destination: PathAddress, *, rtcp: bool = False) -> bool:
        """See MediaPath."""
        return (self._rtcp if rtcp else self._rtp).send(data, destination)

    def poll(self) -> None:
        """See MediaPath."""
        self._rtp.poll()

    def close(self) -> None:
        """See MediaPath."""
        self._rtp.close()
        self._rtcp.close()


def open_path(
    local_host: str,
    dscp: int,
    ports: range | None,
    ice: IceSettings | None,
    randomness: Randomness,
) -> MediaPath:
    """A path from `local_host`, plain where `ice` is None; ports and errors as in open_pair().

    Plain too on the loopback interface, whose addresses are no candidates (RFC 8445 §5.1.1.1).
    """
    rtp, rtcp = open_pair(local_host, dscp, ports)
    if ice is None or ipaddress.ip_address(local_host).is_loopback:
        return PlainPath(rtp, rtcp)
    from offhook.shells.net.ice import IcePath  # noqa: PLC0415 -- aioice is slow to import

    return IcePath(rtp, rtcp, ice, randomness)
