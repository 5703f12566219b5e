from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from tests.protocols.keying.dtls.pair import OURS, STRANGER, THEIRS
from tests.protocols.keying.dtls.raw_peer import RawPeer

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.agreed import Agreed, asks_for_new
from offhook.protocols.keying.dtls.events import (
    DtlsClosed,
    DtlsEvent,
    DtlsFailed,
    DtlsKeysReady,
)
from offhook.protocols.keying.dtls.identity import DtlsIdentity
from offhook.protocols.keying.dtls.session import MOST_STRANGERS, DtlsSession
from offhook.protocols.keying.dtls.setup import Role


def agreed(role: Role, peer: DtlsIdentity) -> Agreed:
    return Agreed(role, (peer.fingerprint(),))


WE = agreed(Role.PASSIVE, THEIRS)
THEY = agreed(Role.ACTIVE, OURS)


@dataclass
class Call:
    """We offer, they answer."""

    offerer: DtlsSession = field(default_factory=lambda: DtlsSession(OURS))
    answerer: DtlsSession = field(default_factory=lambda: DtlsSession(THEIRS))
    now: float = 50.0
    told: list[list[DtlsEvent]] = field(default_factory=lambda: [[], []])

    def carry(self, answerer: DtlsSession | None = None) -> None:
        sides = (self.offerer, answerer or self.answerer)
        for _ in range(12):
            for number, side in enumerate(sides):
                for datagram in side.datagrams_to_send():
                    sides[1 - number].receive_datagram(datagram, self.now)
            for number, side in enumerate(sides):
                while (event := side.next_event()) is not None:
                    self.told[number].append(event)

    def keys(self) -> tuple[DtlsKeysReady, DtlsKeysReady]:
        ours, theirs = self.told[0][-1], self.told[1][-1]
        assert isinstance(ours, DtlsKeysReady)
        assert isinstance(theirs, DtlsKeysReady)
        assert (ours.send, ours.receive) == (theirs.receive, theirs.send)
        return ours, theirs

    def established(self) -> Call:
        self.offerer.await_peer(self.now)
        self.answerer.agree(THEY, self.now)
        self.offerer.agree(WE, self.now)
        self.carry()
        self.keys()
        return self


def test_the_answerer_begins_and_both_have_keys() -> None:
    call = Call().established()
    assert (call.offerer.role, call.answerer.role) == (Role.PASSIVE, Role.ACTIVE)
    assert [len(events) for events in call.told] == [1, 1]


def test_the_handshake_may_be_done_before_the_answer_comes() -> None:
    call = Call()
    call.offerer.await_peer(call.now)
    call.answerer.agree(THEY, call.now)
    call.carry()
    assert call.told[0] == []
    assert isinstance(call.told[1][0], DtlsKeysReady)
    call.offerer.agree(WE, call.now)
    call.carry()
    call.keys()


def test_who_answers_passive_makes_the_offerer_begin() -> None:
    call = Call()
    call.offerer.await_peer(call.now)
    call.answerer.agree(agreed(Role.PASSIVE, OURS), call.now)
    call.offerer.agree(agreed(Role.ACTIVE, THEIRS), call.now)
    call.carry()
    call.keys()
    assert call.offerer.role is Role.ACTIVE


def test_a_later_offer_and_answer_that_change_nothing_keep_the_association() -> None:
    call = Call().established()
    call.offerer.await_peer(call.now)
    call.offerer.agree(WE, call.now)
    call.answerer.agree(THEY, call.now)
    call.carry()
    assert [len(events) for events in call.told] == [1, 1]


