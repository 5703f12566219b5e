"""RFC 3261 §12.2, §15: requests in a dialog of an INVITE usage, and its BYE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.core import SDP, Core, Outcome, Sending
from offhook.protocols.sip.endpoint_events import RequestReceived, TransactionFailed
from offhook.protocols.sip.invite_events import Ended, InviteEvent
from offhook.protocols.sip.message import Response, response_to
from offhook.protocols.sip.session_changes import SessionChanges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.protocols.sip.dialog import Dialog

BYE_PATIENCE: Final = 300.0
"""Seconds for which a BYE waits for a flow that can carry it."""


class DialogUsage:
    """What an INVITE makes of its dialog (RFC 5057): a session, and a BYE to end it.

    `changes` holds the offers and answers. `ended` is told once, when the usage ends by itself or
    by the peer, with who and why; never after `hang_up`.
    """

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        emit: Callable[[InviteEvent], None],
        ended: Callable[[Ended, float], None],
        *,
        call_id_is_ours: bool,
        gate: int | None,
    ) -> None:
        self.dialog = dialog
        self.over = False
        self.changes = SessionChanges(
            core, dialog, emit, self._lost, call_id_is_ours=call_id_is_ours, gate=gate
        )
        self._core = core
        self._ended = ended
        self._bye_until: float | None = None
        self._bye: Sending | None = None
        self._bye_reason: tuple[tuple[str, str], ...] = ()
        self._refresh_due = False

    @property
    def finished(self) -> bool:
        """Whether the usage is over and owes the peer nothing any more."""
        return self.over and self._bye_until is None

    def receive(self, event: RequestReceived, now: float) -> None:
        """A request whose Call-ID and tags are this dialog's, and that passed §8.2's checks."""
        request = event.request
        if self.over:
            self._answer(event, 200 if request.method == "BYE" else 481, now)
            return
        try:
            self.dialog.admit(request)
        except PeerError as error:
            self._answer(event, error.status or 500, now)
            return
        if request.method == "BYE":
            self._answer(event, 200, now)
            self.close(now)
            self._ended(Ended("peer", request.headers.get("Reason") or "BYE"), now)
        elif request.method in {"INVITE", "UPDATE"}:
            self.changes.receive(event, now)
        elif request.method == "INFO":
            self._info(event, now)
        else:
            self._answer(event, 200, now, self._core.capabilities())

    def hang_up(self, now: float, headers: Iterable[tuple[str, str]] = ()) -> None:
        """End the session: BYE, now or as soon as there is a flow, for 300 s at most."""
        if self.over:
            return
        self.close(now)
        self._bye_reason = tuple(headers)
        self._bye_until = now + BYE_PATIENCE
        self._send_bye(now)

    def flow_opened(self, now: float) -> None:
        """A new flow: what is owed goes out; a live peer is told the new Contact."""
        self.changes.flow_opened(now)
        if self._bye_until is not None:
            self._send_bye(now)
        elif not self.over and self.changes.gate is None and "UPDATE" in self.dialog.peer_allows:
            self._refresh_target(now)

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        return self._bye_until if self.over else self.changes.deadline()

    def tick(self, now: float) -> None:
        """Let everything happen whose time has come."""
        if not self.over:
            self.changes.tick(now)
        elif self._bye_until is not None and now >= self._bye_until:
            self._bye_until = None

    def close(self, now: float) -> None:
        """The usage is over without a BYE of ours: nothing is proposed or accepted any more."""
        self.over = True
        self.changes.close(now)

    def _lost(self, reason: str, now: float) -> None:
        """§12.2.1.2: a dialog that the peer doesn't know any more is ended by a BYE."""
        if not self.over:
            self.hang_up(now)
            self._ended(Ended("local", reason), now)

    def _send_bye(self, now: float) -> None:
        if not self._core.ready or self._bye is not None:
            return
        request = self.dialog.make_request("BYE", self._bye_reason)
        self._bye = self._core.send(request, self._bye_outcome, now, self.dialog)

    def _bye_outcome(self, outcome: Outcome, now: float) -> None:  # noqa: ARG002  # a handler
        if isinstance(outcome, Response) and outcome.status < 200:
            return
        self._bye = None
        endpoint = self._core.endpoint
        flow_lost = endpoint is None or endpoint.closed
        if not (isinstance(outcome, TransactionFailed) and flow_lost):
            self._bye_until = None

    def _refresh_target(self, now: float) -> None:
        headers = self._core.session_headers(secure=self.dialog.secure)
        request = self.dialog.make_request("UPDATE", headers)
        self._core.send(request, self._refresh_outcome, now, self.dialog)

    def _refresh_outcome(self, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, Response):
            if 200 <= outcome.status < 300:
                self.dialog.refresh(outcome)
            elif outcome.status in {408, 481}:
                self._lost(f"the peer answered {outcome.status} {outcome.reason}", now)

    def _info(self, event: RequestReceived, now: float) -> None:
        """RFC 6086 §4.2.2: no Info Package is supported; an INFO without a body is harmless."""
        request = event.request
        if "Info-Package" in request.headers:
            self._answer(event, 469, now, [("Recv-Info", "")])
        elif request.body:
            self._answer(event, 415, now, [("Accept", SDP)])
        else:
            self._answer(event, 200, now)

    def _answer(
        self,
        event: RequestReceived,
        status: int,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        response = response_to(event.request, status, to_tag=event.to_tag, headers=headers)
        self._core.respond(event.transaction, response, now)
