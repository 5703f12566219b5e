"""UDP ports for media: a pair per session, marked, read in batches (RFC 3550 §11, RFC 4594)."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PathAddress

MAX_DATAGRAM: Final = 2048
BATCH: Final = 64
"""Datagrams read before the event loop gets its turn: a flood can't keep it."""
RECEIVE_BUFFER: Final = 256 * 1024
ATTEMPTS: Final = 64

OnDatagram = Callable[[bytes, PathAddress], None]


class UdpPort:
    """One bound, non-blocking UDP socket. What the network says never raises here."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        host, port = bound.getsockname()[:2]
        self.local = PathAddress(host, port)
        self.send_errors = 0
        """Datagrams that the system refused to send: dropped, as the network might."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_datagram: OnDatagram | None = None
        self._source: tuple[object, ...] = ()
        self._address = self.local

    def start(self, loop: asyncio.AbstractEventLoop, on_datagram: OnDatagram) -> None:
        """Hand each datagram with its source to `on_datagram`, in `loop`, until close()."""
        self._loop, self._on_datagram = loop, on_datagram
        loop.add_reader(self._socket.fileno(), self.poll)

    def poll(self) -> None:
        """Hand over what has come by now, up to BATCH datagrams."""
        on_datagram = self._on_datagram
        if on_datagram is None:
            return
        for _ in range(BATCH):
            try:
                data, source = self._socket.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error of an earlier datagram; the next one can be read all the same.
                continue
            if source != self._source:
                self._source, self._address = source, PathAddress(source[0], source[1])
            on_datagram(data, self._address)
            if self._on_datagram is None:
                return

    def send(self, data: bytes, destination: PathAddress) -> bool:
        """Send now or never; False where the system would not take it."""
        try:
            self._socket.sendto(data, destination)
        except OSError:
            self.send_errors += 1
            return False
        return True

    def close(self) -> None:
        """Stop reading and give the port back; harmless when repeated."""
        if self._loop is not None and self._on_datagram is not None:
            self._loop.remove_reader(self._socket.fileno())
        self._on_datagram = None
        self._socket.close()


def open_pair(local_host: str, dscp: int, ports: range | None = None) -> tuple[UdpPort, UdpPort]:
    """An even port for RTP and the odd one above it for RTCP, both bound to `local_host`.

    From `ports` where given, else as the system chooses. LocalError where `local_host` is no
    address of this machine, or no pair is free.
    """
    try:
        host = ipaddress.ip_address(local_host)
    except ValueError:
        raise LocalError(f"{local_host!r} is no IP address") from None
    if host.is_unspecified or host.is_multicast:
        raise LocalError(f"media is not bound to {local_host}: name one address of this machine")
    if not 0 <= dscp <= 63:
        raise LocalError(f"{dscp} is no DSCP: 0 to 63")
    family = socket.AF_INET6 if host.version == 6 else socket.AF_INET
    for rtp, rtcp in _candidates(family, local_host, ports):
        try:
            _mark(rtp, family, dscp)
            _mark(rtcp, family, dscp)
        except OSError as error:
            rtp.close()
            rtcp.close()
            raise LocalError(f"media on {local_host}: {error}") from None
        return UdpPort(rtp), UdpPort(rtcp)
    raise LocalError(f"no free pair of UDP ports on {local_host}")


def _candidates(
    family: socket.AddressFamily, host: str, ports: range | None
) -> Iterator[tuple[socket.socket, socket.socket]]:
    evens = [0] * ATTEMPTS if ports is None else [port for port in ports if port % 2 == 0]
    for wanted in evens:
        first = _bind(family, host, wanted, given=ports is not None)
        if first is None:
            continue
        port = first.getsockname()[1]
        second = _bind(family, host, port ^ 1, given=True)
        if second is None:
            first.close()
        else:
            yield (first, second) if port % 2 == 0 else (second, first)


def _bind(
    family: socket.AddressFamily, host: str, port: int, *, given: bool
) -> socket.socket | None:
    """A bound socket; None where a `given` port is taken, LocalError for any other reason."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.bind((host, port))
    except OSError as error:
        made.close()
        if given:
            return None
        raise LocalError(f"media on {host}: {error}") from None
    return made


def _mark(opened: socket.socket, family: socket.AddressFamily, dscp: int) -> None:
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
    else:
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
