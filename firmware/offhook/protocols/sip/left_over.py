"""RFC 3261 §15.1.1: a dialog of an earlier run of ours, in which only the BYE is left to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.protocols.sip.core import Core
from offhook.protocols.sip.in_dialog import DialogUsage
from offhook.protocols.sip.message import response_to
from offhook.protocols.sip.values import Reason

if TYPE_CHECKING:
    from offhook.protocols.sip.dialog import Dialog
    from offhook.protocols.sip.endpoint_events import RequestReceived
    from offhook.protocols.sip.message import Request

WHY: Final = Reason("SIP", 500, "the telephone was started anew")
"""RFC 3326: nobody hung up."""


class LeftOverDialog:
    """One dialog whose call nobody is in any more; it has the shape of a call, and no events.

    As soon as requests of ours may go out a BYE does, again on each further flow until it is
    answered. Nothing else is said in it.
    """

    def __init__(self, core: Core, dialog: Dialog) -> None:
        self.dialog = dialog
        self._core = core
        self._usage = DialogUsage(
            core,
            dialog,
            lambda _event: None,
            lambda _ended, _now: None,
            call_id_is_ours=True,
            gate=None,
        )

    @property
    def open_dialogs(self) -> tuple[Dialog, ...]:
        """The dialog, until the peer has let go of it."""
        return () if self.finished else (self.dialog,)

    @property
    def finished(self) -> bool:
        """Whether the BYE is answered, or the peer has hung up itself."""
        return self._usage.finished

    def flow_opened(self, now: float) -> None:
        """Requests of ours may go out."""
        if self._usage.over:
            self._usage.flow_opened(now)
        else:
            self._usage.hang_up(now, [("Reason", str(WHY))])

    def owns(self, request: Request) -> bool:
        """Whether a request of the peer's belongs to it."""
        return self._usage.dialog.matches(request)

    def receive(self, event: RequestReceived, now: float) -> None:
        """A request in it: a BYE ends it, everything else comes too late (481)."""
        if event.request.method == "BYE":
            self._usage.receive(event, now)
        else:
            response = response_to(event.request, 481, to_tag=event.to_tag)
            self._core.respond(event.transaction, response, now)

    def acknowledged(self, ack: Request, now: float) -> None:
        """An ACK in it: nothing waits for one."""

    def cancelled(self, transaction: str, reason: str, now: float) -> bool:  # noqa: ARG002  # a call's shape
        """A CANCEL is never for it."""
        return False

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        return self._usage.deadline()

    def tick(self, now: float) -> None:
        """Let everything happen whose time has come."""
        self._usage.tick(now)
