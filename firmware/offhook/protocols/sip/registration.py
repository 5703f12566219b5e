"""Keeping one binding alive at the registrar (RFC 3261 §10.2, RFC 5626 §4.2 and §4.5)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from offhook.base.errors import PeerError
from offhook.protocols.sip.digest import DigestClient, DigestRefused
from offhook.protocols.sip.registration_answer import (
    FAIL_OVER,
    MAY_WORK_LATER,
    Binding,
    flow_timer,
    min_expires,
    own_binding,
    requires_outbound,
)
from offhook.protocols.sip.registration_binding import OwnBinding
from offhook.protocols.sip.registration_events import (
    Registered,
    RegistrationEvent,
    RegistrationFailed,
    RegistrationPolicy,
    Unregistered,
)
from offhook.protocols.sip.registration_request import RegisterRequests
from offhook.protocols.sip.registration_states import (
    REGISTRATION,
    RegistrationAction,
    RegistrationInput,
    RegistrationState,
)
from offhook.protocols.sip.registration_waits import RegistrationWaits
from offhook.protocols.sip.uri import SipUri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.base.randomness import Randomness
    from offhook.protocols.sip.message import Request, Response
    from offhook.protocols.sip.values import NameAddr

__all__ = [
    "Registered",
    "Registration",
    "RegistrationEvent",
    "RegistrationFailed",
    "RegistrationPolicy",
    "RegistrationState",
    "Unregistered",
]

MOST_INTERVALS: Final = 2
"""423s that are followed between two successes."""

_S: TypeAlias = RegistrationState
_I: TypeAlias = RegistrationInput
_A: TypeAlias = RegistrationAction


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a step is about: a sentence, the response it came with, the binding found in it."""

    reason: str = ""
    response: Response | None = None
    binding: Binding | None = None


