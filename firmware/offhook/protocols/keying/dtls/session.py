"""A call's DTLS-SRTP associations, one after the other (RFC 8842 §3 and §5, RFC 5763 §6.6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.agreed import Agreed, asks_for_new
from offhook.protocols.keying.dtls.association import PATIENCE_S, DtlsAssociation
from offhook.protocols.keying.dtls.events import DtlsClosed, DtlsEvent, DtlsKeysReady
from offhook.protocols.keying.dtls.identity import DtlsIdentity
from offhook.protocols.keying.dtls.profiles import PROFILES
from offhook.protocols.keying.dtls.records import split_records
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.srtp_keys import CryptoSuite

MOST_STRANGERS: Final = 8
"""Failed handshakes before the answer, after each of which one listens again."""


class DtlsSession:
    """Keeps the association that has keys until the next one has its own.

    The last DtlsKeysReady counts. DtlsFailed of a next association leaves the one before as it
    is: what becomes of the call is the owner's decision.
    """

    def __init__(
        self,
        identity: DtlsIdentity,
        *,
        suites: Sequence[CryptoSuite] = PROFILES,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._identity = identity
        self._suites = suites
        self._patience_s = patience_s
        self._agreed: Agreed | None = None
        self._pending: Agreed | None = None
        self._current: DtlsAssociation | None = None
        self._next: DtlsAssociation | None = None
        self._outgoing: list[bytes] = []
        self._events: deque[DtlsEvent] = deque()
        self._closed = False
        self._strangers = 0

    @property
    def role(self) -> Role | None:
        """Our role as last agreed on: the one to keep in a later offer and answer."""
        agreed = self._pending or self._agreed
        return None if agreed is None else agreed.role

    def await_peer(self, now: float) -> None:
        """Our offer (actpass) is out: the peer's ClientHello may come before its answer does.

        Nothing changes where an association is already there.
        """
        if self._current is None and not self._closed:
            self._current = self._begin(Role.PASSIVE, now)

    def agree(self, agreed: Agreed, now: float) -> None:
        """An offer is answered. Goes on as before, or begins anew, as RFC 8842 has it.

        LocalError without a fingerprint, or after `close`.
        """
        if self._closed:
            raise LocalError("the session is closed")
        if not agreed.fingerprints:
            raise LocalError("an association needs a fingerprint to hold against")
        current, pending = self._current, self._pending
        if current is None or not current.alive or self._agreed is None:
            self._agree_first(agreed, now)
        elif not asks_for_new(self._agreed, agreed):
            # Back to what stands, if it ever was to be left.
            self._agreed, self._pending, self._next = agreed, None, None
        elif pending is None or asks_for_new(pending, agreed):
            self._next = self._begin(agreed.role, now, agreed)
            self._pending = agreed
        self._settle(now)

    def _agree_first(self, agreed: Agreed, now: float) -> None:
        listening = self._current if self._agreed is None else None
        self._agreed, self._pending, self._next = agreed, None, None
        if listening is not None and listening.alive and agreed.role is Role.PASSIVE:
            listening.set_remote(agreed.fingerprints, now)
        else:
            self._current = self._begin(agreed.role, now, agreed)

    def _begin(self, role: Role, now: float, agreed: Agreed | None = None) -> DtlsAssociation:
        association = DtlsAssociation(
            self._identity, role, suites=self._suites, patience_s=self._patience_s
        )
        if agreed is not None:
            association.set_remote(agreed.fingerprints, now)
        association.start(now)
        return association

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take one DTLS datagram; it never raises.

        What is in clear belongs to the handshake that goes on; what is encrypted is tried by
        both, for only one can open it.
        """
        records = split_records(data)
        if self._next is not None:
            self._next.receive_datagram(data, now)
        if self._current is not None and (self._next is None or (records and records[0].epoch)):
            self._current.receive_datagram(data, now)
        self._settle(now)

    def retry(self, now: float) -> None:
        """The other side is ready now (the answer came, or its ACK): repeat at once."""
        for each in self._associations():
            each.retry(now)
        self._settle(now)

    def close(self, now: float) -> None:
        """End everything; DtlsClosed follows if an association was there."""
        self._closed = True
        for each in self._associations():
            each.close(now)
        self._settle(now)

    def deadline(self) -> float | None:
        """When `tick` has something to do, None if never."""
        times = [each.deadline() for each in self._associations()]
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Let time act."""
        for each in self._associations():
            each.tick(now)
        self._settle(now)

    def datagrams_to_send(self) -> list[bytes]:
        """Datagrams of at most 1,200 octets; given once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def next_event(self) -> DtlsEvent | None:
        """The next thing to report, oldest first."""
        return self._events.popleft() if self._events else None

    def _associations(self) -> list[DtlsAssociation]:
        return [each for each in (self._current, self._next) if each is not None]

    def _settle(self, now: float) -> None:
        for each in self._associations():
            self._outgoing += each.datagrams_to_send()
            while (event := each.next_event()) is not None:
                self._hear(each, event, now)

    def _hear(self, source: DtlsAssociation, event: DtlsEvent, now: float) -> None:
        if source is self._next:
            if isinstance(event, DtlsKeysReady):
                self._replace(now)
            else:
                self._next = self._pending = None
        elif self._closed:
            pass
        elif self._agreed is None:
            self._listen_again(now)
            return
        elif self._next is not None and isinstance(event, DtlsClosed):
            return  # it was to be left anyway
        self._events.append(event)

    def _listen_again(self, now: float) -> None:
        """Who has failed before the answer may have been anybody: nothing is told."""
        self._strangers += 1
        self._current = self._begin(Role.PASSIVE, now) if self._strangers < MOST_STRANGERS else None

    def _replace(self, now: float) -> None:
        """The old one leaves without being told: its keys are no longer what counts."""
        if self._current is not None:
            self._current.close(now)
            self._outgoing += self._current.datagrams_to_send()
        self._current, self._next = self._next, None
        self._agreed, self._pending = self._pending, None
