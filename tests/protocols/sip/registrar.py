"""A registrar and proxyless trunk for one phone: digest is demanded for REGISTER and INVITE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.protocols.sip.link import ANSWER, Link, identity

from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.sip.agent import UserAgent
from offhook.protocols.sip.agent_events import AgentEvent, IncomingCall, RequestReceived
from offhook.protocols.sip.digest import DigestClient
from offhook.protocols.sip.digest_server import DigestVerifier, Verified
from offhook.protocols.sip.message import Request, response_to
from offhook.protocols.sip.registration import RegistrationPolicy

if TYPE_CHECKING:
    from offhook.protocols.sip.values import NameAddr

PASSWORD = "correct horse"


class Trunk:
    """The far side of a Link: takes registrations, and calls once they carry credentials."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.challenges = True
        self.answers = True
        self.bindings: list[NameAddr] = []
        self._verifier = DigestVerifier(
            "example.net",
            lambda user: Secret(PASSWORD) if user == "alice" else None,
            SeededRandomness("verifier"),
        )
        link.b.on_event = self._event

    def _refused(self, request: Request) -> list[tuple[str, str]]:
        if not self.challenges:
            return []
        if isinstance(self._verifier.verify(request, self.link.now), Verified):
            return []
        return [("WWW-Authenticate", self._verifier.challenge(self.link.now))]

    def _event(self, event: AgentEvent) -> None:
        if isinstance(event, IncomingCall):
            headers = self._refused(event.invite.request)
            if headers:
                event.invite.reject(401, None, self.link.now, headers)
            elif self.answers:
                event.invite.accept(ANSWER, self.link.now)
        elif isinstance(event, RequestReceived):
            headers = self._refused(event.request)
            status = 401 if headers else 200
            contacts = event.request.contacts
            if not headers and isinstance(contacts, list):
                kept = [c for c in contacts if c.parameter("expires") != "0"]
                self.bindings = [] if event.request.expires == 0 else kept
                headers = [
                    ("Contact", str(contact.with_parameter("expires", "600")))
                    for contact in self.bindings
                ]
            response = response_to(event.request, status, to_tag=event.to_tag, headers=headers)
            self.link.b.agent.respond(event.transaction, response, self.link.now)


def registered_phone(password: str = PASSWORD) -> tuple[Link, Trunk]:
    """A phone that registers with digest at a trunk; the flow isn't open yet."""
    digest = DigestClient(
        "alice", Secret(password), "example.net", randomness=SeededRandomness("digest")
    )
    phone = UserAgent(
        identity("alice"),
        digest,
        SeededRandomness("phone"),
        registration=RegistrationPolicy(expires_s=600),
    )
    far = UserAgent(identity("trunk"), None, SeededRandomness("far"), surfaced=["REGISTER"])
    link = Link(phone, far)
    return link, Trunk(link)
