"""Who is registered, over which connection (RFC 3261 §10.3): one binding for each user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.uri import SipUri
from offhook.protocols.sip.values import NameAddr, Star

LONGEST_S: Final = 3600
SHORTEST_S: Final = 10


@dataclass(frozen=True, slots=True)
class Binding:
    """A registered Contact, its connection's number, and when it runs out (s)."""

    contact: NameAddr
    connection: int
    expires_at: float


class Registrar:
    """Answers REGISTER requests whose sender was authenticated as `user`."""

    def __init__(self) -> None:
        self._bindings: dict[str, Binding] = {}

    def find(self, user: str, now: float) -> Binding | None:
        """The live binding of `user`."""
        binding = self._bindings.get(user)
        return binding if binding is not None and binding.expires_at > now else None

    def drop_connection(self, connection: int) -> None:
        """The connection is gone, and with it everyone who was reached through it."""
        self._bindings = {
            user: each for user, each in self._bindings.items() if each.connection != connection
        }

    def register(self, request: Request, user: str, connection: int, now: float) -> Response:
        """The answer to an authenticated REGISTER of `user`."""
        to = request.to.uri
        if not isinstance(to, SipUri) or to.user != user:
            return response_to(request, 403)
        contacts = request.contacts
        if isinstance(contacts, Star):
            self._bindings.pop(user, None)
            return response_to(request, 200)
        for contact in contacts:
            asked = _expires(contact, request)
            if asked == 0:
                kept = self._bindings.get(user)
                if kept is not None and str(kept.contact.uri) == str(contact.uri):
                    del self._bindings[user]
            elif asked < SHORTEST_S:
                return response_to(request, 423, headers=[("Min-Expires", str(SHORTEST_S))])
            else:
                granted = min(asked, LONGEST_S)
                self._bindings[user] = Binding(contact, connection, now + granted)
        binding = self.find(user, now)
        listed = []
        if binding is not None:
            left = str(round(binding.expires_at - now))
            listed.append(("Contact", str(binding.contact.with_parameter("expires", left))))
        return response_to(request, 200, headers=listed)


def _expires(contact: NameAddr, request: Request) -> int:
    own = contact.parameter("expires")
    if own is not None and own.isascii() and own.isdecimal():
        return min(int(own[:9]), LONGEST_S)
    return LONGEST_S if request.expires is None else request.expires
