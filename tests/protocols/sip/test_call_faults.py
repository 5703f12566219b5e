from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.protocols.sip.link import ANSWER, OFFER, Link, Side, two_phones
from tests.protocols.sip.registrar import registered_phone

from offhook.protocols.sip.agent_events import Registered
from offhook.protocols.sip.invite_events import Answered, Cancelled, Ended, Refused
from offhook.protocols.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Message

LAST = (Refused, Ended, Cancelled)
MESSAGES = 12
"""What a registration with digest, a call with digest and its end take, one by one."""


class Fault:
    """The n-th message breaks the flow; a new one opens `outage` seconds later."""

    def __init__(self, link: Link, nth: int, outage: float = 2.0) -> None:
        self.link = link
        self.happened = False
        self._left = nth
        self._outage = outage
        link.lose = self._lose
        link.open()

    def run(self, seconds: float) -> None:
        link = self.link
        end = link.now + seconds
        while link.now < end:
            link.run(0.05)
            if self.happened and link.up and link.lose == self._lose:
                link.close()
                link.run(self._outage)
                link.lose = lambda _side, _message: False
                link.a.address = link.a.address._replace(port=42000)
                link.open()

    def _lose(self, _side: Side, _message: Message) -> bool:
        self._left -= 1
        self.happened |= self._left <= 0
        return self.happened


@pytest.mark.parametrize("nth", range(1, MESSAGES + 2))
@pytest.mark.parametrize("outage", [2.0, 50.0])
def test_whichever_message_breaks_the_flow_a_registered_phone_ends_clean(
    nth: int, outage: float
) -> None:
    link, _ = registered_phone()
    fault = Fault(link, nth, outage)
    fault.run(1.0)
    call = link.a.agent.invite(SipUri("sip", "trunk", "example.net"), OFFER, link.now)
    fault.run(3.0)
    call.hang_up(link.now)
    fault.run(70.0)
    events = link.a.call_events(call)
    assert len([event for event in events if isinstance(event, LAST)]) == 1
    assert isinstance(events[-1], LAST)
    assert link.a.of(Registered)
    assert link.a.agent.calls == ()
    assert link.b.agent.calls == ()
    assert fault.happened == (nth <= MESSAGES)
    if not fault.happened or outage < 10.0:
        assert any(isinstance(event, Answered) for event in events)


@pytest.mark.parametrize("nth", range(1, 8))
@pytest.mark.parametrize("caller_hangs_up", [True, False])
def test_whichever_message_breaks_the_flow_two_phones_end_clean(
    nth: int, *, caller_hangs_up: bool
) -> None:
    link = two_phones()
    link.close()
    fault = Fault(link, nth)
    out = link.a.agent.invite(SipUri("sip", "bob", "example.net"), OFFER, link.now)
    fault.run(4.0)
    incoming = link.b.incoming() if link.b.events else None
    if incoming is not None:
        incoming.ring(link.now)
        fault.run(4.0)
        incoming.accept(ANSWER, link.now)
        fault.run(4.0)
    if caller_hangs_up or incoming is None:
        out.hang_up(link.now)
    else:
        incoming.hang_up(link.now)
    fault.run(400.0)
    for side in (link.a, link.b):
        assert side.agent.calls == ()
        assert side.agent.deadline() is None
        assert len(side.of(Refused) + side.of(Ended) + side.of(Cancelled)) <= 2
    assert len([e for e in link.a.call_events(out) if isinstance(e, LAST)]) == 1


def test_an_invite_sent_again_on_a_new_flow_is_no_merged_request() -> None:
    link = two_phones()
    link.lose = lambda side, _message: side is link.b
    out = link.a.agent.invite(SipUri("sip", "bob", "example.net"), OFFER, link.now)
    link.run(0.1)
    link.close()
    link.lose = lambda _side, _message: False
    link.run(1.0)
    link.open()
    link.run(1.0)
    first, second = link.a.requests("INVITE")
    assert first.call_id == second.call_id
    assert link.b.statuses("INVITE").count(482) == 0
    link.b.incoming().accept(ANSWER, link.now)
    link.run(1.0)
    assert [type(e) for e in link.a.call_events(out)][-1] is Answered
