"""RFC 3261 §12: dialogs, their identity, sequence numbers, route set and remote target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from offhook.base.errors import PeerError
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.uri import SipUri, Uri
from offhook.protocols.sip.values import CSeq, NameAddr, Star

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.protocols.sip.message import Message, Response

TARGET_REFRESH = frozenset({"INVITE", "UPDATE"})
CREDENTIALS = ("Authorization", "Proxy-Authorization")


class DialogId(NamedTuple):
    """What identifies a dialog at this UA (§12); a peer of RFC 2543 may have an empty tag."""

    call_id: str
    local_tag: str
    remote_tag: str


@dataclass(slots=True)
class Dialog:
    """One peer-to-peer relation. `local` and `remote` carry their tags.

    `local_cseq` is the number of our last request, `remote_cseq` the peer's or None before the
    first. `secure` means that the dialog was made with a SIPS Request-URI, `authorized` that our
    INVITE had credentials.
    """

    id: DialogId
    local: NameAddr
    remote: NameAddr
    local_cseq: int
    remote_cseq: int | None
    target: Uri
    route_set: tuple[NameAddr, ...]
    secure: bool
    peer_allows: frozenset[str]
    confirmed: bool = False
    authorized: bool = False

    @classmethod
    def from_uac(cls, invite: Request, response: Response) -> Dialog:
        """The dialog that a 101-299 to our INVITE makes (§12.1.2).

        Raises PeerError if the response's To, Contact or Record-Route can't be read.
        """
        remote = response.to
        return cls(
            id=DialogId(invite.call_id, invite.from_.tag or "", remote.tag or ""),
            local=invite.from_,
            remote=remote,
            local_cseq=invite.cseq.number,
            remote_cseq=None,
            target=_contact_of(response) or invite.uri,
            route_set=tuple(reversed(response.record_routes)),
            secure=is_sips(invite.uri),
            peer_allows=_allowed(response),
            confirmed=response.status >= 200,
            authorized=any(name in invite.headers for name in CREDENTIALS),
        )

    @classmethod
    def from_uas(cls, invite: Request, local_tag: str) -> Dialog:
        """The dialog that our 101-299 with `local_tag` makes of the peer's INVITE (§12.1.1).

        Raises PeerError 400 if a header field can't be read or there is no Contact.
        """
        target = _contact_of(invite)
        if target is None:
            raise PeerError("the Contact is missing", 400)
        remote = invite.from_
        return cls(
            id=DialogId(invite.call_id, local_tag, remote.tag or ""),
            local=invite.to if invite.to.tag else invite.to.with_tag(local_tag),
            remote=remote,
            local_cseq=0,
            remote_cseq=invite.cseq.number,
            target=target,
            route_set=tuple(invite.record_routes),
            secure=is_sips(invite.uri),
            peer_allows=_allowed(invite),
        )

    def confirm(self, response: Response) -> None:
        """A 2xx came for this early dialog: its route set counts (§13.2.2.4), and its Contact."""
        self.confirmed = True
        self.route_set = tuple(reversed(response.record_routes))
        self.refresh(response)

    def refresh(self, message: Message) -> None:
        """Take the remote target of an accepted target refresh, request or 2xx (§12.2)."""
        self.target = _contact_of(message) or self.target
        self.peer_allows = _allowed(message) or self.peer_allows

    def matches(self, request: Request) -> bool:
        """Whether a request from the peer carries this dialog's Call-ID and tags."""
        return (
            self.id.call_id == request.call_id
            and self.id.local_tag == (request.to.tag or "")
            and self.id.remote_tag == (request.from_.tag or "")
        )

    def admit(self, request: Request) -> None:
        """Hold a request of the peer's to the order of its sequence numbers (§12.2.2).

        Raises PeerError 500 for one that isn't greater than the last.
        """
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            raise PeerError("the CSeq is out of order", 500)
        self.remote_cseq = number

    def make_request(
        self, method: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Request:
        """The next request of ours, without Via; `headers` end with Content-Type for a body."""
        self.local_cseq += 1
        return self._request(method, self.local_cseq, headers, body)

    def make_ack(self, invite: Request, body: bytes = b"", content_type: str = "") -> Request:
        """The ACK of a 2xx to `invite`, with that INVITE's credentials (§13.2.2.4)."""
        headers = [(name, value) for name, value in invite.headers if name in CREDENTIALS]
        if body:
            headers.append(("Content-Type", content_type))
        return self._request("ACK", invite.cseq.number, headers, body)

    def _request(
        self, method: str, number: int, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Request:
        uri, routes = self._way()
        fields = Headers(("Route", str(route)) for route in routes)
        fields.add("Max-Forwards", "70")
        fields.add("From", str(self.local))
        fields.add("To", str(self.remote))
        fields.add("Call-ID", self.id.call_id)
        fields.add("CSeq", str(CSeq(number, method)))
        for name, value in headers:
            fields.add(name, value)
        return Request(method, uri, fields, body)

    def _way(self) -> tuple[Uri, tuple[NameAddr, ...]]:
        """Request-URI and Route values; a strict router takes the Request-URI (§12.2.1.1)."""
        if not self.route_set:
            return self.target, ()
        first = self.route_set[0].uri
        if not isinstance(first, SipUri) or first.parameter("lr") is not None:
            return self.target, self.route_set
        allowed = tuple(p for p in first.parameters if p[0].lower() != "method")
        strict = replace(first, parameters=allowed, headers=())
        return strict, (*self.route_set[1:], NameAddr("", self.target))


def _contact_of(message: Message) -> Uri | None:
    contacts = message.contacts
    if isinstance(contacts, Star) or not contacts:
        return None
    return contacts[0].uri


def _allowed(message: Message) -> frozenset[str]:
    """The peer's Allow; a malformed one tells nothing, and is no reason to lose a call."""
    try:
        return frozenset(message.allow)
    except PeerError:
        return frozenset()


def is_sips(uri: Uri) -> bool:
    """Whether the URI asks for TLS on every hop (RFC 5630)."""
    return isinstance(uri, SipUri) and uri.scheme == "sips"
