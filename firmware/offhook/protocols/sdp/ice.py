"""ICE in a description: credentials and candidates as text (RFC 8839 §4.2 and §5, RFC 8840 §4.1).

Only candidates for RTP over UDP are kept: RTCP shares the port wherever ICE is used. Whoever finds
the path judges their addresses.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.protocols.sdp.reading import is_unspecified
from offhook.protocols.sdp.records import Attribute

if TYPE_CHECKING:
    from offhook.protocols.sdp.records import MediaDescription, SessionDescription

MOST_CANDIDATES: Final = 64
LONGEST_CANDIDATE: Final = 512
"""Characters of one `a=candidate`."""

NO_PORT_YET: Final = 9
"""The port of a default destination that is not known yet (RFC 8839 §4.2.5)."""

_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_CANDIDATE: Final = re.compile(
    r"[A-Za-z0-9+/]{1,32} 1 [Uu][Dd][Pp] ([0-9]{1,10}) ([0-9A-Za-z.:-]{2,255}) ([0-9]{1,5})"
    r" typ [A-Za-z]{1,16}(?: [\x21-\x7e]+ [\x21-\x7e]*)*"
)


@dataclass(frozen=True, slots=True)
class IceSaid:
    """What a peer says of ICE: its description, or that it can't be gone by."""

    peer: IceDescription | None = None
    """None: no ICE, and media goes to the address of `m=` and `c=`."""
    mismatch: bool = False
    """The default destination is none of the candidates: somebody on the way has changed it."""


def read_ice(session: SessionDescription, media: MediaDescription, default: PathAddress) -> IceSaid:
    """What the section says of ICE; without well-formed credentials it says nothing."""
    ufrag, pwd = (
        media.value(name) or session.value(name) or "" for name in ("ice-ufrag", "ice-pwd")
    )
    if not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        return IceSaid()
    if media.has("ice-mismatch"):
        return IceSaid()
    candidates = tuple(each for each in media.values("candidate") if _destination(each))
    if not candidates and "trickle" not in _options(session, media):
        return IceSaid(mismatch=True)
    if candidates and not _is_among(default, candidates):
        return IceSaid(mismatch=True)
    return IceSaid(
        IceDescription(
            ufrag, Secret(pwd), candidates[:MOST_CANDIDATES], default, session.has("ice-lite")
        )
    )


def ice_attributes(ice: IceDescription) -> list[Attribute]:
    """What our section says of ICE: all candidates at once (RFC 8839 §4.2.1, RFC 8840 §8.2).

    Raises LocalError on credentials and candidates that are none.
    """
    pwd = ice.pwd.reveal().decode("ascii", errors="replace")
    if not _UFRAG.fullmatch(ice.ufrag) or not _PWD.fullmatch(pwd):
        raise LocalError("ICE takes a ufrag of 4 and a password of 22 letters and digits at least")
    if not ice.candidates or not all(_destination(each) for each in ice.candidates):
        raise LocalError("ICE takes candidates for RTP over UDP, one at least")
    return [
        Attribute("ice-ufrag", ice.ufrag),
        Attribute("ice-pwd", pwd),
        Attribute("ice-options", "ice2"),
        *(Attribute("candidate", each) for each in ice.candidates),
        Attribute("end-of-candidates"),
    ]


def _destination(candidate: str) -> PathAddress | None:
    """Where a candidate leads; None where it is malformed, or not for RTP over UDP."""
    found = _CANDIDATE.fullmatch(candidate) if len(candidate) <= LONGEST_CANDIDATE else None
    if found is None:
        return None
    priority, port = int(found[1]), int(found[3])
    if not 0 < priority < 1 << 31 or not 0 < port < 1 << 16:
        return None
    return PathAddress(found[2], port)


def _is_among(default: PathAddress, candidates: tuple[str, ...]) -> bool:
    if is_unspecified(default) or default.port == NO_PORT_YET:
        return True
    return any(_same(_destination(each), default) for each in candidates)


def _same(destination: PathAddress | None, default: PathAddress) -> bool:
    if destination is None or destination.port != default.port:
        return False
    try:
        return ipaddress.ip_address(destination.host) == ipaddress.ip_address(default.host)
    except ValueError:
        return False


def _options(session: SessionDescription, media: MediaDescription) -> frozenset[str]:
    said = (*media.values("ice-options"), *session.values("ice-options"))
    return frozenset(option for value in said for option in value.split())
