"""TLS over one TCP connection by memory BIOs (RFC 8446, RFC 5246; RFC 5922 §7.3).

The chain is judged before the client's last handshake flight leaves: a server that is refused
sees an alert, neither our certificate nor an octet of SIP.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ssl
from collections.abc import Callable
from typing import Final

from offhook.base.errors import LocalError, PeerError
from offhook.base.vocabulary import PeerVerdict
from offhook.shells.net.errors import ConnectionFailed, TlsRefused
from offhook.shells.net.key_exchange import KeyExchangeReader
from offhook.shells.net.records import RecordSplitter
from offhook.shells.net.sessions import KeptSession
from offhook.shells.net.tls_context import TLS13_CIPHERS, TlsSettings, server_name, verified_chain
from offhook.shells.net.tls_errors import refusal

UNEXPECTED_EOF: Final = "UNEXPECTED_EOF_WHILE_READING"
MAX_HANDSHAKE_OCTETS: Final = 256 * 1024
MAX_UNSENT_OCTETS: Final = 256 * 1024
READ_OCTETS: Final = 2**14
SILENT_RECORDS: Final = 30
SILENT_RECORDS_PER_S: Final = 2.0
LINGER_S: Final = 1.0
BAD_CERTIFICATE: Final = bytes.fromhex("15 0303 0002 02 2a")
"""A fatal bad_certificate alert in the clear, as it is due before our first encrypted record."""


class State(enum.Enum):
    """Where the connection is; it only ever moves down this list."""

    HANDSHAKE = enum.auto()
    ESTABLISHED = enum.auto()
    OPEN = enum.auto()
    CLOSED = enum.auto()


class TlsStream(asyncio.Protocol):
    """One TLS client connection, from ClientHello to close_notify.

    `established` is done when the peer is verified and the handshake finished, or carries
    TlsRefused or ConnectionFailed. Only after that `on_data` gets the octets received and, once
    and last, `on_ended` the reason why no more will come; neither is called from within a method
    that the owner called.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        settings: TlsSettings,
        kept: KeptSession | None,
        on_data: Callable[[bytes], None],
        on_ended: Callable[[str], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.established: asyncio.Future[None] = self._loop.create_future()
        self._settings = settings
        self._kept = kept
        self._on_data = on_data
        self._on_ended = on_ended
        self._state = State.HANDSHAKE
        self._transport: asyncio.Transport | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_hostname=server_name(settings),
            session=None if kept is None else kept.session,
        )
        self._splitter = RecordSplitter()
        self._key_exchange = KeyExchangeReader()
        self._received = 0
        self._silent = 0.0
        self._silent_since = 0.0
        self._sound = True
        self._chain: tuple[bytes, ...] = ()
        self._verified_at = 0.0
        self._verdict: PeerVerdict | None = None

    @property
    def version(self) -> str:
        """The protocol version in force: "TLSv1.3" or "TLSv1.2"."""
        return self._tls.version() or ""

    @property
    def cipher(self) -> str:
        """OpenSSL's name of the cipher suite."""
        cipher = self._tls.cipher()
        return cipher[0] if cipher else ""

    @property
    def group(self) -> str:
        """The key-exchange group; that of the full handshake where a resumption had none."""
        if self._key_exchange.group:
            return self._key_exchange.group
        return self._kept.group if self._kept is not None and self.resumed else "unknown"

    @property
    def resumed(self) -> bool:
        """Whether the server took up the session offered."""
        return bool(self._tls.session_reused)

    @property
    def verdict(self) -> PeerVerdict:
        """What the judge said; only once `established`."""
        if self._verdict is None:
            raise TlsRefused("no-certificate", "the server was not judged")
        return self._verdict

    def session(self) -> KeptSession | None:
        """What a later connection could resume, or None while there is nothing sound to keep."""
        if self._verdict is None or not self._sound:
            return None
        session = self._tls.session
        if session is None or not (session.has_ticket or (session.id and self.version < "TLSv1.3")):
            return None
        return KeptSession(session, self._chain, self._verdict, self.group, self._verified_at)

    def write(self, message: bytes) -> None:
        """Encrypt and send `message` in one write to TCP; nothing happens after the end.

        A peer that leaves more than MAX_UNSENT_OCTETS unread is cut off. Raises LocalError for a
        message that is longer than that by itself.
        """
        if len(message) > MAX_UNSENT_OCTETS:
            raise LocalError(f"{len(message)} octets are too long for one message")
        if self._transport is None or self._state not in (State.ESTABLISHED, State.OPEN):
            return
        if self._transport.get_write_buffer_size() + len(message) > MAX_UNSENT_OCTETS:
            self._end("the server stopped reading", abort=True)
            return
        try:
            sent = 0
            while sent < len(message):
                sent += self._tls.write(message[sent:])
        except ssl.SSLError as error:
            self._fail(self._refusal(error))
            return
        self._flush()

    def close(self) -> None:
        """Send close_notify and close; what is unsent after LINGER_S is given up."""
        if self._state is State.HANDSHAKE:
            self.abort()
        else:
            self._end("closed by the phone")

    def abort(self) -> None:
        """Drop the connection at once."""
        self._state = State.CLOSED
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: TCP is connected, the ClientHello goes out."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- narrows asyncio's signature
        self._transport = transport
        if self._state is State.CLOSED:
            transport.abort()
        else:
            self._handshake()

    def data_received(self, data: bytes) -> None:
        """asyncio's: octets came in."""
        if self._state is State.OPEN:
            self._received_in_open(data)
            return
        if self._state is State.CLOSED:
            return
        records = self._splitter.receive(data)
        self._incoming.write(data)
        for record in records:
            self._key_exchange.receive(record.content_type, record.fragment)
        self._received += len(data)
        if self._received > MAX_HANDSHAKE_OCTETS:
            self._refuse(TlsRefused("too-long", "the server's handshake goes on beyond all bounds"))
        elif self._state is State.HANDSHAKE:
            self._handshake()

    def eof_received(self) -> None:
        """asyncio's: the peer sends no more; a half-closed flow is of no use to SIP."""
        self._incoming.write_eof()
        if self._state is State.OPEN:
            self._read()

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's: TCP is gone."""
        if error is None:
            reason = "the server closed the TCP connection without close_notify"
        else:
            text = error.strerror if isinstance(error, OSError) else None
            reason = f"the TCP connection broke: {text or error}"
        if self._state is State.HANDSHAKE:
            if error is None:
                reason = "the server closed the connection during the TLS handshake"
            self._refuse(ConnectionFailed(reason))
        else:
            self._end(reason)

    def _handshake(self) -> None:
        try:
            self._tls.do_handshake()
            finished = True
        except ssl.SSLWantReadError:
            finished = False
        except ssl.SSLError as error:
            self._flush()
            self._refuse(self._refusal(error))
            return
        try:
            self._judge()
            if finished:
                self._check_negotiated()
        except TlsRefused as refused:
            self._outgoing.read()
            if self._transport is not None:
                self._transport.write(BAD_CERTIFICATE)
            self._refuse(refused)
            return
        if self.established.cancelled():
            self.abort()
            return
        self._flush()
        if finished:
            self._state = State.ESTABLISHED
            self.established.set_result(None)
            self._loop.call_soon(self._open)

    def _judge(self) -> None:
        """Judge the chain as soon as OpenSSL has verified it; raises TlsRefused."""
        if self._verdict is not None:
            return
        chain = verified_chain(self._tls)
        if not chain:
            return
        wall_time = self._settings.wall_time()
        verdict = self._settings.judge(chain, self._settings.service_name, wall_time)
        if not verdict.accepted:
            raise TlsRefused(verdict.rule, verdict.detail)
        self._verdict = verdict
        self._chain = chain
        self._verified_at = wall_time

    def _check_negotiated(self) -> None:
        """Hold the outcome against policy once more; raises TlsRefused."""
        if self.version not in ("TLSv1.2", "TLSv1.3"):
            raise TlsRefused("protocol-version", f"{self.version} was negotiated")
        if self.version == "TLSv1.3" and self.cipher not in TLS13_CIPHERS:
            raise TlsRefused("cipher", f"{self.cipher} was negotiated")
        if self._tls.compression() is not None:
            raise TlsRefused("compression", "compression was negotiated")
        if self._verdict is not None:
            return
        if not self.resumed or self._kept is None:
            raise TlsRefused("no-certificate", "the server showed no certificate")
        self._verdict = self._kept.verdict
        self._chain = self._kept.chain
        self._verified_at = self._kept.verified_at

    def _open(self) -> None:
        if self._state is State.ESTABLISHED:
            self._state = State.OPEN
            self._read()

    def _received_in_open(self, data: bytes) -> None:
        """Feed one record after the other, so that those without data are counted."""
        now = self._loop.time()
        drained = (now - self._silent_since) * SILENT_RECORDS_PER_S
        self._silent_since = now
        self._silent = max(0.0, self._silent - drained)
        start = 0
        for record in self._splitter.receive(data):
            self._incoming.write(data[start : record.end])
            start = record.end
            self._silent += 1
            self._read()
            if self._silent > SILENT_RECORDS and self._state is State.OPEN:
                self._fail(
                    TlsRefused("flood", "the server floods the connection with empty TLS records")
                )
            if self._state is not State.OPEN:
                return
        if self._splitter.broken:
            self._fail(_record_too_long())
        else:
            self._incoming.write(data[start:])

    def _read(self) -> None:
        try:
            while self._state is State.OPEN:
                data = self._tls.read(READ_OCTETS)
                if not data:  # how SSLObject.read shows a close_notify
                    self._end("the server closed the connection")
                    return
                self._silent -= 1
                self._on_data(data)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            self._end("the server closed the connection")
        except ssl.SSLError as error:
            # Not all of Python 3.11 has SSLEOFError for it.
            if isinstance(error, ssl.SSLEOFError) or error.reason == UNEXPECTED_EOF:
                self._end("the server closed the TCP connection without close_notify")
            else:
                self._fail(self._refusal(error))

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and self._transport is not None:
            self._transport.write(data)

    def _refusal(self, error: ssl.SSLError) -> TlsRefused:
        found = refusal(error)
        broken = found.rule == "bad-record" and self._splitter.broken
        return _record_too_long() if broken else found

    def _fail(self, why: TlsRefused) -> None:
        self._sound = False
        self._end(why.reason)

    def _refuse(self, error: PeerError) -> None:
        self._state = State.CLOSED
        if not self.established.done():
            self.established.set_exception(error)
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(LINGER_S, self._transport.abort)

    def _end(self, reason: str, *, abort: bool = False) -> None:
        if self._state is State.CLOSED:
            return
        self._state = State.CLOSED
        self._loop.call_soon(self._on_ended, reason)
        if self._transport is None:
            return
        if abort:
            self._transport.abort()
            return
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()  # writes our close_notify; the peer's own isn't waited for
        self._flush()
        self._transport.close()
        self._loop.call_later(LINGER_S, self._transport.abort)


def _record_too_long() -> TlsRefused:
    return TlsRefused("too-long", "the server sent a TLS record beyond all bounds")
