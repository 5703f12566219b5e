"""What the settings say of one account, and what calls of every account remember."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.phone.call.learned import Learned
from offhook.phone.call.zrtp_memory import ZrtpMemory
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.media.path_messages import IceTerms
from offhook.protocols.sdp.negotiation import MediaPolicy


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """What the settings say of one account."""

    name: str
    domain: str
    """SIP domain: what a dialled number is completed with."""
    server: tuple[str, int | None] | None
    """A server to connect to instead of those that DNS names for the domain."""
    policy: MediaPolicy
    media_host: str | None
    """Local address for media; None: the one that the flow has."""
    media_dscp: int
    user: str
    register: bool
    opus: OpusTerms = field(default_factory=OpusTerms)
    """How Opus is encoded where it is agreed."""
    ice: IceTerms | None = None
    """What ICE may use; None: it is not spoken."""


@dataclass(frozen=True, slots=True)
class Keepsakes:
    """What calls of every account remember."""

    learned: Learned
    zrtp: ZrtpMemory | None = None
    """None: ZRTP is not spoken."""
