"""What may be agreed to: one value for both directions (RFC 4568, RFC 5763, RFC 6189 §8)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.sdp.codecs import CODECS

PTIMES_MS: Final = range(10, 61, 10)
"""How many ms of speech a packet of ours can hold."""


class Minimum(Enum):
    """What a call has to be protected by, at the least; the value is what settings say."""

    HOP_BY_HOP = "hop by hop"
    """Any keying: whoever carries the signalling can have the keys."""
    END_TO_END = "end to end"
    """ZRTP, alone or within another keying: a peer that doesn't announce it is refused."""


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """What may be agreed to, the same for both directions and at every offer of a call.

    There is no way to allow a stream without keys. Raises LocalError where nothing is allowed,
    where the minimum can't be reached, on names that are not known and on a packet time that is
    not made.
    """

    sdes: SdesPolicy | None = field(default_factory=SdesPolicy)
    """None: no keys in SDP, neither ours nor the peer's."""
    dtls: bool = False
    """Whether DTLS-SRTP may bring the keys."""
    zrtp: bool = False
    """Whether ZRTP may bring them, alone or in place of those of another keying."""
    minimum: Minimum = Minimum.HOP_BY_HOP
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    """Encoding names, the preferred one first."""
    rtcp_mux: bool = True
    """Offer RTCP on the RTP port, and agree to it (RFC 5761)."""
    ptime_ms: int = 20
    """What we like to receive, and send where the peer has no other wish."""

    def __post_init__(self) -> None:
        if not self.codecs or len(set(self.codecs)) < len(self.codecs):
            raise LocalError("a media policy has each codec once, and at least one")
        for name in self.codecs:
            if name not in CODECS:
                raise LocalError(f"no such codec: {name}")
        if self.ptime_ms not in PTIMES_MS:
            raise LocalError(f"no packet of ours holds {self.ptime_ms} ms of speech")
        if not self.keyings:
            raise LocalError("a media policy has at least one keying")
        if self.minimum is Minimum.END_TO_END and not self.zrtp:
            raise LocalError("nothing but ZRTP is end to end, and this policy doesn't have it")

    def in_emergency(self) -> MediaPolicy:
        """The same with every keying there is, the least of them enough: help is called for."""
        return replace(
            self,
            sdes=self.sdes or SdesPolicy(),
            dtls=True,
            minimum=Minimum.HOP_BY_HOP,
        )

    @property
    def suites(self) -> tuple[str, ...]:
        """The SDES suites, the preferred one first: for each a key of ours is needed."""
        return () if self.sdes is None else self.sdes.suites

    @property
    def required(self) -> Keying | None:
        """The keying without which the minimum is not reached."""
        return Keying.ZRTP if self.minimum is Minimum.END_TO_END else None

    @property
    def keyings(self) -> frozenset[Keying]:
        """The methods that may bring keys."""
        allowed = {
            Keying.SDES: self.sdes is not None,
            Keying.DTLS: self.dtls,
            Keying.ZRTP: self.zrtp,
        }
        return frozenset(keying for keying, has in allowed.items() if has)
