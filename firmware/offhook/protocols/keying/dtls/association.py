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
from offhook.protocols.keying.dtls.openssl import Endpoint, Progress
from offhook.protocols.keying.dtls.profiles import PROFILES, KeyPair
from offhook.protocols.keying.dtls.records import (
    BAD_CERTIFICATE,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    MAX_RECEIVED,
    CertificateReader,
    Record,
    alert,
    fragments,
    pack_records,
    split_records,
)
from offhook.protocols.keying.dtls.repetition import Budget, Flight
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

MOST_WAITING: Final = 64
"""Datagrams that wait to be sent; further ones are lost, as on the way."""

_S, _I, _A = DtlsState, DtlsInput, DtlsAction
_DONE: Final = (_S.HELD, _S.KEYED)
_DEAF: Final = (_S.IDLE, _S.FAILED, _S.CLOSED)
_CLIENTS: Final = frozenset({CLIENT_HELLO, CERTIFICATE, 15, 16, 20})
_SERVERS: Final = frozenset({0, 2, 3, 4, CERTIFICATE, 12, 13, 14, 20, 22})
"""Handshake messages that each side sends (RFC 5246 §7.4, RFC 6347 §4.3.2)."""

_RANDOM: Final = slice(2, 34)


class DtlsAssociation:
    """One association on one path: datagrams, fingerprints and `now` in; datagrams, events out.

    A passive one can be started with the offer, before the peer's answer is known: it completes
    the handshake with whoever comes, and hands out no key before `set_remote` has named the
    fingerprint. Only datagrams that are DTLS belong here (`demultiplex`).
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
        self.ignored = 0
        """Datagrams and records that were dropped unread."""
        self._identity = identity
        self._suites = suites
        self._patience_s = patience_s
        self._state = _S.IDLE
        self._remote: tuple[Fingerprint, ...] | None = None
        self._give_up: float | None = None
        self._endpoint: Endpoint | None = None
        self._openssl_due: float | None = None
        self._reader = CertificateReader()
        self._hello: bytes | None = None
        self._beginnings = 0
        self._certificate: bytes | None = None
        self._held: tuple[CryptoSuite, KeyPair] | None = None
        self._matched: Fingerprint | None = None
        self._budget = Budget()
        self._flight = Flight()
        self._clash = False
        self._clear_sequence = -1
        self._outgoing: list[bytes] = []
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
    def remote(self) -> tuple[Fingerprint, ...] | None:
        """The fingerprints that the peer announced, None before they are known."""
        return self._remote

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
        if len(data) > MAX_RECEIVED or not self._budget.take(now):
            self.ignored += 1
            return
        records = split_records(data)
        if not records:
            self.ignored += 1
            return
        self._attempt(lambda when: self._take(records, when), now)

    def _take(self, records: list[Record], now: float) -> None:
        admitted = []
        for record in records:
            if self._admit(record, now):
                admitted.append(record)
            else:
                self.ignored += 1
        if not admitted or self._endpoint is None:
            return
        self._endpoint.feed(b"".join(record.octets for record in admitted))
        finished_before = self._state in _DONE
        written = self._advance(now)
        if finished_before and not written and any(record.in_clear for record in admitted):
            # The peer has not heard the end of the handshake: to OpenSSL a repetition with the
            # old record numbers is nothing but a replay.
            self._send(self._flight.again())

    def _admit(self, record: Record, now: float) -> bool:
        """Whether OpenSSL is to see a record; DtlsFault where it ends the handshake."""
        if not record.in_clear:
            return record.sealable and self._endpoint is not None
        found = fragments(record)
        if found is None:
            return False
        kinds = {each.message_type for each in found}
        if not kinds <= (_SERVERS if self.role is Role.ACTIVE else _CLIENTS):
            self._clash |= CLIENT_HELLO in kinds
            return False
        if self._state in _DONE:
            return True
        for each in found:
            if each.message_type == CLIENT_HELLO and each.offset == 0:
                self._greet(each.body[_RANDOM], now)
            elif each.message_type == CERTIFICATE and self._state is _S.SHAKING:
                self._see(self._reader.read(each))
        return self._state is _S.SHAKING

    def _greet(self, random: bytes, now: float) -> None:
        if random == self._hello or self._certificate is not None:
            return
        if self._beginnings < MOST_BEGINNINGS:
            self._beginnings += 1
            self._hello = random
            self._step(_I.HELLO if self._state is _S.LISTENING else _I.OTHER_HELLO, now)

    def _see(self, certificate: bytes | None) -> None:
        if not certificate or self._endpoint is None or self._certificate is not None:
            return
        self._certificate = certificate
        self._check_shown()
        self._endpoint.trust(certificate)

    def _check_shown(self) -> None:
        if self._remote is None or self._certificate is None:
            return
        if match_fingerprint(self._certificate, self._remote) is None:
            self._send([alert(BAD_CERTIFICATE, self._clear_sequence + 1)])
            raise DtlsFault("fingerprint", "its certificate is not the one that it announced")

    def _advance(self, now: float) -> bool:
        """Let OpenSSL work and act on it; whether it wrote anything."""
        if self._endpoint is None:
            return False
        progress = Progress.UNFINISHED
        try:
            progress = self._endpoint.advance()
        finally:
            written = self._take_output(now)
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
        self._flight.rest()
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
            self._send(self._flight.again())
            self._flight.restart(now)

    def close(self, now: float) -> None:
        """End it: close_notify goes out, keys are not to be used any more."""
        self._step(_I.CLOSE, now)

    def deadline(self) -> float | None:
        """When `tick` has something to do, None if never."""
        if self._state in _DEAF:
            return None
        times = [self._openssl_due, self._flight.due]
        if self._state not in _DONE:
            times.append(self._give_up)
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Let time act."""
        if self._state in _DEAF:
            return
        if self._state not in _DONE and self._give_up is not None and now >= self._give_up:
            self._fault = self._silence()
            self._step(_I.PATIENCE_ENDS, now)
            return
        self._send(self._flight.expire(now))
        if self._openssl_due is not None and now >= self._openssl_due:
            self._attempt(self._repeat, now)

    def _repeat(self, now: float) -> None:
        if self._endpoint is not None and self._endpoint.repeat():
            datagrams = self._pack(self._endpoint.take_output())
            self._send(datagrams)
            self._flight.repeated(datagrams)
        self._ask_openssl(now)

    def _silence(self) -> DtlsFault:
        if self._clash:
            return DtlsFault("role", "both sides begin: it sends a ClientHello too")
        if self._state is _S.LISTENING:
            return DtlsFault("silent", "it never began the handshake")
        return DtlsFault("unanswered", "it didn't complete the handshake in time")

    def datagrams_to_send(self) -> list[bytes]:
        """Datagrams of at most 1,200 octets; given once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def next_event(self) -> DtlsEvent | None:
        """The next thing to report, oldest first."""
        return self._events.popleft() if self._events else None

    def _send(self, datagrams: list[bytes]) -> None:
        self._outgoing += datagrams[: MOST_WAITING - len(self._outgoing)]

    def _pack(self, written: bytes) -> list[bytes]:
        records = split_records(written)
        for record in records:
            if record.epoch == 0:
                self._clear_sequence = max(self._clear_sequence, record.sequence)
        return pack_records(records)

    def _take_output(self, now: float) -> bool:
        if self._endpoint is None:
            return False
        datagrams = self._pack(self._endpoint.take_output())
        self._send(datagrams)
        if any(each[0] in (HANDSHAKE, CHANGE_CIPHER_SPEC) for each in datagrams):
            self._flight.sent(datagrams, now)
        self._ask_openssl(now)
        return bool(datagrams)

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
                self._reader = CertificateReader()
                if self.role is Role.ACTIVE:
                    self._advance(now)
            case _A.HAND_OUT:
                self._hand_out()
            case _A.SAY_GOODBYE:
                if self._endpoint is not None:
                    self._endpoint.close()
                    self._send(self._pack(self._endpoint.take_output()))
            case _A.LET_GO:
                self._endpoint = None
                self._held = None
                self._openssl_due = None
                self._flight = Flight()
            case _A.TELL_FAILED:
                self._events.append(DtlsFailed(self._fault.rule, self._fault.reason))
            case _A.TELL_CLOSED:
                self._events.append(DtlsClosed(self._closed_by_peer))

    def _hand_out(self) -> None:
        if self._held is None or self._matched is None:
            raise LocalError("there are no keys to be handed out")
        suite, pair = self._held
        self._held = None
        self._events.append(DtlsKeysReady(suite, pair.send, pair.receive, self._matched))
