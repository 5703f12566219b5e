"""One call, several INVITEs: which form of the offer follows which, and what is remembered."""

from __future__ import annotations

import re

import pytest
from tests.phone.call.pair import ALL, Pair

from offhook.phone.call.call_events import Answered, Over, Rang
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.call.learned import FORM_LASTS_S
from offhook.phone.call.outgoing import OutgoingCall
from offhook.phone.call.record import Outcome
from offhook.phone.call.states import CallState
from offhook.protocols.media import messages as engine
from offhook.protocols.sdp.negotiation import MediaPolicy, Minimum

FORMS = ("RTP/SAVP", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "RTP/AVP")
PEER = "sip:bob@trunk.example"
PLAIN = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.8\r\ns=-\r\nc=IN IP4 192.0.2.8\r\nt=0 0\r\n"
    b"m=audio 30002 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


def profile(offer: bytes) -> str:
    found = re.search(rb"^m=audio \d+ (\S+)", offer, re.MULTILINE)
    assert found is not None
    return found[1].decode()


class Peer:
    """Takes the profiles that it is made with; what it does with others is `otherwise`."""

    def __init__(self, *takes: str, otherwise: int | bytes = 488) -> None:
        self.takes, self.otherwise = takes, otherwise
        self.offered: list[str] = []

    def __call__(self, call: IncomingCall) -> int | bytes | None:
        self.offered.append(profile(call.invite.offer))
        return None if self.offered[-1] in self.takes else self.otherwise


def called(peer: Peer, policy: MediaPolicy = ALL) -> tuple[Pair, OutgoingCall]:
    pair = Pair(policy)
    pair.decide = peer
    return pair, pair.call()


def confirm(pair: Pair, call: OutgoingCall) -> None:
    session = call.terms.session
    pair.report(pair.alice, engine.FirstPacketSent(session, 1.0))
    pair.report(pair.alice, engine.KeysConfirmed(session, 2.0))


@pytest.mark.parametrize("status", [488, 406, 415, 606])
def test_a_refused_form_is_followed_by_the_next_until_one_is_taken(status: int) -> None:
    peer = Peer("RTP/SAVPF", otherwise=status)
    pair, call = called(peer)
    assert peer.offered == list(FORMS[:4])
    assert call.state is CallState.TALKING
    assert (call.record.attempts, call.record.form) == (4, "sdes with feedback")
    assert len(pair.alice.engine.posted(engine.Prepare)) == 1, "the path stays"
    assert len(pair.alice.told(Answered)) == 1
    assert len(pair.alice.told(Rang)) == 1


def test_a_peer_that_takes_no_form_ends_the_call_with_its_refusal() -> None:
    peer = Peer()
    pair, call = called(peer)
    assert peer.offered == list(FORMS)
    assert (call.record.outcome, call.record.status) == (Outcome.REFUSED, 488)
    assert len(pair.alice.told(Over)) == 1
    assert pair.alice.account.idle


@pytest.mark.parametrize("status", [486, 404, 403, 603, 503])
def test_any_other_refusal_ends_the_call_at_once(status: int) -> None:
    peer = Peer(otherwise=status)
    _, call = called(peer)
    assert peer.offered == ["RTP/SAVP"]
    assert call.record.status == status


def test_a_480_asks_for_another_form_only_where_dtls_was_offered() -> None:
    peer = Peer(otherwise=480)
    called(peer)
    assert peer.offered == ["RTP/SAVP"]
    peer = Peer(otherwise=480)
    called(peer, MediaPolicy(sdes=None, dtls=True))
    assert peer.offered == ["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"]


def test_a_200_that_can_not_be_used_is_acknowledged_ended_and_followed_by_the_next_form() -> None:
    peer = Peer("UDP/TLS/RTP/SAVP", otherwise=PLAIN)
    pair, call = called(peer)
    assert peer.offered == list(FORMS[:2])
    assert call.state is CallState.TALKING
    methods = [data.split(b" ", 1)[0] for data in pair.alice.sent]
    assert methods.count(b"BYE") == 1
    assert len(pair.alice.engine.posted(engine.Start)) == 1
    assert len(pair.bob.account.calls) == 1


def test_a_peer_whose_every_answer_has_no_keys_never_gets_a_packet() -> None:
    pair, call = called(Peer(otherwise=PLAIN))
    assert call.record.outcome is Outcome.INSECURE
    assert call.record.attempts == len(FORMS)
    assert not pair.alice.engine.posted(engine.SetRemote)
    assert not pair.alice.engine.posted(engine.Start)
    pair.settle()
    assert not pair.bob.account.calls, "each was ended by a BYE"


