"""Challenges and credentials as header values (RFC 3261 §20.7, §20.44; RFC 7616 §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.grammar import QUOTED, TOKEN, is_token, quote, unquote

_QUOTED_IN_CHALLENGES: Final = frozenset({"realm", "domain", "nonce", "opaque", "qop"})
_QUOTED_IN_CREDENTIALS: Final = frozenset(
    {"username", "realm", "nonce", "uri", "response", "cnonce", "opaque"}
)

_scheme = re.compile(rf"[ \t]*+({TOKEN})[ \t]++(?!=)", re.ASCII).match
_auth_parameter = re.compile(
    rf"[ \t]*+({TOKEN})[ \t]*+=[ \t]*+(?:({TOKEN})|{QUOTED})[ \t]*+", re.ASCII
).match


@dataclass(frozen=True, slots=True)
class Challenge:
    """A WWW-Authenticate or Proxy-Authenticate value. Parameter names are in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return _format(self.scheme, self.parameters, _QUOTED_IN_CHALLENGES)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An Authorization or Proxy-Authorization value. Parameter names are in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return _format(self.scheme, self.parameters, _QUOTED_IN_CREDENTIALS)


def parse_challenges(value: str) -> list[Challenge]:
    """The challenges of one header field (mostly one); PeerError 400 if malformed."""
    return [Challenge(*parsed) for parsed in _parse(value)]


def parse_credentials(value: str) -> Credentials:
    """The credentials of one header field; PeerError 400 if malformed or more than one."""
    found = _parse(value)
    if len(found) != 1:
        raise PeerError("a header field holds more than one set of credentials", 400)
    return Credentials(*found[0])


def parse_auth_info(value: str) -> dict[str, str]:
    """The parameters of an Authentication-Info field, names in lower case."""
    return _parse("Info " + value)[0][1]


def _parse(value: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    position, end = 0, len(value)
    while position < end:
        scheme = _scheme(value, position)
        if scheme is not None:
            found.append((scheme[1], {}))
            position = scheme.end()
        match = _auth_parameter(value, position)
        if match is None or not found:
            raise PeerError("a challenge or its answer is malformed", 400)
        name, token, quoted = match.groups()
        parameters = found[-1][1]
        if name.lower() in parameters:
            raise PeerError(f"the parameter {name.lower()} of a challenge comes twice", 400)
        parameters[name.lower()] = token if quoted is None else unquote(quoted)
        position = match.end()
        if position < end:
            if value[position] != ",":
                raise PeerError("a challenge or its answer is malformed", 400)
            position += 1
    if not found:
        raise PeerError("a challenge or its answer is empty", 400)
    return found


def _format(scheme: str, parameters: dict[str, str], quoted: frozenset[str]) -> str:
    joined = ", ".join(
        f"{name}={quote(value) if name in quoted or not is_token(value) else value}"
        for name, value in parameters.items()
    )
    return f"{scheme} {joined}"
