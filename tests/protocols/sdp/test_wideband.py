"""Opus and G.722 beside G.711 in offer and answer; telephone-events at each clock rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import OUR_ORIGIN, PEER_ORIGIN, SDES, edit, lines, peer, us

from offhook.base.vocabulary import AudioCodec
from offhook.protocols.sdp.codecs import MAX_PARAMETERS, Formats, read_formats
from offhook.protocols.sdp.description import parse_sdp
from offhook.protocols.sdp.negotiation import (
    Agreement,
    MediaPolicy,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    read_answer,
)

ALL = ("opus", "G722", "PCMA", "PCMU")
POLICY = MediaPolicy(sdes=SDES, codecs=ALL)
OPUS = AudioCodec("opus", 111, 48000, 2)
OFFER = make_offer(us(), POLICY, OUR_ORIGIN)
WITH_OPUS = ("m=audio 4 RTP/SAVP 96", "rtpmap:96 opus/48000/2")


def formats(numbers: str, *attributes: str) -> Formats:
    text = "".join(f"a={each}\r\n" for each in attributes)
    data = f"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4 RTP/SAVP {numbers}\r\n{text}"
    return read_formats(parse_sdp(data.encode()).media[0], ALL)


def answered(policy: MediaPolicy, offer: bytes = OFFER) -> tuple[bytes, Agreement, Agreement]:
    """The peer's answer, its own view, and ours."""
    answer, theirs = make_answer(choose(offer, policy), peer(), PEER_ORIGIN)
    return answer, theirs, read_answer(offer, answer, us(), POLICY)


def test_the_offer_names_all_codecs_and_an_event_for_each_clock_rate() -> None:
    assert lines(OFFER)[5:16] == [
        "m=audio 4000 RTP/SAVP 111 9 8 0 110 101",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 useinbandfec=1",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:110 telephone-event/48000",
        "a=fmtp:110 0-15",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
    ]


@pytest.mark.parametrize(
    ("name", "number", "event"),
    [("opus", 111, 110), ("G722", 9, 101), ("PCMA", 8, 101), ("PCMU", 0, 101)],
)
def test_the_answerer_takes_one_with_the_event_of_its_clock(
    name: str, number: int, event: int
) -> None:
    answer, theirs, ours = answered(MediaPolicy(sdes=SDES, codecs=(name,)))
    for agreement in (theirs, ours):
        assert (agreement.codec.encoding, agreement.codec.payload_type) == (name, number)
        assert agreement.dtmf_payload_type == event
        assert agreement.receive_dtmf_payload_type == event
        assert agreement.dtmf_clock_rate is None
        assert agreement.receive_events == ()
        assert agreement.codec_parameters == ("useinbandfec=1" if name == "opus" else "")
    assert f"m=audio 6000 RTP/SAVP {number} {event}" in lines(answer)


def test_the_first_of_the_offer_that_the_policy_has_is_taken() -> None:
    reversed_policy = MediaPolicy(sdes=SDES, codecs=ALL[::-1])
    _, theirs, _ = answered(reversed_policy)
    assert theirs.codec == OPUS


def test_numbers_of_the_offer_are_answered_in_kind() -> None:
    offer = OFFER.replace(b"111", b"97").replace(b"110", b"98")
    answer, theirs = make_answer(choose(offer, POLICY), peer(), PEER_ORIGIN)
    assert theirs.codec == AudioCodec("opus", 97, 48000, 2)
    assert "m=audio 6000 RTP/SAVP 97 98" in lines(answer)
    assert "a=rtpmap:97 opus/48000/2" in lines(answer)
    assert "a=fmtp:97 useinbandfec=1" in lines(answer)


@pytest.mark.parametrize(
    "said", ["opus/48000", "opus/48000/1", "opus/16000/2", "opus/8000", "G722/16000", "G722/8000/2"]
)
def test_a_codec_under_other_terms_is_not_that_codec(said: str) -> None:
    assert formats("96", f"rtpmap:96 {said}").codecs == ()


