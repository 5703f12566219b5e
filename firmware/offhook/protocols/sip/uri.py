"""SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966) and any other absolute URI."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.grammar import Parameters, parameter

if TYPE_CHECKING:
    from collections.abc import Callable

_UNRESERVED: Final = r"\-\w.!~*'()"
_USER: Final = rf"{_UNRESERVED}&=+$,;?/"
_PASSWORD: Final = rf"{_UNRESERVED}&=+$,"
_PARAMETER: Final = rf"{_UNRESERVED}\[\]/:&+$"
_HEADER: Final = rf"{_UNRESERVED}\[\]/?:+$"
_PARAMETERS: Final = rf"((?:;[{_PARAMETER}%]++(?:=[{_PARAMETER}%]++)?)*)"

_sip_uri = re.compile(
    rf"([Ss][Ii][Pp][Ss]?):(?:([{_USER}%]++)(?:(:)[{_PASSWORD}%]*+)?@)?"
    rf"(?:([\w.-]++)|\[([0-9A-Fa-f:.]++)\])(?::([0-9]++))?{_PARAMETERS}"
    rf"(?:\?([{_HEADER}%]++=[{_HEADER}%]*+(?:&[{_HEADER}%]++=[{_HEADER}%]*+)*))?",
    re.ASCII,
).fullmatch
_tel_uri = re.compile(rf"[Tt][Ee][Ll]:(\+?[0-9A-Fa-f*#().-]++){_PARAMETERS}", re.ASCII).fullmatch
_other_uri = re.compile(
    rf"([A-Za-z][A-Za-z0-9+.-]*+):([{_UNRESERVED};/?:@&=+$,\[\]#%]++)", re.ASCII
).fullmatch
_bad_escape = re.compile("%(?![0-9A-Fa-f]{2})").search
_escape = re.compile("%([0-9A-Fa-f]{2})")

_LABEL: Final = r"[A-Za-z0-9_](?:[\w-]*[A-Za-z0-9])?"
_TOP_LABEL: Final = r"[A-Za-z](?:[\w-]*[A-Za-z0-9])?"
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_is_host = re.compile(
    rf"{_OCTET}(?:\.{_OCTET}){{3}}|(?:{_LABEL}\.)*{_TOP_LABEL}\.?", re.ASCII
).fullmatch
_visual_separators = str.maketrans("", "", "-.()")

_escape_in_user = re.compile(rf"[^{_USER}]", re.ASCII)
_escape_in_parameter = re.compile(rf"[^{_PARAMETER}]", re.ASCII)
_escape_in_header = re.compile(rf"[^{_HEADER}]", re.ASCII)

_COMPARED_IF_IN_ONE: Final = ("transport", "user", "ttl", "method", "maddr")


@dataclass(frozen=True, slots=True)
class SipUri:
    """A `sip:` or `sips:` URI. All parts are unescaped; `str()` escapes them again.

    An IPv6 `host` has no brackets and no zone. A parameter without a value has None. A URI that
    was parsed is written as it came (a proxy may have signed its Record-Route), except that a
    password (deprecated by RFC 3261 §19.1.1) is dropped. `str()` raises LocalError for a host that
    is none.
    """

    scheme: str
    user: str | None
    host: str
    port: int | None = None
    parameters: Parameters = ()
    headers: tuple[tuple[str, str], ...] = ()
    _text: str | None = field(default=None, init=False, repr=False, compare=False)

    def parameter(self, name: str) -> str | None:
        """The parameter's value, "" if it has none, None if the URI lacks it; names in any case."""
        return parameter(self.parameters, name)

    def with_parameters(self, **values: str | None) -> SipUri:
        """The URI with the parameters set ("" for one without a value) or, for None, removed.

        An underscore in a keyword stands for a hyphen.
        """
        wanted = {name.replace("_", "-"): value for name, value in values.items()}
        kept = [(n, v) for n, v in self.parameters if n.lower() not in wanted]
        added = [(n, v or None) for n, v in wanted.items() if v is not None]
        return replace(self, parameters=(*kept, *added))

    @property
    def host_port(self) -> str:
        """Host and, if given, port as they stand in a URI or a Via: `[::1]:5061`."""
        return format_host_port(self.host, self.port)

    def __str__(self) -> str:
        if self._text is not None:
            return self._text
        host = format_host_port(self.host, None)
        try:
            parse_host(host)
        except PeerError:
            raise LocalError("the host of a URI is malformed") from None
        text = self.scheme + ":"
        if self.user:
            text += _percent(self.user, _escape_in_user) + "@"
        text += host if self.port is None else f"{host}:{self.port}"
        text += _format_uri_parameters(self.parameters)
        if self.headers:
            text += "?" + "&".join(
                f"{_percent(n, _escape_in_header)}={_percent(v, _escape_in_header)}"
                for n, v in self.headers
            )
        return text


@dataclass(frozen=True, slots=True)
class TelUri:
    """A `tel:` URI (RFC 3966); `number` is as written, with its visual separators."""

    number: str
    parameters: Parameters = ()

    def __str__(self) -> str:
        return _checked(f"tel:{self.number}{_format_uri_parameters(self.parameters)}", _tel_uri)


@dataclass(frozen=True, slots=True)
class OtherUri:
    """An absolute URI of another scheme (`urn:`, `http:`, …), `rest` verbatim."""

    scheme: str
    rest: str

    def __str__(self) -> str:
        return _checked(f"{self.scheme}:{self.rest}", _other_uri)


