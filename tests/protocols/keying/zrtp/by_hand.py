"""ZRTP's keys derived a second time, from captured messages, sharing no line with the firmware.

Offsets are those of RFC 6189's figures, curves those of RFC 5903 and RFC 7748, in plain integers.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import NamedTuple


class Curve(NamedTuple):
    """y² = x³ - 3x + b over p (RFC 5903 §3); only the addition of points is needed."""

    p: int
    octets: int


P256 = Curve(2**256 - 2**224 + 2**192 + 2**96 - 1, 32)
P384 = Curve(2**384 - 2**128 - 2**96 + 2**32 - 1, 48)

Point = tuple[int, int] | None


def add(curve: Curve, one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    p = curve.p
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % p == 0:
        return None
    if one == other:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, p) % p
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, p) % p
    x3 = (slope * slope - x1 - x2) % p
    return x3, (slope * (x1 - x3) - y1) % p


def ecdh(curve: Curve, private: int, public: bytes) -> bytes:
    """The x coordinate of the product."""
    length = curve.octets
    point: Point = int.from_bytes(public[:length], "big"), int.from_bytes(public[length:], "big")
    reached: Point = None
    while private:
        if private & 1:
            reached = add(curve, reached, point)
        point = add(curve, point, point)
        private >>= 1
    assert reached is not None
    return reached[0].to_bytes(length, "big")


def ladder(private: bytes, public: bytes) -> bytes:
    """X25519 or X448 by the length of the key (RFC 7748 §5)."""
    scalar, u = bytearray(private), bytearray(public)
    if len(private) == 32:
        p, a24, bits = 2**255 - 19, 121665, 255
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64
        u[31] &= 127
    else:
        p, a24, bits = 2**448 - 2**224 - 1, 39081, 448
        scalar[0] &= 252
        scalar[55] |= 128
    k, x1 = int.from_bytes(scalar, "little"), int.from_bytes(u, "little")
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for place in reversed(range(bits)):
        bit = k >> place & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % p, b * b % p, d * a % p, c * b % p
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        e = aa - bb
        x2, z2 = aa * bb % p, e * (aa + a24 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(len(private), "little")


@dataclass
class Derived:
    """Everything of RFC 6189 §4.5 by the names it has there."""

    s0: bytes
    named: dict[str, bytes]


def hashed(name: str, octets: bytes) -> bytes:
    return hashlib.new({"S256": "sha256", "S384": "sha384"}[name], octets).digest()


def kdf(name: str, key: bytes, label: str, context: bytes, bits: int) -> bytes:
    """HMAC(KI, i || Label || 0x00 || Context || L), §4.5.1."""
    octets = (1).to_bytes(4, "big") + label.encode() + b"\0" + context + bits.to_bytes(4, "big")
    kind = {"S256": "sha256", "S384": "sha384"}[name]
    return hmac.new(key, octets, kind).digest()[: bits // 8]


def derive(
    messages: tuple[bytes, bytes, bytes, bytes],
    result: bytes,
    zid_r: bytes,
    secrets: tuple[bytes, bytes, bytes] = (b"", b"", b""),
) -> Derived:
    """The keys of DH mode; messages without header and CRC: Hello of the responder, and on."""
    commit = messages[1]
    name, aes = commit[56:60].decode(), 8 * {b"AES1": 16, b"AES3": 32}[commit[60:64]]
    total = hashed(name, b"".join(messages))
    context = commit[44:56] + zid_r + total
    mixed = b"".join(len(each).to_bytes(4, "big") + each for each in secrets)
    s0 = hashed(name, b"\0\0\0\1" + result + b"ZRTP-HMAC-KDF" + context + mixed)
    return Derived(s0, stream_keys(name, s0, context, aes) | meeting(name, s0, context))


def multistream(hello_r: bytes, commit: bytes, session: bytes, zid_r: bytes) -> Derived:
    """The keys of multistream mode."""
    name, aes = commit[56:60].decode(), 8 * {b"AES1": 16, b"AES3": 32}[commit[60:64]]
    context = commit[44:56] + zid_r + hashed(name, hello_r + commit)
    s0 = kdf(name, session, "ZRTP MSK", context, 8 * len(hashed(name, b"")))
    return Derived(s0, stream_keys(name, s0, context, aes))


def stream_keys(name: str, s0: bytes, context: bytes, aes: int) -> dict[str, bytes]:
    bits = 8 * len(hashed(name, b""))
    return {
        "srtpkeyi": kdf(name, s0, "Initiator SRTP master key", context, aes),
        "srtpsalti": kdf(name, s0, "Initiator SRTP master salt", context, 112),
        "srtpkeyr": kdf(name, s0, "Responder SRTP master key", context, aes),
        "srtpsaltr": kdf(name, s0, "Responder SRTP master salt", context, 112),
        "mackeyi": kdf(name, s0, "Initiator HMAC key", context, bits),
        "mackeyr": kdf(name, s0, "Responder HMAC key", context, bits),
        "zrtpkeyi": kdf(name, s0, "Initiator ZRTP key", context, aes),
        "zrtpkeyr": kdf(name, s0, "Responder ZRTP key", context, aes),
    }


def meeting(name: str, s0: bytes, context: bytes) -> dict[str, bytes]:
    return {
        "ZRTPSess": kdf(name, s0, "ZRTP Session Key", context, 8 * len(hashed(name, b""))),
        "sashash": kdf(name, s0, "SAS", context, 256),
        "rs1": kdf(name, s0, "retained secret", context, 256),
    }
