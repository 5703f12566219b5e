"""Session descriptions in bytes (RFC 8866 §5 and §9): parse_sdp and serialise_sdp.

Strict where a line's meaning hangs on it: known type letters, `v=`, `o=`, `s=` in front, a `t=`
line, well-formed `o=`, `c=`, `t=`, `m=` and `a=`. The order of the optional lines is not
enforced: it says nothing, and a call should not die of it. Lines that this phone has no use for
(`i= u= e= p= b= r= z=`) are read over. Everything is bounded by `Limits`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.sdp.errors import BadSdp
from offhook.protocols.sdp.records import (
    Attribute,
    Connection,
    MediaDescription,
    Origin,
    SessionDescription,
    address_type,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer can make us hold: octets, and counts of lines."""

    octets: int = 32_768
    lines: int = 1_000
    line_octets: int = 4_096
    media: int = 16
    attributes: int = 256
    """In any one section."""
    formats: int = 64


LIMITS: Final = Limits()

_WORD: Final = r"[!#-'*+\-.0-9A-Z^-~]+"
_NUMBER: Final = r"[0-9]{1,20}"
_LINE: Final = re.compile(r"([a-z])=(.*)", re.DOTALL)
_ORIGIN: Final = re.compile(rf"(\S+) ({_NUMBER}) ({_NUMBER}) ({_WORD}) ({_WORD}) (\S+)")
_CONNECTION: Final = re.compile(rf"({_WORD}) ({_WORD}) (\S+)")
_TIMING: Final = re.compile(rf"{_NUMBER} {_NUMBER}")
_ATTRIBUTE: Final = re.compile(rf"({_WORD})(?::(.*))?", re.DOTALL)
_MEDIA: Final = re.compile(
    rf"({_WORD}) ([0-9]{{1,5}})(?:/([0-9]{{1,3}}))? ({_WORD}(?:/{_WORD})*) (\S.*)"
)
_FORMAT: Final = re.compile(_WORD)
_SERIALISABLE: Final = re.compile(r"[^\x00\r\n\ud800-\udfff]*")

_SESSION_LINES: Final = frozenset("iuepcbtrzka")
_MEDIA_LINES: Final = frozenset("icbka")


def parse_sdp(data: bytes, limits: Limits = LIMITS) -> SessionDescription:
    """Read one session description. Raises BadSdp, whose detail names line and defect.

    Lines end in CRLF or LF, and blanks before that are let go. Octets that are no UTF-8 are
    replaced: no such text is ever used.
    """
    lines = _split(data, limits)
    origin, name = _head(lines)
    session = _Section()
    sections: list[_Section] = [session]
    for number, letter, value in lines[3:]:
        if letter == "m":
            if len(sections) > limits.media:
                raise BadSdp(f"more than {limits.media} media sections", 488)
            sections.append(_Section(media=_media_line(number, value, limits)))
        else:
            sections[-1].take(number, letter, value, limits)
    if session.timing is None:
        raise BadSdp("no t= line in the session's part")
    return SessionDescription(
        origin=origin,
        media=tuple(each.media_description() for each in sections[1:]),
        connection=session.connection,
        attributes=tuple(session.attributes),
        name=name,
        timing=session.timing,
        has_key_field=session.has_key_field,
    )


def serialise_sdp(description: SessionDescription) -> bytes:
    """The description in bytes, lines ending in CRLF.

    Raises LocalError where a value would break its line.
    """
    lines = [
        "v=0",
        _origin_line(description.origin),
        f"s={description.name}",
        *_connection_lines(description.connection),
        f"t={description.timing}",
        *_attribute_lines(description.attributes),
    ]
    for media in description.media:
        port = f"{media.port}/{media.port_count}" if media.port_count > 1 else str(media.port)
        lines.append(f"m={media.media} {port} {media.profile} {' '.join(media.formats)}")
        lines.extend(_connection_lines(media.connection))
        lines.extend(_attribute_lines(media.attributes))
    for line in lines:
        if not _SERIALISABLE.fullmatch(line):
            raise LocalError(f"a line break or NUL within the {line[:1]}= line")
    return "".join(f"{line}\r\n" for line in lines).encode()


