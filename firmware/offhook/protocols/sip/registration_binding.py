"""Our Contact on the flow that is open, and that of a flow that died (RFC 3261 §10.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.protocols.sip.uri import same_uri

if TYPE_CHECKING:
    from offhook.protocols.sip.values import NameAddr


class OwnBinding:
    """What the registrar holds of us, as far as we know. Times are in s on the monotonic clock."""

    def __init__(self) -> None:
        self.contact: NameAddr | None = None
        self.until: float | None = None
        self._dead: tuple[NameAddr, float] | None = None

    def open(self, contact: NameAddr) -> None:
        """A flow with this Contact is up; nothing is bound yet."""
        self.contact = contact

    def lose(self) -> None:
        """The flow is gone; what the registrar holds for it stays there until it runs out."""
        if self.contact is not None and self.until is not None:
            self._dead = (self.contact, self.until)
        self.contact = None

    def hold(self, until: float) -> None:
        """The registrar holds our Contact, and dropped the dead one if it was asked to."""
        self.until = until
        self._dead = None

    def drop(self) -> bool:
        """There is no binding any more; whether there was one."""
        held = self.until is not None
        self.until = None
        return held

    def with_dead(self, contact: NameAddr, now: float) -> list[NameAddr]:
        """`contact`, and with `expires=0` the dead one if the registrar still holds it."""
        if self._dead is not None:
            dead, until = self._dead
            if until > now and not same_uri(dead.uri, contact.uri):
                return [contact, dead.with_parameter("expires", "0")]
        return [contact]
