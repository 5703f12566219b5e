"""Offer and answer for one encrypted audio stream (RFC 3264): the room's front door.

Caller: make_offer, in the first of offer_forms, then read_answer; a refusal may be worth an offer
of the next form. Called: choose, then make_answer. Later in the session make_reoffer, and choose
and read_answer with what is established.
"""

from offhook.protocols.sdp.answer import choose, make_answer
from offhook.protocols.sdp.attributes import Direction
from offhook.protocols.sdp.errors import BadSdp, Unacceptable
from offhook.protocols.sdp.forms import OfferForm, offer_forms
from offhook.protocols.sdp.offer import make_offer, make_reoffer
from offhook.protocols.sdp.outcome import read_answer
from offhook.protocols.sdp.policy import MediaPolicy, Minimum
from offhook.protocols.sdp.records import Origin
from offhook.protocols.sdp.terms import Agreement, Choice, LocalMedia

__all__ = [
    "Agreement",
    "BadSdp",
    "Choice",
    "Direction",
    "LocalMedia",
    "MediaPolicy",
    "Minimum",
    "OfferForm",
    "Origin",
    "Unacceptable",
    "choose",
    "make_answer",
    "make_offer",
    "make_reoffer",
    "offer_forms",
    "read_answer",
]
