"""RFC 3261 §9.1 and §17.1.1.3: CANCEL and the ACK of a failure, made of the INVITE they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.values import CSeq

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Response


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE of ours: its Request-URI, top Via, From, To, Call-ID and Routes."""
    return _same_hop(invite, "CANCEL", invite.headers.get("To") or "")


def ack_of_failure(invite: Request, response: Response) -> Request:
    """The ACK that a client transaction sends for a 300-699; To is the response's."""
    return _same_hop(invite, "ACK", response.headers.get("To") or "")


def _same_hop(invite: Request, method: str, to: str) -> Request:
    headers = Headers([("Via", str(invite.vias[0])), ("Max-Forwards", "70")])
    for name in ("From", "Call-ID"):
        headers.add(name, invite.headers.get(name) or "")
    headers.add("To", to)
    headers.add("CSeq", str(CSeq(invite.cseq.number, method)))
    for route in invite.headers.all("Route"):
        headers.add("Route", route)
    return Request(method, invite.uri, headers)