ID, OTHER_ID = "a" * 20, "b" * 20


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        (WE, WE, False),
        (WE, replace(WE, role=Role.ACTIVE), True),
        (WE, agreed(Role.PASSIVE, STRANGER), True),
        (WE, replace(WE, fingerprints=(*WE.fingerprints, STRANGER.fingerprint())), True),
        (WE, replace(WE, moved=True), True),
        (replace(WE, tls_id=ID), replace(WE, tls_id=ID, moved=True), False),
        (replace(WE, tls_id=ID), replace(WE, tls_id=OTHER_ID), True),
        (replace(WE, tls_id=ID), WE, False),
        (WE, replace(WE, tls_id=ID), False),
    ],
)
def test_what_asks_for_a_new_association(before: Agreed, after: Agreed, *, new: bool) -> None:
    assert asks_for_new(before, after) is new


def test_another_fingerprint_makes_a_new_association_that_replaces_the_old_once_it_has_keys() -> (
    None
):
    call = Call().established()
    first, _ = call.keys()
    newcomer = DtlsSession(STRANGER)
    newcomer.agree(THEY, call.now)
    call.offerer.agree(agreed(Role.PASSIVE, STRANGER), call.now)
    assert call.told[0] == [first]
    call.carry(newcomer)
    second, _ = call.keys()
    assert second.send.master != first.send.master
    assert second.peer == STRANGER.fingerprint()
    assert not any(isinstance(event, DtlsClosed) for event in call.told[0])


def test_the_roles_may_change_on_the_same_path() -> None:
    call = Call().established()
    first, _ = call.keys()
    call.offerer.agree(agreed(Role.ACTIVE, THEIRS), call.now)
    call.answerer.agree(agreed(Role.PASSIVE, OURS), call.now)
    call.carry()
    second, _ = call.keys()
    assert second.send.master != first.send.master


def test_the_old_one_stays_when_the_next_fails() -> None:
    call = Call().established()
    call.offerer.agree(agreed(Role.PASSIVE, STRANGER), call.now)
    call.answerer.agree(replace(THEY, tls_id=ID, moved=True), call.now)
    call.carry()
    failed = call.told[0][-1]
    assert isinstance(failed, DtlsFailed)
    assert failed.rule == "fingerprint"
    call.offerer.close(call.now)
    call.carry()
    assert call.told[0][-1] == DtlsClosed(by_peer=False)


def test_close_ends_it_for_both_and_for_good() -> None:
    call = Call().established()
    call.answerer.close(call.now)
    call.carry()
    assert call.told[0][-1] == DtlsClosed(by_peer=True)
    assert call.told[1][-1] == DtlsClosed(by_peer=False)
    assert call.offerer.deadline() is call.answerer.deadline() is None
    with pytest.raises(LocalError):
        call.answerer.agree(THEY, call.now)
    call.answerer.await_peer(call.now)
    assert call.answerer.deadline() is None


def test_without_a_fingerprint_nothing_is_agreed() -> None:
    with pytest.raises(LocalError):
        DtlsSession(OURS).agree(Agreed(Role.ACTIVE, ()), 0.0)


def test_what_failed_once_fails_again_and_is_never_taken_for_what_stands() -> None:
    call = Call().established()
    for _ in range(2):
        call.offerer.agree(agreed(Role.PASSIVE, STRANGER), call.now)
        call.answerer.agree(replace(THEY, moved=True), call.now)
        call.carry()
        failed = call.told[0][-1]
        assert isinstance(failed, DtlsFailed)
        call.told[0].clear()
    assert call.offerer.role is Role.PASSIVE


def test_the_same_said_again_while_the_next_begins_changes_nothing() -> None:
    call = Call().established()
    for _ in range(3):
        call.offerer.agree(agreed(Role.ACTIVE, STRANGER), call.now)
    assert len(call.offerer.datagrams_to_send()) == 1


def test_an_offer_taken_back_leaves_what_stands() -> None:
    call = Call().established()
    call.offerer.agree(agreed(Role.ACTIVE, STRANGER), call.now)
    roles = [call.offerer.role]
    call.offerer.agree(WE, call.now)
    roles.append(call.offerer.role)
    assert roles == [Role.ACTIVE, Role.PASSIVE]
    call.offerer.datagrams_to_send()
    call.now += 100
    call.offerer.tick(call.now)
    call.carry()
    assert [len(events) for events in call.told] == [1, 1]


