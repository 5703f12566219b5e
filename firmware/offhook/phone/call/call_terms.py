"""What one call is held to, in both directions (RFC 3264, RFC 5763 §5, RFC 6189 §8)."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.phone.call.learned import Learned
from offhook.phone.call.trust import Hops
from offhook.phone.call.zrtp_memory import ZrtpMemory
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.media.path_messages import IceTerms
from offhook.protocols.sdp.negotiation import MediaPolicy


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What a call is held to from its first to its last message."""

    session: int
    """The engine's number for this call."""
    account: str
    """By which account it goes."""
    hops: Hops
    local_host: str
    """The address on which media is received."""
    policy: MediaPolicy
    media_dscp: int
    learned: Learned
    zrtp: ZrtpMemory | None = None
    """What ZRTP keeps from call to call; None: it is not spoken."""
    ice: IceTerms | None = None
    """None: media goes where the descriptions say."""
    opus: OpusTerms = field(default_factory=OpusTerms)

    @property
    def speaks_zrtp(self) -> bool:
        """Whether ZRTP may bring keys."""
        return self.policy.zrtp and self.zrtp is not None
