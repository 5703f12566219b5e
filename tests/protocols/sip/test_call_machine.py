"""Laws that hold whatever two telephones and their flow do, in whatever order."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.protocols.sip.link import ANSWER, OFFER, Side, Solo, established, two_phones
from tests.protocols.sip.raw import CONTACT, from_callee, raw_request, raw_response

from offhook.base.errors import LocalError
from offhook.protocols.sip.agent_events import CallEvent
from offhook.protocols.sip.invite_events import (
    Cancelled,
    Ended,
    OfferReceived,
    Refused,
)
from offhook.protocols.sip.invite_server import IncomingInvite
from offhook.protocols.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.protocols.sip.invite_client import OutgoingInvite
    from offhook.protocols.sip.invite_events import InviteEvent
    from offhook.protocols.sip.message import Message

LAST = (Refused, Ended, Cancelled)
which = st.sampled_from("ab")


class Telephones(RuleBasedStateMachine):
    """Two agents, one link: everything a person, a peer or the network can do."""

    targets: ClassVar = {
        "a": SipUri("sip", "bob", "example.net"),
        "b": SipUri("sip", "alice", "example.net"),
    }

    def __init__(self) -> None:
        super().__init__()
        self.link = two_phones()
        self.losing = 0
        self.link.lose = self.lose

    def lose(self, _side: Side, _message: Message) -> bool:
        self.losing -= 1
        return self.losing >= 0

    def side(self, name: str) -> Side:
        return self.link.a if name == "a" else self.link.b

    def call(self, name: str, index: int) -> OutgoingInvite | IncomingInvite | None:
        calls = self.side(name).agent.calls
        return calls[index % len(calls)] if calls else None

    @rule(name=which)
    def dial(self, name: str) -> None:
        side = self.side(name)
        if len(side.agent.calls) < 4:
            side.agent.invite(self.targets[name], OFFER, self.link.now)

    @precondition(lambda self: self.link.up)
    @rule()
    def talk(self) -> None:
        """A call that goes well, up to here."""
        if not self.link.a.agent.calls and not self.link.b.agent.calls:
            self.losing = 0
            established(self.link)

    @rule(name=which, index=st.integers(0, 3), early=st.booleans())
    def ring(self, name: str, index: int, *, early: bool) -> None:
        call = self.call(name, index)
        if isinstance(call, IncomingInvite):
            call.ring(self.link.now, 183 if early else 180, ANSWER if early else b"")

    @rule(name=which, index=st.integers(0, 3))
    def accept(self, name: str, index: int) -> None:
        call = self.call(name, index)
        if isinstance(call, IncomingInvite):
            call.accept(ANSWER, self.link.now)

    @rule(name=which, index=st.integers(0, 3), status=st.sampled_from([302, 486, 488, 603]))
    def reject(self, name: str, index: int, status: int) -> None:
        call = self.call(name, index)
        if isinstance(call, IncomingInvite):
            call.reject(status, None, self.link.now)

    @rule(name=which, index=st.integers(0, 3))
    def hang_up(self, name: str, index: int) -> None:
        call = self.call(name, index)
        if call is not None:
            call.hang_up(self.link.now)

    @rule(name=which, index=st.integers(0, 3))
    def reoffer(self, name: str, index: int) -> None:
        call = self.call(name, index)
        if call is not None:
            with suppress(LocalError):
                call.reoffer(lambda: OFFER, self.link.now)

    @rule(name=which, agree=st.booleans())
    def settle_offers(self, name: str, *, agree: bool) -> None:
        side = self.side(name)
        for event in side.events:
            if isinstance(event, CallEvent) and isinstance(event.event, OfferReceived):
                transaction = event.event.transaction
                if agree:
                    event.invite.accept_offer(transaction, ANSWER, self.link.now)
                else:
                    event.invite.refuse_offer(transaction, 488, None, self.link.now)

    @rule(seconds=st.sampled_from([0.005, 0.05, 0.6, 5.0, 33.0]))
    def wait(self, seconds: float) -> None:
        self.link.run(seconds)

    @rule(count=st.integers(1, 3))
    def lose_messages(self, count: int) -> None:
        self.losing = count

    @precondition(lambda self: self.link.up)
    @rule()
    def break_flow(self) -> None:
        self.link.close()

    @precondition(lambda self: not self.link.up)
    @rule(port=st.integers(1024, 65535))
    def open_flow(self, port: int) -> None:
        self.link.a.address = self.link.a.address._replace(port=port)
        self.link.open()

    @invariant()
    def each_call_ends_at_most_once_and_says_nothing_afterwards(self) -> None:
        for side in (self.link.a, self.link.b):
            told: dict[int, list[InviteEvent]] = {}
            for event in side.events:
                if isinstance(event, CallEvent):
                    told.setdefault(id(event.invite), []).append(event.event)
            for events in told.values():
                last = [index for index, e in enumerate(events) if isinstance(e, LAST)]
                assert last in ([], [len(events) - 1]), events

    @invariant()
    def what_is_due_is_done_by_one_tick(self) -> None:
        for side in (self.link.a, self.link.b):
            due = side.agent.deadline()
            if due is not None and due <= self.link.now:
                side.agent.tick(self.link.now)
                after = side.agent.deadline()
                assert after is None or after > self.link.now

    def teardown(self) -> None:
        """Whatever happened: a good flow and a hang-up bring both sides to rest."""
        self.losing = 0
        if not self.link.up:
            self.link.open()
        for side in (self.link.a, self.link.b):
            for call in side.agent.calls:
                call.hang_up(self.link.now)
        self.link.run(500.0)
        for side in (self.link.a, self.link.b):
            assert side.agent.calls == ()
            assert side.agent.deadline() is None


TestTelephones = Telephones.TestCase
TestTelephones.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def samples() -> list[bytes]:
    solo = Solo()
    _, invite = solo.call()
    return [
        raw_request(body=OFFER),
        raw_request("OPTIONS"),
        raw_request("BYE"),
        raw_response(invite, 183, headers=[CONTACT], body=ANSWER),
        raw_response(invite, 200, headers=[CONTACT], body=ANSWER),
        raw_response(invite, 407, headers=[("Proxy-Authenticate", "Digest realm=x")]),
        from_callee(invite, "INVITE", 5, body=OFFER),
        from_callee(invite, "BYE", 6),
        from_callee(invite, "ACK", 5),
    ]


@settings(max_examples=300, deadline=None)
@given(
    pick=st.integers(0, 8),
    edits=st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 3), st.binary(max_size=6)), max_size=4
    ),
)
def test_no_octets_of_a_peer_raise_an_error(pick: int, edits: list[tuple[int, int, bytes]]) -> None:
    data = samples()[pick]
    for position, removed, inserted in edits:
        data = data[:position] + inserted + data[position + removed :]
    solo = Solo()
    solo.call()
    solo.feed(data)
    for call in solo.agent.calls:
        if isinstance(call, IncomingInvite):
            call.ring(solo.now)
            call.accept(ANSWER, solo.now)
    solo.drain()
    solo.at(40.0)
    for call in solo.agent.calls:
        call.hang_up(solo.now)
    solo.at(80.0)


def test_the_control_a_call_that_is_left_alone_is_still_there() -> None:
    link = two_phones()
    established(link)
    link.run(500.0)
    assert link.a.agent.calls
    assert link.b.agent.calls
