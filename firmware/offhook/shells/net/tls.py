"""SIP over TLS, and over nothing else: open one verified flow (RFC 3261 §26.2, RFC 5922)."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.vocabulary import FlowReport, PathAddress
from offhook.shells.net.errors import ConnectionFailed, TlsRefused
from offhook.shells.net.sessions import MAX_AGE_S, KeptSession, SessionCache
from offhook.shells.net.tls_context import (
    ClientCertificate,
    Judge,
    TlsSettings,
    current_anchors,
    make_context,
    server_name,
    session_key,
)
from offhook.shells.net.tls_stream import TlsStream

__all__ = [
    "ClientCertificate",
    "ConnectionFailed",
    "Judge",
    "SessionCache",
    "TlsConnection",
    "TlsRefused",
    "TlsSettings",
    "open_tls",
]

UNACKNOWLEDGED_MS: Final = 20_000
"""How long TCP may go without an acknowledgement before the flow counts as broken."""


class TlsConnection:
    """A flow whose server is verified."""

    def __init__(self, stream: TlsStream, report: FlowReport) -> None:
        self._stream = stream
        self.report: Final = report

    def write(self, message: bytes) -> None:
        """Send `message` in one write to TCP. Ignored once the flow has ended.

        Raises LocalError for a message beyond 256 KiB.
        """
        self._stream.write(message)

    def close(self) -> None:
        """Say close_notify and close; `on_closed` is still called."""
        self._stream.close()


async def open_tls(
    address: PathAddress,
    settings: TlsSettings,
    sessions: SessionCache,
    on_data: Callable[[bytes], None],
    on_closed: Callable[[str], None],
) -> TlsConnection:
    """Connect to `address` and verify that it speaks for `settings.service_name`.

    Raises TlsRefused (with its rule) or ConnectionFailed; then neither callback is ever called.
    Otherwise `on_data` gets octets as they come, not before this coroutine has returned to the
    caller that awaits it, and `on_closed` exactly once the reason why the flow ended.
    """
    server_name(settings)
    anchors = current_anchors(settings)
    key = session_key(settings, anchors)
    context = sessions.context(key, lambda: make_context(settings, anchors))
    loop = asyncio.get_running_loop()

    started = loop.time()
    connected = await _connect(address, settings)
    connect_ms = (loop.time() - started) * 1000

    def on_ended(reason: str) -> None:
        kept = stream.session()
        if kept is not None:
            sessions.keep(key, context, kept)
        on_closed(reason)

    stream = TlsStream(
        context, settings, _session_to_offer(sessions, key, settings), on_data, on_ended
    )
    started = loop.time()
    try:
        async with asyncio.timeout(settings.handshake_timeout_s):
            transport, _ = await loop.create_connection(lambda: stream, sock=connected)
            await stream.established
    except TimeoutError:
        stream.abort()
        raise ConnectionFailed(
            f"no TLS handshake with {_shown(address)} within {settings.handshake_timeout_s:g} s"
        ) from None
    except BaseException:
        stream.abort()
        raise
    return TlsConnection(
        stream,
        FlowReport(
            version=stream.version,
            cipher=stream.cipher,
            group=stream.group,
            verdict=stream.verdict,
            resumed=stream.resumed,
            local=PathAddress(*transport.get_extra_info("sockname")[:2]),
            peer=PathAddress(*transport.get_extra_info("peername")[:2]),
            connect_ms=connect_ms,
            handshake_ms=(loop.time() - started) * 1000,
        ),
    )


def _session_to_offer(
    sessions: SessionCache, key: str, settings: TlsSettings
) -> KeptSession | None:
    """A kept session whose chain is still accepted now; one that isn't is forgotten."""
    kept = sessions.take(key)
    if kept is None:
        return None
    wall_time = settings.wall_time()
    if abs(wall_time - kept.verified_at) > MAX_AGE_S:
        return None
    verdict = settings.judge(kept.chain, settings.service_name, wall_time)
    return replace(kept, verdict=verdict) if verdict.accepted else None


async def _connect(address: PathAddress, settings: TlsSettings) -> socket.socket:
    """A connected TCP socket, marked with DSCP from its first segment on."""
    try:
        version = ipaddress.ip_address(address.host).version
    except ValueError as error:
        raise LocalError(f"{address.host!r} is no IP address") from error
    if not 0 < address.port < 2**16:
        raise LocalError(f"{address.port} is no port")
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if version == 4:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, settings.dscp << 2)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, settings.dscp << 2)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        async with asyncio.timeout(settings.connect_timeout_s):
            await asyncio.get_running_loop().sock_connect(sock, tuple(address))
    except TimeoutError:
        sock.close()
        raise ConnectionFailed(
            f"no TCP connection to {_shown(address)} within {settings.connect_timeout_s:g} s"
        ) from None
    except OSError as error:
        sock.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConnectionFailed(f"no TCP connection to {_shown(address)}: {reason}") from error
    except BaseException:
        sock.close()
        raise
    return sock


def _shown(address: PathAddress) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"
