"""Offers within a session: hold, resume, re-keying, moving; from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.protocols.sdp.ends import (
    CM80,
    GCM,
    OUR_ORIGIN,
    PEER_ORIGIN,
    POLICY,
    edit,
    key,
    lines,
    peer,
    sample,
    us,
)

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.sdes import format_crypto
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.sdp.description import parse_sdp
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    LocalMedia,
    MediaPolicy,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    read_answer,
)

OFFER = make_offer(us(), POLICY, OUR_ORIGIN)
ANSWER, PEERS_VIEW = make_answer(choose(OFFER, POLICY), peer(), PEER_ORIGIN)
OUR_VIEW = read_answer(OFFER, ANSWER, us(), POLICY)


def keeping(local: LocalMedia, agreement: Agreement) -> LocalMedia:
    """The same end with the key that is in use."""
    return replace(local, crypto=(agreement.send_keys,))


def test_a_reoffer_keeps_session_key_suite_and_tag_and_raises_the_version() -> None:
    again = make_reoffer(OFFER, OUR_VIEW, us(), POLICY)
    assert lines(again) == [
        "v=0",
        "o=- 1001 2 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 4000 RTP/SAVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        f"a=crypto:{format_crypto(us().crypto[0])}",
        "a=rtcp:4001",
        "a=rtcp-mux",
        "a=sendrecv",
    ]


def test_hold_and_resume_keep_both_keys() -> None:
    held = make_reoffer(OFFER, OUR_VIEW, us(), POLICY, direction=Direction.SENDONLY)
    choice = choose(held, POLICY, PEERS_VIEW)
    answer, peers_view = make_answer(choice, keeping(peer(), PEERS_VIEW), PEER_ORIGIN.raised())
    assert lines(answer)[-1] == "a=recvonly"
    assert (peers_view.sending, peers_view.receiving, peers_view.held) == (False, True, True)
    our_view = read_answer(held, answer, us(), POLICY)
    assert (our_view.sending, our_view.receiving, our_view.held) == (True, False, False)

    resumed = make_reoffer(held, our_view, us(), POLICY)
    choice = choose(resumed, POLICY, peers_view)
    answer, peers_view = make_answer(choice, keeping(peer(), peers_view), PEER_ORIGIN.raised())
    assert read_answer(resumed, answer, us(), POLICY) == OUR_VIEW
    assert peers_view == PEERS_VIEW
    assert parse_sdp(resumed).origin.version == 3


def test_the_side_that_answered_can_reoffer_and_keeps_the_peers_numbers_and_profile() -> None:
    offer = sample("offer-linphone-5.3-srtp").replace(b"RTP/SAVP", b"RTP/AVP")
    answer, agreement = make_answer(choose(offer, POLICY), us(), OUR_ORIGIN)
    again = lines(make_reoffer(answer, agreement, us(), POLICY, direction=Direction.SENDONLY))
    assert again[1] == "o=- 1001 2 IN IP4 192.0.2.1"
    assert "m=audio 4000 RTP/AVP 0 100" in again
    assert "a=rtpmap:100 telephone-event/8000" in again
    assert f"a=crypto:{format_crypto(replace(us().crypto[1], tag=2))}" in again
    assert "a=rtcp-mux" not in again


def test_media_sections_that_were_refused_stay_in_their_places() -> None:
    answer, agreement = make_answer(
        choose(sample("offer-video-and-audio"), POLICY), us(), OUR_ORIGIN
    )
    again = make_reoffer(answer, agreement, us(), POLICY)
    assert [(each.media, each.port) for each in parse_sdp(again).media] == [
        ("video", 0),
        ("audio", 4000),
        ("application", 0),
    ]
    assert (agreement.media_index, agreement.media_lines) == (1, 3)
    theirs = edit(edit(again, "m=audio 4000", "m=audio 6000"), "192.0.2.1", "192.0.2.2")
    theirs = edit(
        theirs,
        format_crypto(agreement.send_keys),
        format_crypto(replace(key("peer", CM80), tag=agreement.send_keys.tag)),
    )
    assert read_answer(again, theirs, us(), POLICY).media_index == 1


def test_a_fresh_key_is_offered_when_told() -> None:
    fresh = key("fresh", GCM)
    again = make_reoffer(OFFER, OUR_VIEW, us(), POLICY, fresh_key=fresh)
    assert f"a=crypto:{format_crypto(fresh)}" in lines(again)
    choice = choose(again, POLICY, PEERS_VIEW)
    assert choice.receive_keys == fresh
    answer, _ = make_answer(choice, keeping(peer(), PEERS_VIEW), PEER_ORIGIN.raised())
    agreement = read_answer(again, answer, us(), POLICY)
    assert (agreement.send_keys, agreement.receive_keys) == (fresh, OUR_VIEW.receive_keys)


def test_a_stream_moves_only_with_a_fresh_key() -> None:
    for moved in (
        replace(us(), rtp=PathAddress("192.0.2.1", 4002)),
        replace(us(), rtp=PathAddress("192.0.2.7", 4000)),
    ):
        with pytest.raises(LocalError, match="takes a fresh key"):
            make_reoffer(OFFER, OUR_VIEW, moved, POLICY)
        with pytest.raises(LocalError, match="takes a fresh key"):
            make_reoffer(OFFER, OUR_VIEW, moved, POLICY, fresh_key=us().crypto[0])
        again = make_reoffer(OFFER, OUR_VIEW, moved, POLICY, fresh_key=key("fresh", GCM))
        assert parse_sdp(again).origin == OUR_ORIGIN.raised()
        assert f"m=audio {moved.rtp.port} RTP/SAVP 8 0 101" in lines(again)


def test_no_key_outside_the_policy_is_reoffered() -> None:
    with pytest.raises(LocalError, match=f"the policy does not have {GCM}"):
        make_reoffer(OFFER, OUR_VIEW, us(), MediaPolicy(sdes=SdesPolicy((CM80,))))


def test_a_description_that_is_none_of_ours_is_our_own_fault() -> None:
    for previous in (b"", edit(OFFER, "8 0 101", "101"), edit(OFFER, "audio 4000", "audio 0")):
        with pytest.raises(LocalError, match="not a description of ours"):
            make_reoffer(previous, OUR_VIEW, us(), POLICY)


def test_a_changed_peer_key_is_taken() -> None:
    changed = edit(OFFER, format_crypto(us().crypto[0]), format_crypto(key("new", GCM)))
    choice = choose(changed, POLICY, PEERS_VIEW)
    _, agreement = make_answer(choice, keeping(peer(), PEERS_VIEW), PEER_ORIGIN.raised())
    assert agreement.receive_keys == key("new", GCM)
    assert agreement.send_keys == PEERS_VIEW.send_keys


def test_a_changed_key_in_a_later_answer_is_taken() -> None:
    again = make_reoffer(OFFER, OUR_VIEW, us(), POLICY)
    answer = edit(ANSWER, format_crypto(peer().crypto[0]), format_crypto(key("new", GCM)))
    agreement = read_answer(again, answer, us(), POLICY)
    assert agreement.receive_keys == key("new", GCM)
    assert agreement.send_keys == OUR_VIEW.send_keys


def test_the_suite_in_use_goes_before_the_offers_order() -> None:
    on_cm80 = make_answer(
        choose(OFFER, MediaPolicy(sdes=SdesPolicy((CM80,)))), peer(), PEER_ORIGIN
    )[1]
    assert choose(OFFER, POLICY).suite.name == GCM
    assert choose(OFFER, POLICY, on_cm80).suite.name == CM80


def test_the_stream_in_use_goes_before_an_earlier_one() -> None:
    offer = sample("offer-dtls-then-sdes")
    agreement = make_answer(choose(offer, POLICY), us(), OUR_ORIGIN)[1]
    line = f"a=crypto:{format_crypto(key('first', CM80))}"
    both = edit(edit(offer, "UDP/TLS/RTP/SAVP", "RTP/SAVP"), "a=setup:actpass", line)
    assert choose(both, POLICY).media_index == 0
    assert choose(both, POLICY, agreement).media_index == 1


def test_a_suite_that_changes_needs_a_key_of_ours_for_it() -> None:
    only_cm80 = edit(OFFER, f"a=crypto:{format_crypto(us().crypto[0])}\r\n", "")
    choice = choose(only_cm80, POLICY, PEERS_VIEW)
    with pytest.raises(LocalError, match=f"no key was made for {CM80}"):
        make_answer(choice, keeping(peer(), PEERS_VIEW), PEER_ORIGIN.raised())
    assert make_answer(choice, peer(), PEER_ORIGIN.raised())[1].send_keys.suite.name == CM80


@pytest.mark.parametrize("direction", ["sendrecv", "sendonly", "recvonly", "inactive"])
def test_cve_2022_39269_srtp_never_becomes_rtp_on_restart(direction: str) -> None:
    # Held, then started again without keys: the peer's second offer falls back to plain RTP.
    held = make_reoffer(OFFER, OUR_VIEW, us(), POLICY, direction=Direction.INACTIVE)
    choice = choose(held, POLICY, PEERS_VIEW)
    _, agreement = make_answer(choice, keeping(peer(), PEERS_VIEW), PEER_ORIGIN.raised())
    crypto = f"a=crypto:{format_crypto(OUR_VIEW.send_keys)}\r\n"
    restart = edit(held, "a=inactive", f"a={direction}")
    assert choose(restart, POLICY, agreement).receive_keys == OUR_VIEW.send_keys
    for profile in ("RTP/SAVP", "RTP/AVP"):
        with pytest.raises(Unacceptable) as refusal:
            choose(edit(edit(restart, crypto, ""), "RTP/SAVP", profile), POLICY, agreement)
        assert (refusal.value.rule, refusal.value.status) == ("no-keys", 488)


def test_our_own_key_in_a_later_offer_is_refused_before_anything_is_answered() -> None:
    with pytest.raises(Unacceptable) as refusal:
        choose(make_reoffer(OFFER, OUR_VIEW, us(), POLICY), POLICY, OUR_VIEW)
    assert refusal.value.rule == "key-echoed"
