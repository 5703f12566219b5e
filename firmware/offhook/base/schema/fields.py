"""The kinds of value that several schemas share (RFC 1123 §2.1, RFC 3986 §3.2.2, RFC 4594)."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final

import msgspec

from offhook.base.errors import LocalError

LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST_NAME: Final = rf"^(?=.{{1,253}}\Z){LABEL}(\.{LABEL})*\Z"

HostName = Annotated[str, msgspec.Meta(pattern=HOST_NAME, extra={"expects": "a host name"})]
FilePath = Annotated[str, msgspec.Meta(min_length=1, extra={"expects": "a file's path"})]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
IpAddress = Annotated[str, msgspec.Meta(extra={"expects": "an IP address"})]
Days = Annotated[int, msgspec.Meta(ge=0, le=36500)]
Dscp = Annotated[int, msgspec.Meta(ge=0, le=63)]


_HOST_PORT: Final = re.compile(r"(\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(:(?P<port>[0-9]{1,5}))?")


def split_host_port(text: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `v6`, `[v6]` or `[v6]:port` taken apart, IPv6 without its brackets.

    Raises LocalError if it is none of these.
    """
    if ipaddress_or_none(text) is not None:
        return text, None
    found = _HOST_PORT.fullmatch(text)
    if found is not None:
        v6, name, port = found["v6"], found["name"], found["port"]
        good = re.search(HOST_NAME, name) if v6 is None else ipaddress_or_none(v6)
        if good and (port is None or 1 <= int(port) <= 65535):
            return (name if v6 is None else v6), None if port is None else int(port)
    raise LocalError(f"{text!r} is no host with a port")


def ipaddress_or_none(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """`text` as an IP address, None if it is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