Uri = SipUri | TelUri | OtherUri


def parse_uri(text: str) -> Uri:
    """The URI in `text`, nothing before or after it; PeerError 400 if it is malformed."""
    if "%" in text and _bad_escape(text):
        raise PeerError("an escape in a URI is malformed", 400)
    match = _sip_uri(text)
    if match is not None:
        scheme, user, password, name, ipv6, port, parameters, headers = match.groups()
        uri = SipUri(
            scheme.lower(),
            user and _unescape(user),
            parse_host(name) if ipv6 is None else _parse_ipv6(ipv6),
            None if port is None else parse_port(port),
            _parse_uri_parameters(parameters) if parameters else (),
            _parse_uri_headers(headers) if headers else (),
        )
        if password is None:
            object.__setattr__(uri, "_text", text)
        return uri
    return _parse_other_uri(text)


def _parse_other_uri(text: str) -> TelUri | OtherUri:
    scheme = text.partition(":")[0].lower()
    if scheme in {"sip", "sips"}:
        raise PeerError("a SIP URI is malformed", 400)
    if scheme == "tel":
        match = _tel_uri(text)
        if match is None or not match[1].strip("+-.()"):
            raise PeerError("a tel URI is malformed", 400)
        return TelUri(match[1], _parse_uri_parameters(match[2]))
    match = _other_uri(text)
    if match is None:
        raise PeerError("a URI is malformed", 400)
    return OtherUri(scheme, match[2])


def parse_host(text: str) -> str:
    """A host name, IPv4 address or bracketed IPv6 address; the latter loses its brackets."""
    if text.startswith("[") and text.endswith("]"):
        return _parse_ipv6(text[1:-1])
    if len(text) <= 255 and _is_host(text):
        return text
    raise PeerError("a host is malformed", 400)


def parse_port(text: str) -> int:
    """A port of 1 to 65535."""
    if len(text) <= 5 and text.isascii() and text.isdigit() and 0 < int(text) <= 65535:
        return int(text)
    raise PeerError("a port is out of range", 400)


def format_host_port(host: str, port: int | None) -> str:
    """`host` (IPv6 in brackets) and, unless None, `:port`."""
    text = f"[{host}]" if ":" in host else host
    return text if port is None else f"{text}:{port}"


def same_uri(a: Uri, b: Uri) -> bool:
    """Whether two URIs are equivalent by RFC 3261 §19.1.4 (tel: RFC 3966 §4)."""
    if isinstance(a, SipUri) and isinstance(b, SipUri):
        return (
            a.scheme == b.scheme
            and a.user == b.user
            and _host_key(a.host) == _host_key(b.host)
            and a.port == b.port
            and _same_parameters(a.parameters, b.parameters)
            and _header_key(a.headers) == _header_key(b.headers)
        )
    if isinstance(a, TelUri) and isinstance(b, TelUri):
        return _digits(a) == _digits(b) and _parameter_key(a.parameters) == _parameter_key(
            b.parameters
        )
    return a == b


def _checked(text: str, is_uri: Callable[[str], re.Match[str] | None]) -> str:
    if not is_uri(text):
        raise LocalError("a URI is malformed")
    return text


def _digits(uri: TelUri) -> str:
    return uri.number.translate(_visual_separators).lower()


def _same_parameters(a: Parameters, b: Parameters) -> bool:
    left, right = _parameter_key(a), _parameter_key(b)
    return all(
        left[name] == right[name]
        if name in left and name in right
        else name not in _COMPARED_IF_IN_ONE
        for name in left.keys() | right.keys()
    )


def _parameter_key(parameters: Parameters) -> dict[str, str]:
    return {name.lower(): (value or "").lower() for name, value in parameters}


def _header_key(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers)


def _host_key(host: str) -> str:
    return IPv6Address(host).compressed if ":" in host else host.lower()


def _parse_ipv6(text: str) -> str:
    try:
        if IPv6Address(text).scope_id is None:
            return text
    except AddressValueError:
        pass
    raise PeerError("an IPv6 address is malformed", 400)


def _parse_uri_parameters(text: str) -> Parameters:
    if not text:
        return ()
    found: list[tuple[str, str | None]] = []
    for part in text[1:].split(";"):
        name, equals, value = part.partition("=")
        found.append((_unescape(name), _unescape(value) if equals else None))
    if len(found) > 1 and len({name.lower() for name, _ in found}) < len(found):
        raise PeerError("a URI parameter comes twice", 400)
    return tuple(found)


def _parse_uri_headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in text.split("&"))
    return tuple((_unescape(name), _unescape(value)) for name, _, value in pairs)


def _format_uri_parameters(parameters: Parameters) -> str:
    return "".join(
        f";{_percent(n, _escape_in_parameter)}={_percent(v, _escape_in_parameter)}"
        if v
        else ";" + _percent(n, _escape_in_parameter)
        for n, v in parameters
    )


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    octets = _escape.sub(lambda match: chr(int(match[1], 16)), text).encode("latin-1")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise PeerError("the escapes of a URI are not UTF-8", 400) from None


def _percent(text: str, forbidden: re.Pattern[str]) -> str:
    try:
        return forbidden.sub(lambda match: "".join(f"%{o:02X}" for o in match[0].encode()), text)
    except UnicodeEncodeError as error:
        raise LocalError("a part of a URI is no Unicode text") from error
