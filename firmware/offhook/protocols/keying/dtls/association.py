"""One DTLS-SRTP association, from the first ClientHello to close_notify (RFC 5763 §5, RFC 5764).

Time is passed in; OpenSSL alone counts by a clock of its own when it repeats a flight, and what
it says of that becomes part of the deadline.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.events import (
    DtlsClosed,
    DtlsEvent,
    DtlsFailed,
    DtlsFault,
    DtlsKeysReady,
)
from offhook.protocols.keying.dtls.fingerprint import Fingerprint, match_fingerprint
from offhook.protocols.keying.dtls.identity import DtlsIdentity
from offhook.protocols.keying.dtls.intake import Intake
from offhook.protocols.keying.dtls.openssl import Endpoint, Progress
from offhook.protocols.keying.dtls.outlet import Outlet
from offhook.protocols.keying.dtls.profiles import PROFILES, KeyPair
from offhook.protocols.keying.dtls.records import BAD_CERTIFICATE, Record
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.dtls.states import (
    ASSOCIATION,
    DtlsAction,
    DtlsInput,
    DtlsState,
)
from offhook.protocols.keying.srtp_keys import CryptoSuite

PATIENCE_S: Final = 15.0
"""From when both the start and the peer's fingerprint are there until keys must be."""

MOST_BEGINNINGS: Final = 8
"""ClientHellos with a new random that a passive side takes up; it keeps to the last."""

_S, _I, _A = DtlsState, DtlsInput, DtlsAction
_DONE: Final = (_S.HELD, _S.KEYED)
_DEAF: Final = (_S.IDLE, _S.FAILED, _S.CLOSED)