def test_the_name_is_compared_in_any_case_and_told_as_the_standard_has_it() -> None:
    assert formats("96 9", "rtpmap:96 OPUS/48000/2", "rtpmap:9 g722/8000").codecs == (
        AudioCodec("opus", 96, 48000, 2),
        AudioCodec("G722", 9, 8000),
    )


def test_the_peers_parameters_are_handed_on_each_with_its_codec() -> None:
    found = formats(
        "8 97 96",
        "rtpmap:96 opus/48000/2",
        "rtpmap:97 opus/48000/2",
        "fmtp:96 maxaveragebitrate=20000; stereo=1;useinbandfec=1",
    )
    said = [found.parameters_of(codec) for codec in found.codecs]
    assert said == ["", "", "maxaveragebitrate=20000; stereo=1;useinbandfec=1"]


def test_parameters_beyond_all_measure_are_left_out() -> None:
    long = "x=" + "1" * MAX_PARAMETERS
    found = formats("96", "rtpmap:96 opus/48000/2", f"fmtp:96 {long}")
    assert found.parameters == ("",)
    assert found.codecs == (AudioCodec("opus", 96, 48000, 2),)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=600))
def test_any_parameters_cost_nothing_but_themselves(said: str) -> None:
    found = formats("96", "rtpmap:96 opus/48000/2", f"fmtp:96 {said}")
    assert len(found.codecs) == len(found.parameters) == 1
    assert len(found.parameters[0]) <= MAX_PARAMETERS


def test_beside_opus_an_event_of_8000_is_better_than_none() -> None:
    # baresip and others offer no other, whatever their audio is.
    offer = edit(OFFER, "a=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-15\r\n", "")
    _, theirs, ours = answered(POLICY, edit(offer, " 110 101", " 101"))
    for agreement in (theirs, ours):
        assert agreement.codec == OPUS
        assert (agreement.dtmf_payload_type, agreement.dtmf_clock_rate) == (101, 8000)


def test_an_answer_with_an_event_of_8000_beside_opus_is_taken_so() -> None:
    answer, _, _ = answered(MediaPolicy(sdes=SDES, codecs=("opus",)))
    answer = edit(answer, "RTP/SAVP 111 110", "RTP/SAVP 111 101")
    answer = edit(answer, "110 telephone-event/48000", "101 telephone-event/8000")
    ours = read_answer(OFFER, edit(answer, "fmtp:110", "fmtp:101"), us(), POLICY)
    assert (ours.dtmf_payload_type, ours.receive_dtmf_payload_type) == (101, 101)
    assert ours.dtmf_clock_rate == 8000


def test_an_answer_with_several_codecs_lets_each_event_of_ours_come_in() -> None:
    answer, _, _ = answered(MediaPolicy(sdes=SDES, codecs=("opus",)))
    answer = edit(answer, "RTP/SAVP 111 110", "RTP/SAVP 111 8 110 101")
    answer = edit(answer, "a=ptime", "a=rtpmap:101 telephone-event/8000\r\na=ptime")
    ours = read_answer(OFFER, answer, us(), POLICY)
    assert [codec.encoding for codec in ours.receive_codecs] == ["opus", "PCMA"]
    assert (ours.receive_dtmf_payload_type, ours.receive_events) == (110, ((101, 8000),))


def test_an_answer_with_an_event_that_was_not_offered_has_none() -> None:
    answer, _, _ = answered(MediaPolicy(sdes=SDES, codecs=("opus",)))
    answer = edit(answer, "telephone-event/48000", "telephone-event/16000")
    ours = read_answer(OFFER, answer, us(), POLICY)
    assert ours.dtmf_payload_type is None
    assert ours.receive_dtmf_payload_type is None


def test_holding_keeps_every_format_and_its_number() -> None:
    _, _, ours = answered(POLICY)
    again = make_reoffer(OFFER, ours, us(), POLICY)
    kept = ("m=", "a=rtpmap", "a=fmtp")
    assert [line for line in lines(again) if line.startswith(kept)] == [
        line for line in lines(OFFER) if line.startswith(kept)
    ]
