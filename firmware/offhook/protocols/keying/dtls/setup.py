"""Who begins: the value of `a=setup` (RFC 4145 §4, RFC 5763 §5, RFC 8842 §5)."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from offhook.base.errors import PeerError
from offhook.base.randomness import Randomness, token

NOT_ACCEPTABLE_HERE: Final = 488

_TLS_ID: Final = re.compile(r"[A-Za-z0-9+/_-]{20,255}")


class Setup(Enum):
    """What one side says in SDP."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"
    HOLDCONN = "holdconn"


class Role(Enum):
    """What one side is once both have spoken: the active one sends the ClientHello."""

    ACTIVE = "active"
    PASSIVE = "passive"

    @property
    def other(self) -> Role:
        """The peer's role."""
        return Role.PASSIVE if self is Role.ACTIVE else Role.ACTIVE

    @property
    def setup(self) -> Setup:
        """The same in SDP."""
        return Setup(self.value)


_OFFERERS_ROLE: Final = {
    (Setup.ACTPASS, Setup.ACTIVE): Role.PASSIVE,
    (Setup.ACTPASS, Setup.PASSIVE): Role.ACTIVE,
    (Setup.ACTIVE, Setup.PASSIVE): Role.ACTIVE,
    (Setup.PASSIVE, Setup.ACTIVE): Role.PASSIVE,
}


def parse_setup(value: str) -> Setup:
    """Read the value of one `a=setup`; PeerError where it is none of the four."""
    try:
        return Setup(value.strip().lower())
    except ValueError:
        raise PeerError(f"a=setup:{value[:20]} is unknown", NOT_ACCEPTABLE_HERE) from None


def answer_role(offered: Setup, current: Role | None = None) -> Role:
    """Our role as answerer: active where there is a choice, unless an association stands.

    `current` is our role in the association that stands. An answer that is active reaches a
    peer behind a NAT, and the handshake goes on while the answer travels. PeerError for holdconn,
    which DTLS knows nothing of (RFC 8842 §5.1).
    """
    if offered is Setup.HOLDCONN:
        raise PeerError("a=setup:holdconn can't be answered", NOT_ACCEPTABLE_HERE)
    if offered is Setup.ACTPASS:
        return current or Role.ACTIVE
    return Role(offered.value).other


def offerer_role(offered: Setup, answered: Setup, current: Role | None = None) -> Role:
    """Our role as offerer. PeerError where both would be active, both passive, or undecided.

    Telephones are known that answer a later offer `actpass`: where an association stands
    (`current` is our role in it), that keeps it as it is.
    """
    if answered is Setup.ACTPASS and offered is Setup.ACTPASS and current is not None:
        return current
    role = _OFFERERS_ROLE.get((offered, answered))
    if role is None:
        raise PeerError(
            f"a=setup:{answered.value} is no answer to {offered.value}", NOT_ACCEPTABLE_HERE
        )
    return role


def make_tls_id(randomness: Randomness) -> str:
    """A value of `a=tls-id` for a new association: 128 random bits (RFC 8842 §4)."""
    return token(randomness, 16)


def parse_tls_id(value: str) -> str | None:
    """Read the value of one `a=tls-id`; None where it isn't one: then there is none."""
    return value if _TLS_ID.fullmatch(value) else None
