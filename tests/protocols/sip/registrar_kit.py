"""A registrar in virtual time, and a loop that lets a registration live with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.protocols.sip.account_kit import AOR

from offhook.base.randomness import SeededRandomness
from offhook.protocols.sip.digest import DigestClient
from offhook.protocols.sip.digest_server import DigestVerifier, NotVerified
from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.registration import (
    Registration,
    RegistrationEvent,
    RegistrationPolicy,
)
from offhook.protocols.sip.uri import SipUri
from offhook.protocols.sip.values import NameAddr, Star

Answer = Callable[[Request, float], Response | None]


def contact(port: int = 40001, host: str = "192.0.2.7") -> NameAddr:
    return NameAddr("", SipUri("sip", "u7f3a", host, port, (("transport", "tls"),)))


@dataclass
class Registrar:
    """Holds bindings as RFC 3261 §10.3 asks; `grant` is what it makes of an asked interval."""

    grant: Callable[[int], int] = lambda asked: asked
    verifier: DigestVerifier | None = None
    min_expires: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    bindings: dict[str, tuple[float, str]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __call__(self, request: Request, now: float) -> Response:
        self.requests.append(request)
        if self.verifier is not None:
            outcome = self.verifier.verify(request, now)
            if isinstance(outcome, NotVerified):
                value = self.verifier.challenge(now, stale=outcome.stale)
                return response_to(request, 401, headers=[("WWW-Authenticate", value)])
        contacts = request.contacts
        assert not isinstance(contacts, Star)
        asked = [(each, self._asked(request, each)) for each in contacts]
        if any(0 < expires < self.min_expires for _, expires in asked):
            return response_to(request, 423, headers=[("Min-Expires", str(self.min_expires))])
        for each, expires in asked:
            granted = self.grant(expires) if expires else 0
            self.bindings[str(each.uri)] = (now + granted, request.call_id)
        self.bindings = {uri: held for uri, held in self.bindings.items() if held[0] > now}
        listed = [
            ("Contact", f"<{uri}>;expires={round(until - now)}")
            for uri, (until, _) in self.bindings.items()
        ]
        return response_to(request, 200, to_tag="r", headers=[*listed, *self.headers])

    @staticmethod
    def _asked(request: Request, each: NameAddr) -> int:
        own = each.parameter("expires")
        return int(own) if own is not None else int(request.headers.get("Expires") or 0)


def make_registration(
    digest: DigestClient | None = None, policy: RegistrationPolicy | None = None, seed: str = "r"
) -> Registration:
    return Registration(
        AOR, digest, SeededRandomness(seed), policy, headers=[("User-Agent", "Offhook/1")]
    )


def events(registration: Registration) -> list[RegistrationEvent]:
    found = []
    while (event := registration.next_event()) is not None:
        found.append(event)
    return found


@dataclass
class Life:
    """Runs a registration against `answer` in virtual time; an answer of None is a time-out."""

    registration: Registration
    answer: Answer
    now: float = 0.0
    round_trip_s: float = 0.05
    timeout_s: float = 32.0
    sent: list[tuple[float, Request]] = field(default_factory=list)
    events: list[tuple[float, RegistrationEvent]] = field(default_factory=list)

    def flow(self, port: int = 40001, *, other_server: bool = False) -> None:
        self.registration.flow_opened(contact(port), self.now, other_server=other_server)
        self.settle()

    def settle(self) -> None:
        """Send and answer until nothing more is due at this moment."""
        for _ in range(100):
            request = self.registration.next_request(self.now)
            if request is None:
                break
            self.sent.append((self.now, request))
            response = self.answer(request, self.now)
            if response is None:
                self.now += self.timeout_s
                self.registration.failed("timer F", self.now)
            else:
                self.now += self.round_trip_s
                self.registration.response(response, self.now)
            self._collect()
        else:
            raise AssertionError("the registration does not come to rest")
        self._collect()

    def until(self, end: float) -> None:
        """Let time pass."""
        while (deadline := self.registration.deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.registration.tick(self.now)
            self.settle()
        self.now = max(self.now, end)

    def _collect(self) -> None:
        self.events += [(self.now, event) for event in events(self.registration)]

    def kinds(self) -> list[str]:
        return [type(event).__name__ for _, event in self.events]


def refuse(status: int, **headers: str) -> Answer:
    """Answers everything with `status`; an underscore in a keyword stands for a hyphen."""
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda request, _: response_to(request, status, headers=fields)


def live(answer: Answer, policy: RegistrationPolicy | None = None, seed: str = "r") -> Life:
    """A registration whose first flow is open."""
    life = Life(make_registration(policy=policy, seed=seed), answer)
    life.flow()
    return life
