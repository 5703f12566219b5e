"""A STUN message judged before anything acts on it (RFC 8489 §5, §9.1, §14; RFC 7983 §7).

Only Binding is known here, and only what MESSAGE-INTEGRITY covers is handed on: what somebody
appended behind it on the way is cut off.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass
from typing import Final

HEADER_OCTETS: Final = 20
MAX_OCTETS: Final = 1280
COOKIE: Final = 0x2112A442
BINDING: Final = 0x0001
FINGERPRINT_XOR: Final = 0x5354554E
REQUEST: Final = 0x000
SUCCESS: Final = 0x100
ERROR: Final = 0x110
CLASS_BITS: Final = 0x110

USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
FINGERPRINT: Final = 0x8028

INTEGRITY_OCTETS: Final = 20
LENGTHS: Final[dict[int, range]] = {
    0x0001: range(8, 21, 12),  # MAPPED-ADDRESS
    USERNAME: range(1, 514),
    MESSAGE_INTEGRITY: range(INTEGRITY_OCTETS, INTEGRITY_OCTETS + 1),
    ERROR_CODE: range(4, 768),
    0x000A: range(764),  # UNKNOWN-ATTRIBUTES
    0x001C: range(16, 33),  # MESSAGE-INTEGRITY-SHA256
    XOR_MAPPED_ADDRESS: range(8, 21, 12),
    PRIORITY: range(4, 5),
    0x0025: range(1),  # USE-CANDIDATE
    FINGERPRINT: range(4, 5),
    0x8029: range(8, 9),  # ICE-CONTROLLED
    0x802A: range(8, 9),  # ICE-CONTROLLING
}
"""Octets of each attribute that may be understood; 0x0000 to 0x7FFF outside of it are refused."""


@dataclass(frozen=True, slots=True)
class StunMessage:
    """A Binding message that is well-formed; `verified` tells whether it may be believed.

    `kind` is REQUEST, SUCCESS, ERROR or else an indication. `attributes` are those that
    MESSAGE-INTEGRITY covers, or all where there is none.
    """

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]
    octets: bytes
    """The message up to its MESSAGE-INTEGRITY, that included; without FINGERPRINT."""
    integrity: bytes | None

    def verified(self, key: bytes) -> bool:
        """Whether it has a MESSAGE-INTEGRITY made with `key` (RFC 8489 §14.5)."""
        if self.integrity is None:
            return False
        covered = self.octets[: -4 - INTEGRITY_OCTETS]
        made = hmac.digest(key, covered, hashlib.sha1)
        return hmac.compare_digest(made, self.integrity)


def is_stun(data: bytes) -> bool:
    """Whether a datagram belongs to STUN and to nothing else on the same port (RFC 7983 §7)."""
    return bool(data) and data[0] < 4


def read(data: bytes) -> StunMessage | None:
    """The message, or None for one that is malformed or that asks for what isn't known here."""
    if not HEADER_OCTETS <= len(data) <= MAX_OCTETS:
        return None
    kind, length, cookie = struct.unpack_from("!HHI", data)
    if cookie != COOKIE or length != len(data) - HEADER_OCTETS or length % 4:
        return None
    if kind & ~CLASS_BITS != BINDING:
        return None
    attributes = _attributes(data)
    if attributes is None:
        return None
    found: dict[int, bytes] = {}
    covered = HEADER_OCTETS
    for number, value, after in attributes:
        if number == FINGERPRINT:
            break
        if number in found:
            return None
        found[number], covered = value, after
        if number == MESSAGE_INTEGRITY:
            break
    octets = data[:2] + struct.pack("!H", covered - HEADER_OCTETS) + data[4:covered]
    return StunMessage(
        kind & CLASS_BITS, data[8:HEADER_OCTETS], found, octets, found.get(MESSAGE_INTEGRITY)
    )


def error_code(message: StunMessage) -> int:
    """The number in its ERROR-CODE, 0 where there is none (RFC 8489 §14.8)."""
    value = message.attributes.get(ERROR_CODE)
    return 0 if value is None else value[2] * 100 + value[3]


def _attributes(data: bytes) -> list[tuple[int, bytes, int]] | None:
    """Each attribute's number, value and end; None where they are malformed or not understood."""
    found: list[tuple[int, bytes, int]] = []
    position = HEADER_OCTETS
    while position < len(data):
        number, size = struct.unpack_from("!HH", data, position)
        value = data[position + 4 : position + 4 + size]
        after = position + 4 + size + -size % 4
        if after > len(data) or not _fits(number, size):
            return None
        if number == FINGERPRINT and (after < len(data) or value != _fingerprint(data[:position])):
            return None
        found.append((number, value, after))
        position = after
    return found


def _fits(number: int, size: int) -> bool:
    wanted = LENGTHS.get(number)
    return number >= 0x8000 if wanted is None else size in wanted


def _fingerprint(before: bytes) -> bytes:
    return struct.pack("!I", zlib.crc32(before) ^ FINGERPRINT_XOR)