def test_after_a_failure_the_next_answer_begins_anew() -> None:
    call = Call()
    call.offerer.agree(agreed(Role.PASSIVE, STRANGER), call.now)
    call.answerer.agree(THEY, call.now)
    call.carry()
    assert isinstance(call.told[0][-1], DtlsFailed)
    call.offerer.agree(WE, call.now)
    call.answerer.agree(THEY, call.now)
    call.carry()
    call.keys()


def test_that_the_old_one_is_closed_while_the_next_begins_is_not_told() -> None:
    call = Call().established()
    call.offerer.agree(agreed(Role.PASSIVE, STRANGER), call.now)
    call.answerer.close(call.now)
    call.carry()
    assert len(call.told[0]) == 1
    newcomer = DtlsSession(STRANGER)
    newcomer.agree(THEY, call.now)
    call.carry(newcomer)
    call.keys()


def spoil(offerer: DtlsSession, now: float) -> None:
    """A stranger begins a handshake and breaks it off."""
    stranger = RawPeer(server=False, identity=None)
    for _ in range(4):
        stranger.work()
        octets = stranger.written()
        if octets:
            offerer.receive_datagram(octets, now)
        for datagram in offerer.datagrams_to_send():
            stranger.connection.bio_write(datagram)


def test_a_stranger_who_fails_before_the_answer_costs_the_call_nothing() -> None:
    call = Call()
    call.offerer.await_peer(call.now)
    for _ in range(MOST_STRANGERS - 1):
        spoil(call.offerer, call.now)
        call.now += 1
    assert call.offerer.next_event() is None
    call.answerer.agree(THEY, call.now)
    call.carry()
    call.offerer.agree(WE, call.now)
    call.carry()
    call.keys()


def test_many_strangers_stop_the_listening_until_the_answer_comes() -> None:
    call = Call()
    call.offerer.await_peer(call.now)
    for _ in range(2 * MOST_STRANGERS):
        spoil(call.offerer, call.now)
    assert call.offerer.next_event() is None
    call.answerer.agree(THEY, call.now)
    call.carry()
    assert call.told == [[], []]
    call.offerer.agree(WE, call.now)
    call.answerer.retry(call.now)
    call.carry()
    call.keys()


@dataclass
class Late:
    """Steps of a millisecond; the offerer drops everything until the answer has come to it."""

    ready_at: float
    offerer: DtlsSession = field(default_factory=lambda: DtlsSession(OURS))
    answerer: DtlsSession = field(default_factory=lambda: DtlsSession(THEIRS))
    done: dict[str, float] = field(default_factory=dict)

    def step(self, now: float, *, ack: bool) -> None:
        if now >= self.ready_at and self.offerer.role is None:
            self.offerer.agree(WE, now)
            if ack:
                self.answerer.retry(now)
        for side in (self.offerer, self.answerer):
            due = side.deadline()
            if due is not None and due <= now:
                side.tick(now)
        for datagram in self.answerer.datagrams_to_send():
            if self.offerer.role is not None:
                self.offerer.receive_datagram(datagram, now)
        for datagram in self.offerer.datagrams_to_send():
            self.answerer.receive_datagram(datagram, now)
        for name, side in (("offerer", self.offerer), ("answerer", self.answerer)):
            if isinstance(side.next_event(), DtlsKeysReady):
                self.done[name] = now


@pytest.mark.parametrize("ready_at", [0.0, 0.004, 0.03, 0.049, 0.2, 0.4, 0.64])
@pytest.mark.parametrize("ack", [True, False])
def test_keys_are_there_soon_after_the_late_side_is_ready(ready_at: float, *, ack: bool) -> None:
    late = Late(ready_at)
    late.answerer.agree(THEY, 0.0)
    for step in range(1000):
        late.step(step / 1000, ack=ack)
    taken = max(late.done.values()) - ready_at
    assert taken < (0.06 if ack or ready_at < 0.05 else 0.31)
