"""Values of header fields: addresses, Via, CSeq, media types (RFC 3261 §20, §25.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.grammar import (
    IN_TOKEN,
    QUOTED,
    TOKEN,
    Parameters,
    decimal,
    format_parameters,
    is_token,
    parameter,
    parse_parameters,
    quote,
    read_comment,
    unquote,
)
from offhook.protocols.sip.uri import Uri, format_host_port, parse_host, parse_port, parse_uri

HIGHEST_CSEQ: Final = (1 << 31) - 1
HIGHEST_DELTA: Final = (1 << 32) - 1
BRANCH_COOKIE: Final = "z9hG4bK"

_name_addr = re.compile(
    rf"(?:{QUOTED}[ \t]*+|([{IN_TOKEN} \t\x80-\U0010ffff]*+))<([^<>]*+)>", re.ASCII
).match
_via = re.compile(
    rf"SIP[ \t]*+/[ \t]*+2\.0[ \t]*+/[ \t]*+({TOKEN})[ \t]++"
    r"([\w.-]++|\[[0-9A-Fa-f:.]++\])(?:[ \t]*+:[ \t]*+([0-9]++))?",
    re.ASCII | re.IGNORECASE,
).match
_cseq = re.compile(rf"([0-9]++)[ \t]++({TOKEN})", re.ASCII).fullmatch
_media_type = re.compile(rf"({TOKEN})[ \t]*+/[ \t]*+({TOKEN})", re.ASCII).match
_delta = re.compile(r"([0-9]++)[ \t]*+").match
_warning = re.compile(rf"([0-9]{{3}})[ \t]++([^ \t\"]++)[ \t]++{QUOTED}").fullmatch


class Star(Enum):
    """The Contact that stands for all bindings of a registration (RFC 3261 §10.2.2)."""

    STAR = "*"


STAR: Final = Star.STAR


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address with its display name ("" if none) and header parameters (RFC 3261 §20.10)."""

    display_name: str
    uri: Uri
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """From a name-addr or addr-spec; PeerError 400 if it is neither."""
        text = text.strip(" \t")
        match = _name_addr(text)
        if match is not None:
            quoted, tokens, uri = match.groups()
            name = tokens.strip(" \t") if quoted is None else unquote(quoted)
            return cls(name, parse_uri(uri), parse_parameters(text, match.end()))
        if "<" in text or '"' in text:
            raise PeerError("an address is malformed", 400)
        uri, semicolon, rest = text.partition(";")
        uri = uri.rstrip(" \t")
        if "?" in uri or "," in uri:
            raise PeerError("a URI with ? or , stands without angle brackets", 400)
        return cls("", parse_uri(uri), parse_parameters(semicolon + rest))

    @property
    def tag(self) -> str | None:
        """The `tag` parameter, or None."""
        return self.parameter("tag")

    def parameter(self, name: str) -> str | None:
        """The parameter's value, "" if it has none, None if absent; names in any case."""
        return parameter(self.parameters, name)

    def with_parameter(self, name: str, value: str | None) -> NameAddr:
        """The address with the parameter set, after all others."""
        kept = tuple(p for p in self.parameters if p[0].lower() != name.lower())
        return replace(self, parameters=(*kept, (name, value)))

    def with_tag(self, tag: str) -> NameAddr:
        """The address with `tag`."""
        return self.with_parameter("tag", tag)

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{format_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class Via:
    """One hop (RFC 3261 §20.42). `transport` in upper case; an IPv6 `host` has no brackets."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> Via:
        """From one Via value; PeerError 400 if malformed."""
        text = text.strip(" \t")
        match = _via(text)
        if match is None:
            raise PeerError("a Via is malformed", 400)
        transport, host, port = match.groups()
        return cls(
            transport.upper(),
            parse_host(host),
            None if port is None else parse_port(port),
            parse_parameters(text, match.end()),
        )

    @property
    def branch(self) -> str | None:
        """The `branch` parameter, or None."""
        return self.parameter("branch")

    def parameter(self, name: str) -> str | None:
        """The parameter's value, "" if it has none, None if absent; names in any case."""
        return parameter(self.parameters, name)

    def __str__(self) -> str:
        sent_by = format_host_port(self.host, self.port)
        return f"SIP/2.0/{self.transport} {sent_by}{format_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    """Sequence number (below 2^31) and method (RFC 3261 §20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """From a CSeq value; PeerError 400 if malformed or out of range."""
        match = _cseq(text)
        if match is None:
            raise PeerError("a sequence number and a method are missing", 400)
        return cls(decimal(match[1], "the sequence number", HIGHEST_CSEQ), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type, `type` and `subtype` in lower case (RFC 3261 §20.15)."""

    type: str
    subtype: str
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """From a Content-Type value; PeerError 400 if malformed."""
        text = text.strip(" \t")
        match = _media_type(text)
        if match is None:
            raise PeerError("a media type is malformed", 400)
        return cls(match[1].lower(), match[2].lower(), parse_parameters(text, match.end()))

    @property
    def name(self) -> str:
        """`type/subtype`, as `application/sdp`."""
        return f"{self.type}/{self.subtype}"

    def parameter(self, name: str) -> str | None:
        """The parameter's value, "" if it has none, None if absent; names in any case."""
        return parameter(self.parameters, name)

    def __str__(self) -> str:
        return self.name + format_parameters(self.parameters)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request was sent (RFC 3326): protocol, `cause` and `text` where given."""

    protocol: str
    cause: int | None = None
    text: str | None = None

    @classmethod
    def parse(cls, value: str) -> Reason:
        """From one Reason value; PeerError 400 if malformed."""
        protocol, semicolon, rest = value.strip(" \t").partition(";")
        protocol = protocol.rstrip(" \t")
        if not is_token(protocol):
            raise PeerError("a Reason is malformed", 400)
        parameters = parse_parameters(semicolon + rest)
        cause = parameter(parameters, "cause")
        return cls(
            protocol,
            None if cause is None else decimal(cause, "the cause of a Reason", 999),
            parameter(parameters, "text"),
        )

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        return self.protocol + cause + ("" if self.text is None else f";text={quote(self.text)}")


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """When to try again (RFC 3261 §20.33): `delay` and `duration` of the readiness in s."""

    delay: int
    comment: str = ""
    duration: int | None = None

    @classmethod
    def parse(cls, text: str) -> RetryAfter:
        """From a Retry-After value; PeerError 400 if malformed."""
        text = text.strip(" \t")
        match = _delta(text)
        if match is None:
            raise PeerError("the Retry-After is malformed", 400)
        comment, end = read_comment(text, match.end())
        duration = parameter(parse_parameters(text, end), "duration")
        return cls(
            decimal(match[1], "the time", HIGHEST_DELTA),
            comment,
            None if duration is None else decimal(duration, "the duration", HIGHEST_DELTA),
        )


@dataclass(frozen=True, slots=True)
class WarningValue:
    """What went wrong in a peer's words (RFC 3261 §20.43)."""

    code: int
    agent: str
    text: str

    @classmethod
    def parse(cls, value: str) -> WarningValue:
        """From one Warning value; PeerError 400 if malformed."""
        match = _warning(value.strip(" \t"))
        if match is None:
            raise PeerError("a Warning is malformed", 400)
        return cls(int(match[1]), match[2], unquote(match[3]))

    def __str__(self) -> str:
        return f"{self.code} {self.agent} {quote(self.text)}"
