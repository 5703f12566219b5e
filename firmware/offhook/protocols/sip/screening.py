"""RFC 3261 §8.2: what a UAS checks in a request before its method's own rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.core import EXTENSIONS, SDP
from offhook.protocols.sip.multipart import find_body
from offhook.protocols.sip.uri import SipUri
from offhook.protocols.sip.validate import METHODS as KNOWN_METHODS
from offhook.protocols.sip.values import Star

if TYPE_CHECKING:
    from collections.abc import Collection

    from offhook.protocols.sip.message import Request

_WITH_SESSION: Final = frozenset({"INVITE", "UPDATE"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """The final response that a request gets at once."""

    status: int
    reason: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def screen_method(request: Request, methods: Collection[str]) -> Refusal | None:
    """§8.2.1: 405 for a method we don't take, 501 for one that nobody knows; both with Allow."""
    if request.method in methods:
        return None
    status = 405 if request.method in KNOWN_METHODS else 501
    return Refusal(status, headers=(("Allow", ", ".join(methods)),))


def screen(request: Request) -> Refusal | None:
    """§8.2.2.3 and §8.2.3: extensions and content; None if all is well."""
    try:
        return _extensions(request) or _content(request) or _sips(request)
    except PeerError as error:
        return Refusal(error.status or 400, f"Bad Request: {error.reason}")


def _extensions(request: Request) -> Refusal | None:
    unknown = [option for option in request.require if option.lower() not in EXTENSIONS]
    if not unknown:
        return None
    return Refusal(420, headers=(("Unsupported", ", ".join(unknown)),))


def _content(request: Request) -> Refusal | None:
    """A session description has to be understood; a body elsewhere is the method's affair."""
    if not request.body or request.method not in _WITH_SESSION:
        return None
    encodings = [value.lower() for value in request.headers.values("Content-Encoding")]
    if any(encoding != "identity" for encoding in encodings):
        return Refusal(415, headers=(("Accept-Encoding", "identity"),))
    if find_body(request, SDP) is not None or _optional(request):
        return None
    return Refusal(415, headers=(("Accept", SDP),))


def _optional(request: Request) -> bool:
    disposition = request.headers.get("Content-Disposition") or ""
    return "handling=optional" in disposition.lower().replace(" ", "")


def _sips(request: Request) -> Refusal | None:
    """RFC 5630 §5.1.2: a SIPS Request-URI with a SIP Contact contradicts itself."""
    uri = request.uri
    if request.method != "INVITE" or not isinstance(uri, SipUri) or uri.scheme != "sips":
        return None
    contacts = request.contacts
    if not isinstance(contacts, Star) and all(
        isinstance(contact.uri, SipUri) and contact.uri.scheme == "sips" for contact in contacts
    ):
        return None
    return Refusal(400, "Bad Request: a SIPS Request-URI with a Contact that is none")