class DtlsAssociation:
    """One association on one path: datagrams, fingerprints and `now` in; datagrams, events out.

    A passive one can be started with the offer, before the peer's answer is known: it completes
    the handshake with whoever comes, and hands out no key before `set_remote` has named the
    fingerprint. Until then nothing is repeated by the clock: the address of whoever comes may be
    forged, and is sent less than four octets for each of its own. Only datagrams that are DTLS
    belong here (`demultiplex`).
    """

    def __init__(
        self,
        identity: DtlsIdentity,
        role: Role,
        *,
        suites: Sequence[CryptoSuite] = PROFILES,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.role: Final = role
        self._identity = identity
        self._suites = suites
        self._patience_s = patience_s
        self._state = _S.IDLE
        self._remote: tuple[Fingerprint, ...] | None = None
        self._give_up: float | None = None
        self._endpoint: Endpoint | None = None
        self._openssl_due: float | None = None
        self._intake = Intake(role)
        self._outlet = Outlet()
        self._hello: bytes | None = None
        self._beginnings = 0
        self._certificate: bytes | None = None
        self._held: KeyPair | None = None
        self._matched: Fingerprint | None = None
        self._events: deque[DtlsEvent] = deque()
        self._fault = DtlsFault("", "")
        self._closed_by_peer = False

    @property
    def state(self) -> DtlsState:
        """Where the association stands."""
        return self._state

    @property
    def alive(self) -> bool:
        """Whether it has neither failed nor been closed."""
        return self._state not in (_S.FAILED, _S.CLOSED)

    @property
    def ignored(self) -> int:
        """Datagrams and records that were dropped unread."""
        return self._intake.ignored

    def start(self, now: float) -> None:
        """Send the ClientHello, or listen for one. LocalError if the identity can't be used."""
        active = self.role is Role.ACTIVE
        self._step(_I.START_ACTIVE if active else _I.START_PASSIVE, now)
        self._be_patient(now)

    def set_remote(self, fingerprints: Sequence[Fingerprint], now: float) -> None:
        """What the peer's SDP announced; one of its strongest hash must match.

        LocalError where it is empty, or where another set is already known: that is a new
        association (RFC 8842 §4).
        """
        announced = tuple(fingerprints)
        if not announced:
            raise LocalError("an association needs a fingerprint to hold against")
        if self._remote is not None:
            if set(self._remote) != set(announced):
                raise LocalError("other fingerprints belong to another association")
            return
        self._remote = announced
        self._beginnings = 0
        self._be_patient(now)
        if self._state is _S.HELD:
            self._judge_finished(now)
        elif self._certificate is not None:
            self._attempt(lambda _: self._check_shown(), now)

    def _be_patient(self, now: float) -> None:
        if self._give_up is None and self._remote is not None and self._state is not _S.IDLE:
            self._give_up = now + self._patience_s

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take one DTLS datagram. Whatever it holds, this never raises."""
        if self._state in _DEAF:
            return
        records = self._intake.records(data, now)
        if records:
            self._attempt(lambda when: self._take(records, when), now)

    def _take(self, records: list[Record], now: float) -> None:
        admitted = [record for record in records if self._admit(record, now)]
        self._intake.ignored += len(records) - len(admitted)
        if not admitted or self._endpoint is None:
            return
        self._endpoint.feed(b"".join(record.octets for record in admitted))
        finished_before = self._state in _DONE
        written = self._advance(now)
        in_clear = any(record.in_clear for record in admitted)
        if finished_before and in_clear and not written and self.role is Role.PASSIVE:
            # The peer has not heard the end of the handshake: to OpenSSL a repetition with the
            # old record numbers is nothing but a replay.
            self._outlet.repeat()

    def _admit(self, record: Record, now: float) -> bool:
        """Whether OpenSSL is to see a record; DtlsFault where it ends the handshake."""
        if not record.in_clear:
            return record.sealable and self._endpoint is not None
        sight = self._intake.look(record)
        if sight is None:
            return False
        if self._state in _DONE:
            return True
        if sight.hello is not None:
            self._greet(sight.hello, now)
        if sight.certificate is not None:
            self._see(sight.certificate)
        return self._state is _S.SHAKING

    def _greet(self, random: bytes, now: float) -> None:
        if random == self._hello or self._certificate is not None:
            return
        if self._beginnings < MOST_BEGINNINGS:
            self._beginnings += 1
            self._hello = random
            self._step(_I.HELLO if self._state is _S.LISTENING else _I.OTHER_HELLO, now)

    def _see(self, certificate: bytes) -> None:
        if self._endpoint is None or self._certificate is not None:
            return
        self._certificate = certificate
        self._check_shown()
        self._endpoint.trust(certificate)

    def _check_shown(self) -> None:
        if self._remote is None or self._certificate is None:
            return
        if match_fingerprint(self._certificate, self._remote) is None:
            self._outlet.refuse(BAD_CERTIFICATE)
            raise DtlsFault("fingerprint", "its certificate is not the one that it announced")

    def _advance(self, now: float) -> bool:
        """Let OpenSSL work and act on it; whether it wrote anything."""
        if self._endpoint is None:
            return False
        progress = Progress.UNFINISHED
        try:
            progress = self._endpoint.advance()
        finally:
            written = self._write(now)
        if self._state is _S.SHAKING and progress is Progress.FINISHED:
            self._finish(now)
        elif progress is Progress.CLOSED:
            self._closed_by_peer = True
            self._fault = DtlsFault("closed", "it ended the association before there were keys")
            self._step(_I.PEER_CLOSES, now)
        return written

    def _finish(self, now: float) -> None:
        if self._endpoint is None:
            return
        self._held = self._endpoint.keys()
        self._certificate = self._endpoint.peer_certificate()
        self._outlet.rest()
        if self._remote is None:
            self._step(_I.UNVOUCHED, now)
        else:
            self._judge_finished(now)

    def _judge_finished(self, now: float) -> None:
        """The check that counts: the certificate whose key took part in the handshake."""
        self._matched = match_fingerprint(self._certificate or b"", self._remote or ())
        if self._matched is None:
            self._fail("fingerprint", "its certificate is not the one that it announced", now)
        else:
            self._step(_I.VOUCHED, now)

    def retry(self, now: float) -> None:
        """The other side is ready now: what an answer is owed to goes out at once."""
        if self._state is _S.SHAKING:
            self._outlet.retry(now)

    def close(self, now: float) -> None:
        """End it: close_notify goes out, keys are not to be used any more."""
        self._step(_I.CLOSE, now)

    @property
    def _is_timeless(self) -> bool:
        stranger = self._remote is None and self.role is Role.PASSIVE
        return stranger or self._state in _DEAF

    def deadline(self) -> float | None:
        """When `tick` has something to do, None if never."""
        if self._is_timeless:
            return None
        times = [self._openssl_due, self._outlet.due]
        if self._state not in _DONE:
            times.append(self._give_up)
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Let time act."""
        if self._is_timeless:
            return
        if self._state not in _DONE and self._give_up is not None and now >= self._give_up:
            self._fault = self._silence()
            self._step(_I.PATIENCE_ENDS, now)
            return
        self._outlet.expire(now)
        if self._openssl_due is not None and now >= self._openssl_due:
            self._attempt(self._repeat, now)

    def _repeat(self, now: float) -> None:
        if self._endpoint is not None and self._endpoint.repeat():
            self._outlet.write_again(self._endpoint.take_output())
        self._ask_openssl(now)

    def _silence(self) -> DtlsFault:
        if self._intake.clash:
            return DtlsFault("role", "both sides begin: it sends a ClientHello too")
        if self._state is _S.LISTENING:
            return DtlsFault("silent", "it never began the handshake")
        return DtlsFault("unanswered", "it didn't complete the handshake in time")

    def datagrams_to_send(self) -> list[bytes]:
        """Datagrams of at most 1,200 octets; given once."""
        return self._outlet.take()

    def next_event(self) -> DtlsEvent | None:
        """The next thing to report, oldest first."""
        return self._events.popleft() if self._events else None

    def _write(self, now: float) -> bool:
        if self._endpoint is None:
            return False
        written = self._outlet.write(self._endpoint.take_output(), now)
        self._ask_openssl(now)
        return written

    def _ask_openssl(self, now: float) -> None:
        left = None if self._endpoint is None else self._endpoint.timeout()
        self._openssl_due = None if left is None else now + left

    def _attempt(self, what: Callable[[float], None], now: float) -> None:
        try:
            what(now)
        except DtlsFault as fault:
            self._fail(fault.rule, fault.reason, now)

    def _fail(self, rule: str, reason: str, now: float) -> None:
        self._fault = DtlsFault(rule, reason)
        if self._state is _S.KEYED and rule == "alert":
            self._closed_by_peer = True
            self._step(_I.PEER_CLOSES, now)
        else:
            self._step(_I.FAULT, now)

    def _step(self, what: DtlsInput, now: float) -> None:
        reached = ASSOCIATION.get((self._state, what))
        if reached is None:
            return
        self._state = reached.state
        for action in reached.actions:
            self._act(action, now)

    def _act(self, action: DtlsAction, now: float) -> None:
        match action:
            case _A.BEGIN:
                self._endpoint = Endpoint(self._identity, self.role, self._suites)
                self._intake.begin_anew()
                if self.role is Role.ACTIVE:
                    self._advance(now)
            case _A.HAND_OUT:
                self._hand_out()
            case _A.SAY_GOODBYE:
                if self._endpoint is not None:
                    self._endpoint.close()
                    self._outlet.write(self._endpoint.take_output(), now)
            case _A.LET_GO:
                self._endpoint = None
                self._held = None
                self._openssl_due = None
                self._outlet.forget()
            case _A.TELL_FAILED:
                self._events.append(DtlsFailed(self._fault.rule, self._fault.reason))
            case _A.TELL_CLOSED:
                self._events.append(DtlsClosed(self._closed_by_peer))

    def _hand_out(self) -> None:
        if self._held is None or self._matched is None:
            raise LocalError("there are no keys to be handed out")
        pair, self._held = self._held, None
        self._events.append(DtlsKeysReady(pair.send, pair.receive, self._matched))