def test_no_refusal_leads_below_what_the_account_demands() -> None:
    peer = Peer()
    called(peer, MediaPolicy())
    assert peer.offered == ["RTP/SAVP", "RTP/SAVPF"]
    peer = Peer()
    pair, _ = called(peer, MediaPolicy(zrtp=True, minimum=Minimum.END_TO_END))
    offers = [data for data in pair.alice.sent if data.startswith(b"INVITE")]
    assert offers
    assert all(b"a=zrtp-hash:" in offer for offer in offers)


def test_rtp_avp_is_offered_last_and_only_with_a_zrtp_hash() -> None:
    pair, _ = called(Peer())
    offers = [data for data in pair.alice.sent if data.startswith(b"INVITE")]
    plain = [offer for offer in offers if profile(offer) == "RTP/AVP"]
    assert plain == offers[-1:]
    assert b"a=zrtp-hash:" in plain[0]
    assert b"a=crypto:" not in plain[0]


def test_hanging_up_between_two_forms_sends_no_further_invite() -> None:
    pair = Pair()

    def hang_up_and_refuse(_call: IncomingCall) -> int:
        pair.alice.call.hang_up(pair.now)
        return 488

    pair.decide = hang_up_and_refuse
    call = pair.call()
    assert call.state is CallState.ENDED
    assert call.record.outcome is Outcome.CANCELLED
    assert call.record.attempts == 1


# What is remembered


def test_what_worked_with_a_peer_is_tried_first_the_next_time() -> None:
    peer = Peer("RTP/SAVPF")
    pair, call = called(peer)
    assert pair.alice.learned.form("trunk", PEER) is None, "an answer alone proves nothing"
    confirm(pair, call)
    assert pair.alice.learned.form("trunk", PEER) == "sdes with feedback"
    call.hang_up(pair.now)
    pair.settle()
    again = pair.call()
    assert peer.offered[4:] == ["RTP/SAVPF"]
    assert again.record.attempts == 1


def test_a_form_that_works_no_more_is_forgotten_and_the_others_are_tried() -> None:
    peer = Peer("RTP/SAVPF")
    pair, call = called(peer)
    confirm(pair, call)
    call.hang_up(pair.now)
    pair.settle()
    peer.takes = ("RTP/SAVP",)
    peer.offered.clear()
    again = pair.call()
    assert peer.offered == ["RTP/SAVPF", "RTP/SAVP"]
    assert pair.alice.learned.form("trunk", PEER) is None
    confirm(pair, again)
    assert pair.alice.learned.form("trunk", PEER) == "combined"


def test_a_form_under_which_nothing_was_heard_is_forgotten() -> None:
    pair, call = called(Peer("RTP/SAVP"))
    pair.alice.learned.worked("trunk", PEER, "combined")
    pair.report(pair.alice, engine.MediaLost(call.terms.session, 5000.0))
    assert call.record.outcome is Outcome.NO_MEDIA
    assert pair.alice.learned.form("trunk", PEER) is None


def test_what_was_remembered_long_ago_is_not_tried_first() -> None:
    pair, call = called(Peer("RTP/SAVPF"))
    confirm(pair, call)
    pair.alice.now += FORM_LASTS_S
    assert pair.alice.learned.form("trunk", PEER) is None


def test_a_call_in_a_hurry_to_an_unknown_peer_begins_with_what_worked_last() -> None:
    peer = Peer("RTP/SAVPF")
    pair, call = called(peer)
    pair.alice.learned.worked("trunk", "sip:112@trunk.example", "sdes with feedback")
    call.hang_up(pair.now)
    pair.settle()
    peer.offered.clear()
    pair.call()
    assert peer.offered == list(FORMS[:4]), "who isn't in a hurry begins with the best"
    pair.alice.call.hang_up(pair.now)
    pair.settle()
    peer.offered.clear()
    pair.call(hurried=True)
    assert peer.offered == ["RTP/SAVPF"]


@pytest.mark.parametrize(("hurried", "taken"), [(False, False), (True, True)])
def test_a_call_for_help_takes_any_encryption_whatever_the_account_demands(
    hurried: bool, taken: bool
) -> None:
    pair = Pair(MediaPolicy(zrtp=True, sdes=None, minimum=Minimum.END_TO_END), MediaPolicy())
    call = pair.call(hurried=hurried)
    assert (call.state is CallState.TALKING) is taken
    if taken:
        assert (call.record.keying, call.terms.policy.minimum) == ("sdes", Minimum.HOP_BY_HOP)


def test_a_call_for_help_is_never_made_in_the_clear() -> None:
    pair, call = called(Peer(otherwise=PLAIN), MediaPolicy())
    call.hang_up(pair.now)
    pair.settle()
    assert pair.call(hurried=True).record.outcome is Outcome.INSECURE
