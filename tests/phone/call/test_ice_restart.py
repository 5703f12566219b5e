"""A way that is looked for anew within a call: the peer begins it, or we do (RFC 8445 §9)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest
from tests.phone.call.pair import AnyKeyingEngine, End, Pair

from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription
from offhook.phone.call.account import OpenFlow
from offhook.phone.call.call_events import HoldChanged, Over
from offhook.phone.call.engine_session import READY_S
from offhook.phone.call.states import CallState
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.media import messages as engine
from offhook.protocols.media.path_messages import GatherAgain, IceTerms, PathFound, PathLost
from offhook.protocols.sdp.negotiation import MediaPolicy

DTLS_ALONE = MediaPolicy(sdes=None, dtls=True)
SDES_ALONE = MediaPolicy(sdes=SdesPolicy())
LOST = PathLost(1, "nobody answers there any more")


@dataclass
class IceEngine(AnyKeyingEngine):
    """Describes another way each time it is asked; `mute`: it doesn't answer that."""

    mute: bool = False
    described: list[engine.LocalReady] = field(default_factory=list)

    def post(self, command: engine.SessionCommand) -> None:
        super().post(command)
        if isinstance(command, GatherAgain) and not self.mute:
            tls_id = self.randomness.octets(20).hex()
            self.waiting.append(replace(self._anew(self.described[0]), tls_id=tls_id))

    def _ready(self, command: engine.Prepare) -> engine.LocalReady:
        return self._anew(super()._ready(command))

    def _anew(self, ready: engine.LocalReady) -> engine.LocalReady:
        ice = IceDescription(
            self.randomness.octets(4).hex(),
            Secret(self.randomness.octets(12).hex()),
            (f"1 1 udp 2130706431 {ready.rtp.host} {ready.rtp.port} typ host",),
            ready.rtp,
        )
        self.described.append(replace(ready, ice=ice))
        return self.described[-1]

    @property
    def remotes(self) -> list[engine.SetRemote]:
        return [each for each in self.commands if isinstance(each, engine.SetRemote)]


def talking(policy: MediaPolicy = DTLS_ALONE) -> Pair:
    pair = Pair(policy, policy)
    for end in (pair.alice, pair.bob):
        end.engine = IceEngine(end.host, end._report, SeededRandomness(end.host))
        end.account.terms = replace(end.account.terms, ice=IceTerms())
    pair.call()
    for end in (pair.alice, pair.bob):
        assert end.call.state is CallState.TALKING
        pair.report(end, engine.FirstPacketSent(1, 1.0))
        pair.report(end, engine.KeysConfirmed(1, 1.0))
    return pair


def engine_of(end: End) -> IceEngine:
    assert isinstance(end.engine, IceEngine)
    return end.engine


def later(pair: Pair, seconds: float) -> None:
    for end in (pair.alice, pair.bob):
        end.now += seconds
        end.account.tick(end.now)
    pair.settle()


def ufrags(end: End) -> list[str]:
    """Of the peer, as our engine was told, each once."""
    told = [each.ice.peer.ufrag for each in engine_of(end).remotes if each.ice is not None]
    return list(dict.fromkeys(told))


def own_ufrags(end: End) -> list[str]:
    return [each.ice.ufrag for each in engine_of(end).described if each.ice is not None]


@pytest.mark.parametrize("policy", [DTLS_ALONE, SDES_ALONE], ids=["dtls", "sdes"])
def test_a_way_that_is_lost_is_looked_for_anew_by_both(policy: MediaPolicy) -> None:
    pair = talking(policy)
    pair.report(pair.alice, LOST)
    for end, other in ((pair.alice, pair.bob), (pair.bob, pair.alice)):
        assert end.call.state is CallState.TALKING
        assert len(engine_of(end).posted(GatherAgain)) == 1
        assert len(set(own_ufrags(end))) == 2
        assert ufrags(end) == own_ufrags(other)
        assert not end.told(HoldChanged)


def test_a_restart_is_no_new_association_and_changes_no_key() -> None:
    pair = talking(DTLS_ALONE)
    pair.report(pair.alice, LOST)
    for end in (pair.alice, pair.bob):
        before, after = engine_of(end).remotes[0].dtls, engine_of(end).remotes[-1].dtls
        assert before is not None
        assert after is not None
        assert (after.tls_id, after.role, after.moved) == (before.tls_id, before.role, False)
    pair = talking(SDES_ALONE)
    pair.report(pair.alice, LOST)
    for end in (pair.alice, pair.bob):
        before_keys, after_keys = engine_of(end).remotes[0].keys, engine_of(end).remotes[-1].keys
        assert before_keys is not None
        assert before_keys == after_keys


def test_a_way_that_stays_lost_is_looked_for_once_and_again_after_one_was_found() -> None:
    pair = talking()
    for _ in range(3):
        pair.report(pair.alice, LOST)
    assert len(engine_of(pair.alice).posted(GatherAgain)) == 1
    pair.report(pair.alice, PathFound(1, "media goes there"))
    pair.report(pair.alice, LOST)
    assert len(engine_of(pair.alice).posted(GatherAgain)) == 2