class Registration:
    """One account's registration, over one flow after the other.

    The owner says what becomes of flows (`flow_opened`, `flow_lost`), sends what `next_request`
    hands out in a transaction of its own, and feeds back the final response (`response`) or the
    reason why none came (`failed`). `digest` hears from here what its flow is worth: nobody else
    has to tell it.
    """

    def __init__(
        self,
        aor: SipUri,
        digest: DigestClient | None,
        randomness: Randomness,
        policy: RegistrationPolicy | None = None,
        *,
        registrar: SipUri | None = None,
        display_name: str = "",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._policy = policy or RegistrationPolicy()
        self._requests = RegisterRequests(
            aor, randomness, registrar=registrar, display_name=display_name, headers=headers
        )
        self._digest = digest
        self._waits = RegistrationWaits(self._policy, randomness)
        self._expires_s = self._policy.expires_s
        self._intervals = 0
        self._wanted = True
        self._state = _S.OFFLINE
        self._own = OwnBinding()
        self._prepared: Request | None = None
        self._sent: Request | None = None
        self._timer: float | None = None
        self._retry_at: float | None = None
        self._events: deque[RegistrationEvent] = deque()

    @property
    def state(self) -> RegistrationState:
        """Where the registration stands."""
        return self._state

    @property
    def registered(self) -> bool:
        """Whether the registrar holds a binding for the flow that is open."""
        return self._own.until is not None

    def flow_opened(self, contact: NameAddr, now: float, *, other_server: bool = False) -> None:
        """A verified flow is up; `contact` has its local address and port.

        A wait after a failure goes on, unless the flow goes to another server than the one that
        failed (RFC 3263 §4.3).
        """
        if self._own.contact is not None:
            self.flow_lost("another flow took its place", now)
        self._own.open(contact)
        if self._digest is not None:
            self._digest.flow_opened()
        if other_server:
            self._retry_at = None
        if not self._wanted:
            self._step(_I.FLOW_UNWANTED, now)
        elif self._retry_at is not None and self._retry_at > now:
            self._step(_I.FLOW_EARLY, now)
        else:
            self._step(_I.FLOW_OPENED, now)

    def flow_lost(self, reason: str, now: float) -> None:
        """The flow is gone, and what was sent on it with it."""
        self._own.lose()
        if self._digest is not None:
            self._digest.flow_lost()
        self._step(_I.FLOW_LOST, now, _Outcome(reason))

    def register(self, now: float) -> None:
        """Want a binding, as is so from the start."""
        self._wanted = True
        self._step(_I.WANTED, now)

    def unregister(self, now: float) -> None:
        """Remove the binding and want none."""
        self._wanted = False
        self._step(_I.UNWANTED, now)

    def next_request(self, now: float) -> Request | None:
        """The REGISTER to send now, None if there is none. Ask after every input and tick."""
        contact = self._own.contact
        if self._state not in (_S.DUE, _S.LEAVING) or contact is None:
            return None
        request = self._prepared or self._build(contact, now)
        self._prepared, self._sent = None, request
        self._requests.sent(request)
        self._step(_I.SENT, now)
        return request

    def response(self, response: Response, now: float) -> None:
        """The answer to what `next_request` handed out; anything else changes nothing."""
        sent = self._sent
        if sent is None or response.status < 200 or not _belongs(response, sent):
            return
        self._sent = None
        if response.status < 300:
            self._succeeded(sent, response, now)
        elif response.status in (401, 407):
            self._challenged(sent, response, now)
        elif response.status == 423:
            self._too_brief(response, now)
        else:
            what = _I.FAILED if response.status in MAY_WORK_LATER else _I.REFUSED
            self._step(what, now, _Outcome(response.reason or "refused", response))

    def failed(self, reason: str, now: float) -> None:
        """No answer came: the transaction timed out or could not be sent."""
        if self._sent is not None:
            self._sent = None
            self._step(_I.FAILED, now, _Outcome(reason))

    def next_event(self) -> RegistrationEvent | None:
        """The next thing to report, oldest first."""
        return self._events.popleft() if self._events else None

    def deadline(self) -> float | None:
        """When `tick` has something to do, None if never."""
        times = [time for time in (self._timer, self._own.until) if time is not None]
        return min(times, default=None)

    def tick(self, now: float) -> None:
        """Let time act."""
        if self._own.until is not None and self._own.until <= now:
            self._unbind("the binding ran out before it was refreshed")
        if self._timer is not None and self._timer <= now:
            self._timer = self._retry_at = None
            self._step(_I.TIMER, now)

    def _build(self, contact: NameAddr, now: float) -> Request:
        if self._state is _S.LEAVING:
            request = self._requests.build([contact], 0)
        elif self._policy.replace_binding:
            request = self._requests.build(self._own.with_dead(contact, now), self._expires_s)
        else:
            request = self._requests.build([contact], self._expires_s)
        return request if self._digest is None else self._digest.preempt(request)

    def _succeeded(self, sent: Request, response: Response, now: float) -> None:
        if self._digest is not None:
            self._digest.answered(sent, response)
        contact = self._own.contact
        if self._state is not _S.PENDING or contact is None:
            self._step(_I.ACCEPTED, now, _Outcome("unregistered", response))
            return
        binding = own_binding(response, contact, self._expires_s)
        if binding is not None:
            self._step(_I.ACCEPTED, now, _Outcome("registered", response, binding))
            return
        reason = "the registrar's answer doesn't list our binding"
        self._unbind(reason)
        self._step(_I.FAILED, now, _Outcome(reason, response))

    def _challenged(self, sent: Request, response: Response, now: float) -> None:
        if self._digest is None:
            reason = "the registrar asks for a password and this account has none"
            self._step(_I.REFUSED, now, _Outcome(reason, response))
            return
        again = self._digest.authorize(sent, response)
        if isinstance(again, DigestRefused):
            self._step(_I.REFUSED, now, _Outcome(again.reason, response))
            return
        self._prepared = again
        self._step(_I.AGAIN, now)

    def _too_brief(self, response: Response, now: float) -> None:
        least_s = min_expires(response) or 0
        longest_s = self._policy.longest_s
        if self._expires_s < least_s <= longest_s and self._intervals < MOST_INTERVALS:
            self._intervals += 1
            self._expires_s = least_s
            self._step(_I.AGAIN, now)
            return
        reason = f"the registrar finds {self._expires_s} s too brief and asks for {least_s} s"
        self._step(_I.REFUSED, now, _Outcome(reason, response))

    def _step(self, what: _I, now: float, outcome: _Outcome | None = None) -> None:
        reached = REGISTRATION.get((self._state, what))
        if reached is None:
            return
        self._state = reached.state
        for action in reached.actions:
            self._act(action, now, outcome or _Outcome())

    def _act(self, action: _A, now: float, outcome: _Outcome) -> None:
        match action:
            case _A.HOLD_BINDING:
                self._hold_binding(now, outcome)
            case _A.START_RETRY | _A.START_LONG_RETRY:
                waits = self._waits
                wait = waits.retry if action is _A.START_RETRY else waits.retry_refused
                self._timer = self._retry_at = now + wait(outcome.response)
            case _A.RESUME_RETRY:
                self._timer = self._retry_at
            case _A.STOP_TIMER:
                self._timer = None
            case _A.DROP_REQUEST:
                self._prepared = self._sent = None
            case _A.REPORT_FAILURE:
                status = outcome.response.status if outcome.response else None
                fail_over = status is None or status in FAIL_OVER
                self._events.append(
                    RegistrationFailed(status, outcome.reason, self._retry_at, fail_over)
                )
            case _A.DROP_BINDING:
                self._unbind(outcome.reason)
            case _A.REPORT_RELEASED:
                self._unbind(outcome.reason, report=True)

    def _hold_binding(self, now: float, outcome: _Outcome) -> None:
        binding, response = outcome.binding, outcome.response
        if binding is None or response is None:
            return
        refreshed = self._own.until is not None
        self._own.hold(now + binding.expires_s)
        self._timer = now + self._waits.refresh(binding.expires_s)
        self._retry_at = None
        self._intervals = 0
        if self._digest is not None:
            self._digest.flow_registered()
        self._events.append(
            Registered(
                expires_s=float(binding.expires_s),
                contact=binding.contact,
                refreshed=refreshed,
                bindings=binding.bindings,
                flow_timer_s=flow_timer(response),
                outbound=requires_outbound(response),
            )
        )

    def _unbind(self, reason: str, *, report: bool = False) -> None:
        held = self._own.drop()
        if held and self._digest is not None:
            self._digest.flow_registered(registered=False)
        if held or report:
            self._events.append(Unregistered(reason))


def _belongs(response: Response, sent: Request) -> bool:
    try:
        return (response.call_id, response.cseq) == (sent.call_id, sent.cseq)
    except PeerError:
        return False
