"""Offer and answer for one encrypted audio stream (RFC 3264, RFC 4568): the room's front door.

Caller: make_offer, then read_answer. Called: choose, then make_answer. Later in the session
make_reoffer, and choose with what is established.
"""

from offhook.protocols.sdp.answer import choose, make_answer
from offhook.protocols.sdp.attributes import Direction
from offhook.protocols.sdp.errors import BadSdp, Unacceptable
from offhook.protocols.sdp.offer import make_offer, make_reoffer
from offhook.protocols.sdp.outcome import read_answer
from offhook.protocols.sdp.records import Origin
from offhook.protocols.sdp.terms import Agreement, Choice, LocalMedia, MediaPolicy

__all__ = [
    "Agreement",
    "BadSdp",
    "Choice",
    "Direction",
    "LocalMedia",
    "MediaPolicy",
    "Origin",
    "Unacceptable",
    "choose",
    "make_answer",
    "make_offer",
    "make_reoffer",
    "read_answer",
]
