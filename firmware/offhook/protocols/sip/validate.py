"""What a UA must find in a message before it acts on it (RFC 3261 §8.1.1, §8.1.3.3, §8.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.grammar import decimal
from offhook.protocols.sip.header_names import NAMES_OF_ONCE
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.uri import OtherUri, SipUri
from offhook.protocols.sip.values import BRANCH_COOKIE, STAR

if TYPE_CHECKING:
    from offhook.protocols.sip.values import Via

METHODS: Final = frozenset(
    {"ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH"}
    | {"REFER", "REGISTER", "SUBSCRIBE", "UPDATE"}
)


def validate(message: Message) -> None:
    """Hold a parsed message to what every UA needs of it.

    Raises PeerError with the status to answer for a request: 400, 416 for a Request-URI of a
    scheme that no telephone has, 501 for an unknown method whose CSeq names another; with None
    for a response, which is to be dropped.
    """
    if isinstance(message, Request):
        _validate_request(message)
        return
    try:
        _validate_response(message)
    except PeerError as error:
        raise PeerError(error.reason, None) from error


def _validate_request(request: Request) -> None:
    vias = _validate_common(request)
    method = request.method
    if request.cseq.method != method:
        raise PeerError("CSeq: the method is another", 400 if method in METHODS else 501)
    if vias[0].branch == BRANCH_COOKIE:
        raise PeerError("Via: the branch names no transaction", 400)
    max_forwards = request.headers.get("Max-Forwards")
    if max_forwards is not None:
        decimal(max_forwards, "Max-Forwards: the value", 255)
    uri = request.uri
    if isinstance(uri, OtherUri):
        raise PeerError(f"Request-URI: the scheme {uri.scheme} is unknown", 416)
    if isinstance(uri, SipUri) and uri.headers:
        raise PeerError("Request-URI: header fields stand in it", 400)
    contacts = request.contacts
    if contacts is STAR:
        if method != "REGISTER" or request.expires != 0:
            raise PeerError("Contact: * unregisters only", 400)
    elif method == "INVITE" and len(contacts) != 1:
        raise PeerError("Contact: an INVITE has exactly one", 400)


def _validate_response(response: Response) -> None:
    vias = _validate_common(response)
    _ = response.cseq, response.contacts
    if len(vias) > 1:
        raise PeerError("Via: a response has only one")


def _validate_common(message: Message) -> list[Via]:
    seen: set[str] = set()
    for name, _ in message.headers:
        if name in NAMES_OF_ONCE:
            if name in seen:
                raise PeerError(f"{name}: the field comes twice", 400)
            seen.add(name)
    _ = message.call_id, message.from_, message.to, message.record_routes, message.content_type
    vias = message.vias
    if not vias:
        raise PeerError("Via: the field is missing", 400)
    return vias