@dataclass(slots=True)
class _Section:
    """One section being read: the session's part has no `m=` line."""

    media: MediaDescription | None = None
    connection: Connection | None = None
    timing: str | None = None
    attributes: list[Attribute] = field(default_factory=list)
    has_key_field: bool = False

    def take(self, number: int, letter: str, value: str, limits: Limits) -> None:
        if letter not in (_MEDIA_LINES if self.media else _SESSION_LINES):
            part = "a media section" if self.media else "the session's part"
            raise BadSdp(f"line {number}: no {letter}= line belongs in {part}")
        if letter == "a":
            if len(self.attributes) >= limits.attributes:
                raise BadSdp(f"more than {limits.attributes} attributes in a section", 488)
            self.attributes.append(_attribute_line(number, value))
        elif letter == "c":
            connection = _connection_line(number, value)
            if self.connection is not None:
                raise BadSdp(f"line {number}: a second c= line in the same section")
            self.connection = connection
        elif letter == "t":
            if not _TIMING.fullmatch(value):
                raise BadSdp(f"line {number}: t= takes two numbers")
            self.timing = self.timing or value
        elif letter == "k":
            self.has_key_field = True

    def media_description(self) -> MediaDescription:
        media = self.media
        if media is None:
            raise LocalError("the session's part is no media section")
        return MediaDescription(
            media=media.media,
            port=media.port,
            profile=media.profile,
            formats=media.formats,
            attributes=tuple(self.attributes),
            connection=self.connection,
            port_count=media.port_count,
            has_key_field=self.has_key_field,
        )


def _split(data: bytes, limits: Limits) -> list[tuple[int, str, str]]:
    if len(data) > limits.octets:
        raise BadSdp(f"more than {limits.octets} octets", 488)
    if b"\0" in data:
        raise BadSdp("a NUL octet")
    raw = data.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    if len(raw) > limits.lines:
        raise BadSdp(f"more than {limits.lines} lines", 488)
    lines: list[tuple[int, str, str]] = []
    for number, octets in enumerate(raw, start=1):
        if len(octets) > limits.line_octets:
            raise BadSdp(f"line {number}: more than {limits.line_octets} octets", 488)
        if b"\r" in octets:
            raise BadSdp(f"line {number}: a CR without LF")
        line = _LINE.fullmatch(octets.decode(errors="replace").rstrip(" \t"))
        if line is None:
            raise BadSdp(f"line {number}: not of the form letter=value")
        lines.append((number, line[1], line[2]))
    return lines


def _head(lines: list[tuple[int, str, str]]) -> tuple[Origin, str]:
    letters = "".join(letter for _, letter, _ in lines[:3])
    if letters != "vos":
        raise BadSdp("does not begin with v=, o= and s=")
    if lines[0][2] != "0":
        raise BadSdp("line 1: the version is not 0")
    origin = _ORIGIN.fullmatch(lines[1][2])
    if origin is None:
        raise BadSdp("line 2: o= takes a user, two numbers, network, address type and address")
    return Origin(int(origin[2]), int(origin[3]), origin[6], origin[1]), lines[2][2]


def _connection_line(number: int, value: str) -> Connection:
    connection = _CONNECTION.fullmatch(value)
    if connection is None:
        raise BadSdp(f"line {number}: c= takes network, address type and address")
    return Connection(connection[1], connection[2], connection[3])


def _attribute_line(number: int, value: str) -> Attribute:
    attribute = _ATTRIBUTE.fullmatch(value)
    if attribute is None:
        raise BadSdp(f"line {number}: a= takes a name, and a value after a colon")
    return Attribute(attribute[1], attribute[2])


def _media_line(number: int, value: str, limits: Limits) -> MediaDescription:
    media = _MEDIA.fullmatch(value)
    if media is None:
        raise BadSdp(f"line {number}: m= takes media, port, profile and formats")
    port = int(media[2])
    if port > 65_535:
        raise BadSdp(f"line {number}: the port is beyond 65535")
    formats = tuple(media[5].split())
    if len(formats) > limits.formats:
        raise BadSdp(f"line {number}: more than {limits.formats} formats", 488)
    if not all(_FORMAT.fullmatch(each) for each in formats):
        raise BadSdp(f"line {number}: a format that is no token")
    return MediaDescription(
        media=media[1],
        port=port,
        profile=media[4],
        formats=formats,
        port_count=int(media[3] or 1),
    )


def _origin_line(origin: Origin) -> str:
    identity = f"{origin.username} {origin.session_id} {origin.version}"
    return f"o={identity} IN {address_type(origin.address)} {origin.address}"


def _connection_lines(connection: Connection | None) -> list[str]:
    if connection is None:
        return []
    return [f"c={connection.network} {connection.address_type} {connection.address}"]


def _attribute_lines(attributes: tuple[Attribute, ...]) -> list[str]:
    return [
        f"a={each.name}" if each.value is None else f"a={each.name}:{each.value}"
        for each in attributes
    ]