def test_a_search_that_failed_while_the_old_way_stands_changes_nothing() -> None:
    pair = talking()
    pair.report(pair.alice, replace(LOST, standing=True))
    assert not engine_of(pair.alice).posted(GatherAgain)
    assert pair.alice.call.state is CallState.TALKING


def test_an_engine_that_describes_no_new_way_leaves_the_call_as_it_is() -> None:
    pair = talking()
    engine_of(pair.bob).mute = True
    pair.report(pair.alice, LOST)
    remotes = len(engine_of(pair.bob).remotes)
    later(pair, READY_S + 0.1)
    assert any(data.startswith(b"SIP/2.0 500 ") for data in pair.bob.sent)
    assert len(engine_of(pair.bob).remotes) == remotes
    for end in (pair.alice, pair.bob):
        assert end.call.state is CallState.TALKING
        assert not end.told(Over)


def offered_ufrags(end: End) -> list[str]:
    """Those of our descriptions, in their order on the flow."""
    sent = b"".join(end.sent).decode()
    return re.findall(r"a=ice-ufrag:(\S+)", sent)


def test_after_a_restart_that_was_refused_both_go_by_what_they_had() -> None:
    pair = talking()
    engine_of(pair.bob).mute = True
    pair.report(pair.alice, LOST)
    later(pair, READY_S + 0.1)
    for end, other in ((pair.alice, pair.bob), (pair.bob, pair.alice)):
        gathered = len(engine_of(other).posted(GatherAgain))
        end.call.hold(pair.now)
        pair.settle()
        assert end.told(HoldChanged) == [HoldChanged(held=True)]
        assert offered_ufrags(end)[-1] == own_ufrags(end)[0]
        assert offered_ufrags(other)[-1] == own_ufrags(other)[0]
        assert len(engine_of(other).posted(GatherAgain)) == gathered


def test_a_way_that_was_lost_with_the_flow_is_looked_for_when_that_is_back() -> None:
    pair = talking()
    pair.alice.account.flow_lost("the cable is out", pair.now)
    pair.report(pair.alice, LOST)
    assert ufrags(pair.bob) == own_ufrags(pair.alice)[:1]
    while not any(isinstance(each, OpenFlow) for each in pair.alice.account.actions()):
        later(pair, 1)
    pair.alice.flow()
    pair.settle()
    assert ufrags(pair.bob)[-1] == own_ufrags(pair.alice)[-1] != own_ufrags(pair.alice)[0]
    assert ufrags(pair.alice)[-1] == own_ufrags(pair.bob)[-1] != own_ufrags(pair.bob)[0]


def test_a_flow_that_is_back_is_no_reason_to_look_where_the_way_stands() -> None:
    pair = talking()
    pair.alice.account.flow_lost("the cable is out", pair.now)
    while not any(isinstance(each, OpenFlow) for each in pair.alice.account.actions()):
        later(pair, 1)
    pair.alice.flow()
    pair.settle()
    assert not engine_of(pair.alice).posted(GatherAgain)


def test_hanging_up_while_a_way_is_looked_for_ends_the_call_at_both() -> None:
    pair = talking()
    engine_of(pair.bob).mute = True
    pair.report(pair.alice, LOST)
    call = pair.bob.call
    call.hang_up(pair.now)
    pair.settle()
    assert call.record.reason == "hung up here"
    assert not pair.alice.account.calls
    assert not pair.bob.account.calls


def test_holding_meanwhile_waits_for_the_answer() -> None:
    pair = talking()
    engine_of(pair.bob).mute = True
    pair.report(pair.alice, LOST)
    pair.bob.call.hold(pair.now)
    pair.settle()
    engine_of(pair.bob).mute = False
    engine_of(pair.bob).post(GatherAgain(1))
    pair.settle()
    later(pair, 3)
    assert ufrags(pair.alice) == own_ufrags(pair.bob)
    assert pair.bob.told(HoldChanged) == [HoldChanged(held=True)]


def test_an_offer_that_comes_while_we_gather_is_answered_with_what_that_gives() -> None:
    pair = talking()
    engine_of(pair.bob).mute = True
    pair.report(pair.bob, LOST)
    pair.report(pair.alice, LOST)
    assert len(engine_of(pair.bob).posted(GatherAgain)) == 1
    engine_of(pair.bob).mute = False
    engine_of(pair.bob).post(GatherAgain(1))
    pair.settle()
    assert ufrags(pair.alice) == own_ufrags(pair.bob)
    assert ufrags(pair.bob) == own_ufrags(pair.alice)


def test_both_may_lose_the_way_at_once() -> None:
    pair = talking()
    for end in (pair.alice, pair.bob):
        end.account.receive_report(LOST, pair.now)
    pair.settle()
    for _ in range(8):
        later(pair, 1)
    for end, other in ((pair.alice, pair.bob), (pair.bob, pair.alice)):
        assert end.call.state is CallState.TALKING
        assert ufrags(end)[-1] == own_ufrags(other)[-1] != own_ufrags(other)[0]
