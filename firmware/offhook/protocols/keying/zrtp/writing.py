"""Writing ZRTP messages (RFC 6189 §5.1 to §5.16)."""

from __future__ import annotations

import struct

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.algorithms import MOST_OF_A_KIND, Offered
from offhook.protocols.keying.zrtp.messages import (
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
)


def serialise(message: Message) -> bytes:
    """The octets of a message; where it ends in a MAC, the one that the value has.

    LocalError where a field has not its length.
    """
    if isinstance(message, Hello):
        return _framed("Hello   ", _hello(message))
    if isinstance(message, Commit):
        return _framed("Commit  ", _commit(message))
    if isinstance(message, DhPart):
        return _framed(f"DHPart{message.part} ", _dh_part(message))
    return _later(message)


def _later(message: Confirm | Error | GoClear | SasRelay | Ping | PingAck | Bare) -> bytes:
    if isinstance(message, Confirm):
        return _framed(f"Confirm{message.number}", message.mac + message.iv + message.hidden)
    if isinstance(message, Error):
        return _framed("Error   ", struct.pack("!I", message.code))
    if isinstance(message, GoClear):
        return _framed("GoClear ", message.mac)
    if isinstance(message, SasRelay):
        return _framed("SASrelay", message.mac + message.iv + message.hidden)
    if isinstance(message, Ping):
        return _framed("Ping    ", _text(message.version, 4) + message.endpoint)
    if isinstance(message, PingAck):
        source = struct.pack("!I", message.source)
        both = message.endpoint + message.asked
        return _framed("PingACK ", _text(message.version, 4) + both + source)
    return _framed(message.type, b"")


def confirmation_octets(inside: Confirmation) -> bytes:
    """What a Confirm hides, before it is encrypted: 40 octets, no signature."""
    flags = (
        inside.enrolment << 3 | inside.verified << 2 | inside.allow_clear << 1 | inside.disclosure
    )
    return _exactly(inside.h0, 32, "H0") + struct.pack("!II", flags, inside.expires_s)


def _hello(hello: Hello) -> bytes:
    flags = hello.signatures << 6 | hello.relay << 5 | hello.passive << 4
    kinds = _kinds(hello.offered)
    counts = 0
    for kind in kinds:
        if len(kind) > MOST_OF_A_KIND:
            raise LocalError(f"a Hello lists at most {MOST_OF_A_KIND} algorithms of a kind")
        counts = counts << 4 | len(kind)
    return b"".join(
        [
            _text(hello.version, 4),
            _text(hello.client, 16),
            _exactly(hello.h3, 32, "H3"),
            _exactly(hello.zid, 12, "a ZID"),
            struct.pack("!I", flags << 24 | counts),
            *(_text(code, 4) for kind in kinds for code in kind),
            _exactly(hello.mac, 8, "a MAC"),
        ]
    )


def _kinds(offered: Offered) -> tuple[tuple[str, ...], ...]:
    return (
        offered.hashes,
        offered.ciphers,
        offered.auth_tags,
        offered.agreements,
        offered.sas_types,
    )


def _commit(commit: Commit) -> bytes:
    return b"".join(
        [
            _exactly(commit.h2, 32, "H2"),
            _exactly(commit.zid, 12, "a ZID"),
            *(_text(code, 4) for code in commit.codes),
            commit.commitment,
            commit.key_id,
            _exactly(commit.mac, 8, "a MAC"),
        ]
    )


def _dh_part(part: DhPart) -> bytes:
    ids = part.ids
    return b"".join(
        [
            _exactly(part.h1, 32, "H1"),
            *(_exactly(each, 8, "a hash") for each in (ids.rs1, ids.rs2, ids.aux, ids.pbx)),
            part.public,
            _exactly(part.mac, 8, "a MAC"),
        ]
    )


def _framed(kind: str, body: bytes) -> bytes:
    length, rest = divmod(12 + len(body), 4)
    if rest:
        raise LocalError("a ZRTP message is made of whole words")
    return PREAMBLE + struct.pack("!H", length) + _text(kind, 8) + body


def _text(text: str, length: int) -> bytes:
    return _exactly(text.encode("ascii", "replace").ljust(length), length, text)


def _exactly(octets: bytes, length: int, what: str) -> bytes:
    if len(octets) != length:
        raise LocalError(f"{what} has {length} octets in ZRTP, not {len(octets)}")
    return octets
