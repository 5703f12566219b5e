"""The engine's messages about the way of media through the network (RFC 8445, RFC 8839).

`messages` has the union of all of them; the session is numbered as there.
"""

from __future__ import annotations

from dataclasses import dataclass

from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress


@dataclass(frozen=True, slots=True)
class TurnTerms:
    """A relay, reached by TLS alone (RFC 8656 §2.1): who it has to be, and who we are to it."""

    address: PathAddress
    """An IP address: names are not resolved in the media engine."""
    name: str
    """What its certificate must be for."""
    anchors: tuple[bytes, ...]
    """The CAs that may vouch for it, in PEM or DER; together they must fit into a message."""
    user: str
    password: Secret
    wildcard_allowed: bool = False


@dataclass(frozen=True, slots=True)
class IceTerms:
    """What ICE may use on our side."""

    stun_server: PathAddress | None = None
    """Who tells us how we look from outside; an IP address."""
    turn_server: TurnTerms | None = None
    """Who passes media on where there is no other way."""
    local_names: bool = False
    """Whether a peer's `.local` names are asked for in the own network (RFC 6762)."""


@dataclass(frozen=True, slots=True)
class IceAgreed:
    """The peer speaks ICE: what its SDP says, and whether we decide which pair is used.

    Other credentials than before are an ICE restart, for which GatherAgain came before.
    """

    peer: IceDescription
    controlling: bool


@dataclass(frozen=True, slots=True)
class GatherAgain:
    """Begin an ICE restart: LocalReady comes once more, with another description (RFC 8445 §9).

    The path that was found stays in use until the next one is.
    """

    session: int


@dataclass(frozen=True, slots=True)
class PathFound:
    """Media has a way: `detail` is a sentence with both ends of it."""

    session: int
    detail: str


@dataclass(frozen=True, slots=True)
class PathLost:
    """No way was found, or the one there was is gone; `reason` is a sentence for a person.

    `standing`: one found before is still in use. Otherwise nothing is sent any more.
    """

    session: int
    reason: str
    standing: bool = False
