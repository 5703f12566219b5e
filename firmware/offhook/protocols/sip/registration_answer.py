"""What a registrar's answer says about our binding (RFC 3261 §10.2.4, §20.33, §21.4-§21.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.grammar import decimal
from offhook.protocols.sip.uri import SipUri, same_uri
from offhook.protocols.sip.values import HIGHEST_DELTA, NameAddr, RetryAfter

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Response

MAY_WORK_LATER: Final = frozenset({408, 430, 480, 486, 500, 502, 503, 504, 580, 600})
"""Statuses after which the back-off decides; every other failure waits long."""
FAIL_OVER: Final = frozenset({408, 430, 480, 502, 503, 504})
"""Statuses after which another server of the domain may answer better."""
MALFORMED_EXPIRES_S: Final = 3600
"""RFC 3261 §10.2: what a malformed expiry stands for."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Our binding as the registrar lists it, with `bindings` of the address of record in all."""

    contact: NameAddr
    expires_s: int
    bindings: int


def own_binding(response: Response, contact: NameAddr, asked_s: int) -> Binding | None:
    """Our binding in a 2xx, None if it isn't there or has no time left.

    Registrars add parameters and some rewrite the address: `contact` is found by RFC 3261
    §19.1.4's comparison first, then by user and address, then by its user alone, which is ours
    because it is random. A 2xx that lists nothing but has an Expires is taken at its word.
    """
    listed = _listed(response)
    header = response.headers.get("Expires")
    if not listed:
        expires_s = 0 if header is None else _seconds(header)
        return Binding(contact, expires_s, 0) if expires_s else None
    best = max(listed, key=lambda each: _likeness(each, contact))
    if not _likeness(best, contact):
        return None
    text = best.parameter("expires")
    if text is None:
        expires_s = asked_s if header is None else _seconds(header)
    else:
        expires_s = _seconds(text)
    return Binding(best, expires_s, len(listed)) if expires_s else None


def min_expires(response: Response) -> int | None:
    """The Min-Expires of a 423 in s, None if it has no readable one."""
    try:
        return decimal(response.headers.get("Min-Expires") or "", "the Min-Expires", HIGHEST_DELTA)
    except PeerError:
        return None


def retry_after(response: Response) -> int | None:
    """The Retry-After in s, None if there is no readable one."""
    text = response.headers.get("Retry-After")
    try:
        return None if text is None else RetryAfter.parse(text).delay
    except PeerError:
        return None


def flow_timer(response: Response) -> int | None:
    """The Flow-Timer in s (RFC 5626 §4.4), None if there is no readable one."""
    try:
        return decimal(response.headers.get("Flow-Timer") or "", "the Flow-Timer", HIGHEST_DELTA)
    except PeerError:
        return None


def requires_outbound(response: Response) -> bool:
    """Whether the registrar did outbound (RFC 5626 §4.2.1)."""
    try:
        return "outbound" in response.require
    except PeerError:
        return False


def _listed(response: Response) -> list[NameAddr]:
    found = []
    try:
        values = response.headers.values("Contact")
    except PeerError:
        return []
    for value in values:
        try:
            found.append(NameAddr.parse(value))
        except PeerError:
            continue
    return found


def _likeness(listed: NameAddr, contact: NameAddr) -> int:
    theirs, ours = listed.uri, contact.uri
    if same_uri(theirs, ours):
        return 3
    if not isinstance(theirs, SipUri) or not isinstance(ours, SipUri) or theirs.user != ours.user:
        return 0
    if (theirs.host.lower(), theirs.port) == (ours.host.lower(), ours.port):
        return 2
    return 1 if ours.user else 0


def _seconds(text: str) -> int:
    try:
        return decimal(text, "the expiry", HIGHEST_DELTA)
    except PeerError:
        return MALFORMED_EXPIRES_S
