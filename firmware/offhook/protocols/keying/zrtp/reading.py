"""Reading ZRTP messages (RFC 6189 §5.1 to §5.16). Every length is checked before it is used."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final

from offhook.protocols.keying.zrtp.algorithms import MOST_OF_A_KIND, KeyAgreement, Offered
from offhook.protocols.keying.zrtp.messages import (
    BARE,
    PREAMBLE,
    Bare,
    Commit,
    Confirm,
    Confirmation,
    DhPart,
    Error,
    GoClear,
    Hello,
    Message,
    Ping,
    PingAck,
    SasRelay,
    SecretIds,
)
from offhook.protocols.keying.zrtp.refusals import Discarded

_FRAME: Final = struct.Struct("!2sH8s")
_WORD: Final = struct.Struct("!I")
_HIDDEN: Final = 40
_PUBLIC_LENGTHS: Final = frozenset(
    each.public_length for each in KeyAgreement if each.public_length
)
_COMMITMENTS: Final = {KeyAgreement.MULTISTREAM.value: (16, 0), "Prsh": (16, 8)}
"""Octets of nonce and key ID for those that are no DH modes; those have hvi: 32 and none."""


class Fields:
    """A message's body, taken from the left; Discarded where it is too short."""

    __slots__ = ("_at", "_octets", "_what")

    def __init__(self, octets: bytes, what: str) -> None:
        self._octets = octets
        self._at = 0
        self._what = what

    def take(self, length: int) -> bytes:
        """The next `length` octets."""
        taken = self._octets[self._at : self._at + length]
        if len(taken) != length:
            raise Discarded(f"{self._what} is too short")
        self._at += length
        return taken

    def word(self) -> int:
        """The next 32 bits as a number."""
        return int(_WORD.unpack(self.take(4))[0])

    def text(self, length: int) -> str:
        """The next octets as printable ASCII."""
        octets = self.take(length)
        if not all(0x20 <= octet < 0x7F for octet in octets):
            raise Discarded(f"{self._what} has a name that is no text")
        return octets.decode("ascii")

    def left(self) -> int:
        """Octets that were not taken yet."""
        return len(self._octets) - self._at

    def end(self) -> None:
        """Discarded where octets are left over."""
        if self._at != len(self._octets):
            raise Discarded(f"{self._what} is too long")


def parse(octets: bytes) -> Message:
    """The message; Discarded where its structure is not that of its type."""
    if len(octets) < _FRAME.size:
        raise Discarded("a ZRTP message is too short")
    preamble, words, kind = _FRAME.unpack_from(octets)
    if preamble != PREAMBLE:
        raise Discarded("a ZRTP message has a wrong preamble")
    if words * 4 != len(octets):
        raise Discarded("a ZRTP message has not the length that it tells")
    name = kind.decode("latin-1")
    read = _READERS.get(name)
    if read is None:
        raise Discarded("a ZRTP message is of no known type")
    fields = Fields(octets[_FRAME.size :], name.strip())
    message = read(fields)
    fields.end()
    return message


def parse_confirmation(octets: bytes) -> Confirmation:
    """What a Confirm hides, decrypted (figure 10); Discarded where its lengths don't fit."""
    fields = Fields(octets, "Confirm")
    h0 = fields.take(32)
    bits = fields.word()
    expires_s = fields.word()
    signature = bits >> 8 & 0x1FF
    fields.take(4 * signature)
    fields.end()
    return Confirmation(
        h0,
        expires_s,
        verified=bool(bits & 4),
        allow_clear=bool(bits & 2) and not bits & 8,
        disclosure=bool(bits & 1),
        enrolment=bool(bits & 8),
        signed=bool(signature),
    )


def _hello(fields: Fields) -> Hello:
    version, client = fields.text(4), fields.take(16)
    h3, zid = fields.take(32), fields.take(12)
    bits = fields.word()
    counts = [bits >> shift & 0xF for shift in (16, 12, 8, 4, 0)]
    if max(counts) > MOST_OF_A_KIND:
        raise Discarded("Hello lists too many algorithms of a kind")
    kinds = [tuple(fields.text(4) for _ in range(count)) for count in counts]
    return Hello(
        h3,
        zid,
        Offered(*kinds),
        version,
        # bzrtp ends its name in zeros.
        "".join(chr(octet) for octet in client if 0x20 <= octet < 0x7F).strip(),
        signatures=bool(bits & 1 << 30),
        relay=bool(bits & 1 << 29),
        passive=bool(bits & 1 << 28),
        mac=fields.take(8),
    )


def _commit(fields: Fields) -> Commit:
    h2, zid = fields.take(32), fields.take(12)
    codes = (fields.text(4), fields.text(4), fields.text(4), fields.text(4), fields.text(4))
    commitment, key_id = _COMMITMENTS.get(codes[3], (32, 0))
    return Commit(h2, zid, codes, fields.take(commitment), fields.take(key_id), mac=fields.take(8))


def _dh_part(part: int) -> Callable[[Fields], DhPart]:
    def read(fields: Fields) -> DhPart:
        h1 = fields.take(32)
        ids = SecretIds(fields.take(8), fields.take(8), fields.take(8), fields.take(8))
        length = fields.left() - 8
        if length not in _PUBLIC_LENGTHS:
            raise Discarded("DHPart has a public value of no known length")
        return DhPart(part, h1, ids, fields.take(length), mac=fields.take(8))

    return read


def _confirm(number: int) -> Callable[[Fields], Confirm]:
    def read(fields: Fields) -> Confirm:
        mac, iv = fields.take(8), fields.take(16)
        if fields.left() < _HIDDEN:
            raise Discarded("Confirm is too short")
        return Confirm(number, mac, iv, fields.take(fields.left()))

    return read


def _relay(fields: Fields) -> SasRelay:
    mac, iv = fields.take(8), fields.take(16)
    if fields.left() < _HIDDEN:
        raise Discarded("SASrelay is too short")
    return SasRelay(mac, iv, fields.take(fields.left()))


def _ping(fields: Fields) -> Ping:
    version = fields.text(4)
    return Ping(fields.take(8), version)


def _ping_ack(fields: Fields) -> PingAck:
    version = fields.text(4)
    return PingAck(fields.take(8), fields.take(8), fields.word(), version)


def _bare(bare: Bare) -> Callable[[Fields], Bare]:
    return lambda _fields: bare


_READERS: Final[Mapping[str, Callable[[Fields], Message]]] = {
    "Hello   ": _hello,
    "Commit  ": _commit,
    "DHPart1 ": _dh_part(1),
    "DHPart2 ": _dh_part(2),
    "Confirm1": _confirm(1),
    "Confirm2": _confirm(2),
    "Error   ": lambda fields: Error(fields.word()),
    "GoClear ": lambda fields: GoClear(fields.take(8)),
    "SASrelay": _relay,
    "Ping    ": _ping,
    "PingACK ": _ping_ack,
    **{name: _bare(bare) for name, bare in BARE.items()},
}
