"""Two telephones of ours with a trunk profile each: offer, answer, and what is then on the wire."""

from __future__ import annotations

import typing
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.phone.call.desk import Desk
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import Call, vowels
from tests.protocols.sdp.ends import OUR_ORIGIN, PEER_ORIGIN, SDES, peer, us

from offhook.base.schema.trunk_profile import CodecName, PacketTime, TrunkProfile
from offhook.base.vocabulary import PathAddress
from offhook.phone.call.offer_answer import OfferAnswer
from offhook.protocols.media import messages as engine
from offhook.protocols.media.opus import Opus, OpusTerms
from offhook.protocols.media.rtp import is_rtcp, parse_rtp
from offhook.protocols.media.srtp import Unprotector
from offhook.protocols.sdp.negotiation import Agreement, MediaPolicy

PTIMES: tuple[PacketTime, ...] = typing.get_args(PacketTime)
RATES: dict[CodecName, int] = {"PCMU": 8000, "PCMA": 8000, "G722": 16000, "opus": 48000}
CLOCKS: dict[CodecName, int] = {**RATES, "G722": 8000}
SAID = {rate: vowels(2, rate) for rate in set(RATES.values())}
OPUS_HAS = {10: 10, 20: 20, 30: 20, 40: 40, 60: 60}


def policy(profile: TrunkProfile) -> MediaPolicy:
    return MediaPolicy(sdes=SDES, codecs=profile.codecs, ptime_ms=profile.ptime_ms)


def negotiated(caller: TrunkProfile, called: TrunkProfile) -> tuple[Agreement, Agreement]:
    """What the caller's offer and the called's answer make of the two profiles."""
    ours, theirs = OfferAnswer(policy(caller), OUR_ORIGIN), OfferAnswer(policy(called), PEER_ORIGIN)
    ours.local, theirs.local = us(), peer()
    answer, agreed = theirs.make_answer(theirs.judge(ours.make_offer()))
    return ours.read_answer(answer), agreed


def set_remote(agreement: Agreement, remote: PathAddress) -> engine.SetRemote:
    return engine.SetRemote(
        session=1,
        remote=remote,
        remote_rtcp=None,
        codec=agreement.codec,
        dtmf_payload_type=agreement.dtmf_payload_type,
        keys=agreement.keys,
        ptime_ms=agreement.ptime_ms,
        receive_codecs=agreement.receive_codecs,
        receive_dtmf_payload_type=agreement.receive_dtmf_payload_type,
        codec_parameters=agreement.codec_parameters,
        receive_events=agreement.receive_events,
    )


@pytest.mark.parametrize("name", list(RATES))
@pytest.mark.parametrize("asked", PTIMES)
def test_both_telephones_send_packets_as_long_as_the_other_asks(
    name: CodecName, asked: PacketTime
) -> None:
    other: PacketTime = 20 if asked != 20 else 60
    here, there = negotiated(
        TrunkProfile(codecs=(name,), ptime_ms=other), TrunkProfile(codecs=(name,), ptime_ms=asked)
    )
    assert (here.ptime_ms, there.ptime_ms) == (asked, other)
    said = SAID[RATES[name]]
    alice = Call().alice.rtp
    call = Call(set_remote(here, Call().bob.rtp), alice_says=said, bob_says=said)
    call.bob.stream.set_remote(set_remote(there, alice), call.now)
    call.run(2.4)
    for end, keys, ms in ((call.alice, here.send_keys, asked), (call.bob, there.send_keys, other)):
        gate = Unprotector(keys)
        packets = [parse_rtp(gate.unprotect(data)) for data, _, _ in end.sent if not is_rtcp(data)]
        steps = {late.timestamp - early.timestamp for early, late in pairwise(packets)}
        wanted = OPUS_HAS[ms] if name == "opus" else ms
        assert {step % (1 << 32) for step in steps} == {CLOCKS[name] * wanted // 1000}
    for end in (call.alice, call.bob):
        assert correlation(said, end.heard)[0] >= (0.8 if name == "opus" else 0.95)
        assert end.stream.statistics().rejected == 0


@pytest.mark.parametrize("ptime_ms", PTIMES)
def test_a_telephone_asks_its_trunk_for_the_profiles_packets_and_obeys_the_trunk(
    ptime_ms: PacketTime,
) -> None:
    desk = Desk(profile=TrunkProfile(codecs=("PCMA",), ptime_ms=ptime_ms))
    desk.start()
    desk.account.dial("echo", desk.now)
    desk.settle()
    (ours,) = desk.phone_engine.posted(engine.SetRemote)
    (theirs,) = desk.trunk_engine.posted(engine.SetRemote)
    assert isinstance(ours, engine.SetRemote)
    assert isinstance(theirs, engine.SetRemote)
    assert theirs.ptime_ms == ptime_ms
    assert ours.ptime_ms == 20, "the practice trunk asks for 20"
    offer = next(data for data in desk.sent if b"INVITE sip" in data and b"m=audio" in data)
    assert f"a=ptime:{ptime_ms}\r\n".encode() in offer


def test_the_profiles_terms_for_opus_reach_the_engine_at_every_change_of_a_call() -> None:
    desk = Desk(profile=TrunkProfile(codecs=("PCMA",), opus_bitrate=16_000, opus_complexity=2))
    desk.start()
    call = desk.account.dial("echo", desk.now)
    desk.settle()
    desk.confirm_media(call)
    call.hold(desk.now)
    desk.settle()
    told = desk.phone_engine.posted(engine.SetRemote)
    assert len(told) >= 2
    for each in told:
        assert isinstance(each, engine.SetRemote)
        assert each.opus == OpusTerms(16_000, 2)


def test_opus_is_encoded_as_the_profile_says_and_no_richer_than_the_peer_wants() -> None:
    octets = {}
    for rate, wish in ((12_000, ""), (64_000, ""), (64_000, ";maxaveragebitrate=12000")):
        here, _ = negotiated(TrunkProfile(codecs=("opus",)), TrunkProfile(codecs=("opus",)))
        remote = replace(
            set_remote(here, Call().bob.rtp),
            opus=OpusTerms(rate, 3),
            codec_parameters=here.codec_parameters + wish,
        )
        call = Call(remote, alice_says=SAID[48000])
        call.run(2)
        octets[rate, wish] = sum(len(data) for data, _, _ in call.alice.sent if not is_rtcp(data))
    low, high, wished = octets.values()
    assert high > 2 * low
    assert wished == low


def test_terms_that_change_in_a_call_take_a_new_encoder_and_no_new_source() -> None:
    here, _ = negotiated(TrunkProfile(codecs=("opus",)), TrunkProfile(codecs=("opus",)))
    remote = set_remote(here, Call().bob.rtp)
    call = Call(remote)
    sender = call.alice.stream._sender
    source = sender.ssrc
    call.alice.stream.set_remote(replace(remote, opus=OpusTerms(9000, 0)), call.now)
    assert isinstance(sender._codec, Opus)
    assert sender._codec._terms.bit_rate == 9000
    assert sender.ssrc == source
