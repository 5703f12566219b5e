"""The forms of a first offer, and which is tried after which (RFC 3264 §5, RFC 3261 §21.4.26).

Peers differ in what they take: many refuse whatever names a profile or keying that they don't
have. The combined form keys most of them at once; the other forms reach the rest, one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from offhook.protocols.keying.methods import Keying
from offhook.protocols.sdp.policy import MediaPolicy

if TYPE_CHECKING:
    from offhook.protocols.sdp.terms import LocalMedia


class OfferForm(Enum):
    """A form of a first offer; the value is what is written down of a peer that took it."""

    COMBINED = "combined"
    """RTP/SAVP with SDES keys, and DTLS-SRTP and ZRTP beside them."""
    DTLS = "dtls-srtp"
    """UDP/TLS/RTP/SAVP."""
    DTLS_FEEDBACK = "dtls-srtp with feedback"
    """UDP/TLS/RTP/SAVPF."""
    SDES_FEEDBACK = "sdes with feedback"
    """RTP/SAVPF."""
    ZRTP_ALONE = "zrtp alone"
    """RTP/AVP that carries nothing but ZRTP until its keys are there."""

    @property
    def profile(self) -> str:
        """The name of the transport in the `m=` line."""
        return LADDER[self].profile

    def worth_another(self, status: int) -> bool:
        """Whether a refusal of this form with that status asks for the next form."""
        return status in _ASKS_FOR_ANOTHER or (
            status == 480 and LADDER[self].brought_by is Keying.DTLS
        )


@dataclass(frozen=True, slots=True)
class Rung:
    """What one form says: its profile, the keying without which it is none, others beside it."""

    profile: str
    brought_by: Keying
    beside: frozenset[Keying] = frozenset()


LADDER: Final = {
    OfferForm.COMBINED: Rung("RTP/SAVP", Keying.SDES, frozenset({Keying.DTLS, Keying.ZRTP})),
    OfferForm.DTLS: Rung("UDP/TLS/RTP/SAVP", Keying.DTLS, frozenset({Keying.ZRTP})),
    OfferForm.DTLS_FEEDBACK: Rung("UDP/TLS/RTP/SAVPF", Keying.DTLS, frozenset({Keying.ZRTP})),
    OfferForm.SDES_FEEDBACK: Rung("RTP/SAVPF", Keying.SDES, frozenset({Keying.ZRTP})),
    OfferForm.ZRTP_ALONE: Rung("RTP/AVP", Keying.ZRTP),
}
"""In the order in which they are tried. RTP/AVP comes last and never without ZRTP."""

_ASKS_FOR_ANOTHER: Final = frozenset({406, 415, 488, 606})


def offer_forms(policy: MediaPolicy, local: LocalMedia) -> tuple[OfferForm, ...]:
    """The forms that the policy allows and our end can keep, in the order to try them.

    Empty where our end has none of the policy's keyings, or not the one that its minimum needs.
    """
    usable = usable_keyings(policy, local)
    if policy.required is not None and policy.required not in usable:
        return ()
    return tuple(form for form, rung in LADDER.items() if rung.brought_by in usable)


def usable_keyings(policy: MediaPolicy, local: LocalMedia) -> frozenset[Keying]:
    """The keyings that the policy allows and our end has."""
    return policy.keyings & local.keyings
