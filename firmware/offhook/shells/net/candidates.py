"""A peer's ICE candidates: read, judged and bounded before aioice sees one (RFC 8839 §5.1).

Plain text in, aioice's objects out; a line that is not understood is left out, never an error.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from aioice import Candidate

from offhook.base.vocabulary import PathAddress

MAX_LINES: Final = 64
MAX_LINE: Final = 512
MAX_CANDIDATES: Final = 12
"""Of a peer, those of the highest priorities (RFC 8445 §6.1.2.5, §19.5.1)."""
LINE: Final = re.compile(
    r"(?P<foundation>[A-Za-z0-9+/]{1,32}) 1 [Uu][Dd][Pp] (?P<priority>[0-9]{1,10})"
    r" (?P<host>[0-9A-Za-z.:-]{2,255}) (?P<port>[0-9]{1,5}) typ (?P<type>host|srflx|relay)(?: .*)?"
)
LOCAL_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,63}\.local")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def read(line: str) -> Candidate | None:
    """One value of a=candidate for RTP over UDP; None for any other, or a malformed one.

    Its `host` is an IP address, or else a name under `.local`.
    """
    match = LINE.fullmatch(line) if len(line) <= MAX_LINE and line.isascii() else None
    if match is None:
        return None
    priority, port = int(match["priority"]), int(match["port"])
    if not 0 < priority < 2**31 or not 0 < port < 2**16:
        return None
    host = match["host"]
    try:
        host = str(ipaddress.ip_address(host))
    except ValueError:
        if not is_local_name(host):
            return None
    return Candidate(
        foundation=match["foundation"],
        component=1,
        transport="udp",
        priority=priority,
        host=host,
        port=port,
        type=match["type"],
    )


def is_local_name(host: str) -> bool:
    """Whether it is one label under `.local` (RFC 6762 §3)."""
    return LOCAL_NAME.fullmatch(host) is not None


def usable(candidates: Iterable[Candidate], local_hosts: Iterable[str]) -> list[Candidate]:
    """Those that can be reached from an address of ours: the best, MAX_CANDIDATES at most."""
    ours = [ipaddress.ip_address(host) for host in local_hosts]
    found: dict[tuple[str, int], Candidate] = {}
    for candidate in sorted(candidates, key=lambda each: -each.priority):
        if any(is_reachable(candidate.host, here) for here in ours):
            found.setdefault((candidate.host, candidate.port), candidate)
    return list(found.values())[:MAX_CANDIDATES]


def is_reachable(host: str, here: Address) -> bool:
    """Whether `host` is one single host's address that may be reached from `here`."""
    try:
        there = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (
        there.version == here.version
        and not (there.is_multicast or there.is_unspecified)
        and not (there.version == 4 and there.is_reserved)
        and (here.is_loopback or not there.is_loopback)
        and (here.is_link_local or not there.is_link_local)
        and getattr(there, "ipv4_mapped", None) is None
    )


def is_mismatched(candidates: Iterable[Candidate], default: PathAddress) -> bool:
    """Whether something on the way put another address into the SDP (RFC 8839 §4.2.5).

    `default` with port 9, without an IP address or unspecified is no sign of that.
    """
    try:
        told = ipaddress.ip_address(default.host)
    except ValueError:
        return False
    if default.port == 9 or told.is_unspecified:
        return False
    return (str(told), default.port) not in {(each.host, each.port) for each in candidates}
