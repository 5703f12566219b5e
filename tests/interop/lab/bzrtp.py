"""bzrtp, the ZRTP of linphone, as a library: packets and virtual time in, packets and keys out.

Tried with 5.1.64 of Debian 12 (`libbzrtp0`); the numbers of algorithms are those of its header.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

HASHES: Final = {"S256": 0x11, "S384": 0x12}
CIPHERS: Final = {"AES1": 0x21, "AES3": 0x23}
TAGS: Final = {"HS32": 0x31, "HS80": 0x32}
AGREEMENTS: Final = {"X255": 0x42, "X448": 0x44, "DH3k": 0x45, "Mult": 0x4F}
SAS_TYPES: Final = {"B32 ": 0x51, "B256": 0x52}
_KINDS: Final = (
    (0x01, HASHES),
    (0x02, CIPHERS),
    (0x04, TAGS),
    (0x08, AGREEMENTS),
    (0x10, SAS_TYPES),
)

_u8 = ctypes.c_uint8
_octets = ctypes.POINTER(_u8)


class _Secrets(ctypes.Structure):
    _fields_ = (
        ("self_key", _octets),
        ("self_key_length", _u8),
        ("self_salt", _octets),
        ("self_salt_length", _u8),
        ("peer_key", _octets),
        ("peer_key_length", _u8),
        ("peer_salt", _octets),
        ("peer_salt_length", _u8),
        ("cipher", _u8),
        ("cipher_key_length", _u8),
        ("tag", _u8),
        ("sas", ctypes.c_char_p),
        ("sas_length", _u8),
        ("hash", _u8),
        ("agreement", _u8),
        ("sas_type", _u8),
        ("mismatch", _u8),
        ("aux", _u8),
    )


_Told = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, _u8, _u8, ctypes.c_char_p)
_Send = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, _octets, ctypes.c_uint16)
_Keys = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Secrets), _u8)
_Start = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Secrets), ctypes.c_int32)
_Export = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, _u8)


class _Callbacks(ctypes.Structure):
    _fields_ = (
        ("told", _Told),
        ("level", ctypes.c_int),
        ("send", _Send),
        ("keys", _Keys),
        ("start", _Start),
        ("export", _Export),
    )


@dataclass(frozen=True)
class Outcome:
    """What bzrtp says when a stream is secure."""

    sas: str
    verified: bool
    mismatch: bool
    agreement: str


def lacking() -> str:
    """The libraries that this machine lacks."""
    names = {"bzrtp": "libbzrtp0", "sqlite3": "libsqlite3-0"}
    return ", ".join(each for name, each in names.items() if not _path(name))


def _path(name: str) -> str | None:
    return ctypes.util.find_library(name)


class Cache:
    """bzrtp's memory of its peers, in this process alone."""

    def __init__(self) -> None:
        self._sqlite = ctypes.CDLL(_path("sqlite3"))
        self.handle = ctypes.c_void_p()
        assert self._sqlite.sqlite3_open(b":memory:", ctypes.byref(self.handle)) == 0

    def close(self) -> None:
        self._sqlite.sqlite3_close(self.handle)


class Bzrtp:
    """One call of bzrtp's, with one stream and then perhaps more.

    `allowed` names algorithms, the best first; of a kind that isn't named it takes its own.
    """

    def __init__(self, ssrc: int, allowed: Sequence[str], cache: Cache | None = None) -> None:
        self._library: Any = ctypes.CDLL(_path("bzrtp"))
        self._library.bzrtp_createBzrtpContext.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.bzrtp_createBzrtpContext())
        self._ssrc = ctypes.c_uint32(ssrc)
        self.sends = self.receives = b""
        self.outcome: Outcome | None = None
        self._sent: list[bytes] = []
        self._callbacks = _Callbacks(
            _Told(lambda *_: 0),
            0,
            _Send(self._on_send),
            _Keys(self._on_keys),
            _Start(self._on_start),
            _Export(lambda *_: 0),
        )
        self._library.bzrtp_setCallbacks(self._context, ctypes.byref(self._callbacks))
        if cache is not None:
            uris = (b"sip:bob@example.net", b"sip:alice@example.net")
            self._library.bzrtp_setZIDCache(self._context, cache.handle, *uris)
        for kind, numbers in _KINDS:
            wanted = [numbers[each] for each in allowed if each in numbers]
            if wanted:
                self._library.bzrtp_setSupportedCryptoTypes(
                    self._context, _u8(kind), (_u8 * 7)(*wanted), _u8(len(wanted))
                )
        self._library.bzrtp_initBzrtpContext(self._context, self._ssrc)

    @property
    def hello_hash(self) -> str:
        """The value of its `a=zrtp-hash`."""
        found = ctypes.create_string_buffer(80)
        self._library.bzrtp_getSelfHelloHash(self._context, self._ssrc, found, 80)
        return found.value.decode()

    def announce(self, value: str) -> None:
        """The value of the other side's `a=zrtp-hash`."""
        octets = value.encode()
        self._library.bzrtp_setPeerHelloHash(
            self._context, self._ssrc, octets, ctypes.c_size_t(len(octets))
        )

    def start(self, now: float) -> None:
        self.tick(now)
        self._library.bzrtp_startChannelEngine(self._context, self._ssrc)

    def further(self, ssrc: int, now: float) -> None:
        """One more stream; what follows is about it."""
        self.outcome, self.sends, self.receives = None, b"", b""
        self._ssrc = ctypes.c_uint32(ssrc)
        assert self._library.bzrtp_addChannel(self._context, self._ssrc) == 0
        self.start(now)

    def tick(self, now: float) -> None:
        self._library.bzrtp_iterate(self._context, self._ssrc, ctypes.c_uint64(round(1000 * now)))

    def receive(self, datagram: bytes) -> None:
        octets = (_u8 * len(datagram)).from_buffer_copy(datagram)
        length = ctypes.c_uint16(len(datagram))
        self._library.bzrtp_processMessage(self._context, self._ssrc, octets, length)

    def datagrams_to_send(self) -> list[bytes]:
        sent, self._sent = self._sent, []
        return sent

    def compared(self) -> None:
        """Its person says that the strings are the same."""
        self._library.bzrtp_SASVerified(self._context)

    def end(self) -> None:
        self._library.bzrtp_destroyBzrtpContext(self._context, self._ssrc)

    def _on_send(self, _data: object, octets: Any, length: int) -> int:
        self._sent.append(bytes(octets[:length]))
        return 0

    def _on_keys(self, _data: object, secrets: Any, part: int) -> int:
        found = secrets.contents
        if part & 1:
            self.sends = _master(found, "self")
        if part & 2:
            self.receives = _master(found, "peer")
        return 0

    def _on_start(self, _data: object, secrets: Any, verified: int) -> int:
        found = secrets.contents
        names = {number: name for name, number in AGREEMENTS.items()}
        self.outcome = Outcome(
            found.sas.decode() if found.sas else "",
            bool(verified),
            bool(found.mismatch),
            names[found.agreement],
        )
        return 0


def _master(found: Any, whose: str) -> bytes:
    parts = []
    for name in ("key", "salt"):
        length = getattr(found, f"{whose}_{name}_length")
        parts.append(bytes(getattr(found, f"{whose}_{name}")[:length]))
    return b"".join(parts)
