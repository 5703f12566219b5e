"""ICE in offer and answer: what is said, what is read, and when it is not used."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import (
    FULL,
    HOST_LINE,
    OUR_HOST,
    OUR_ORIGIN,
    PEER,
    PEER_HOST,
    PEER_ORIGIN,
    POLICY,
    RELAY,
    US,
    edit,
    lines,
    peer,
    sample,
    with_ice,
)

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.protocols.sdp.description import parse_sdp
from offhook.protocols.sdp.ice import LONGEST_CANDIDATE, MOST_CANDIDATES, IceSaid, read_ice
from offhook.protocols.sdp.negotiation import (
    Agreement,
    LocalMedia,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    read_answer,
)

UFRAG, PWD = "a=ice-ufrag:peer", f"a=ice-pwd:{'peersword' * 4}"


ICE_US = with_ice(US, "us")
ICE_PEER = with_ice(PEER, "peer")
OFFER = make_offer(ICE_PEER, FULL, PEER_ORIGIN)
DEFAULT = PathAddress(PEER_HOST, 6000)


def read(description: bytes, default: PathAddress = DEFAULT) -> IceSaid:
    session = parse_sdp(description)
    return read_ice(session, session.media[0], default)


def answered(offer: bytes, local: LocalMedia = ICE_US) -> tuple[bytes, Agreement]:
    return make_answer(choose(offer, FULL), local, OUR_ORIGIN)


def test_an_offer_says_credentials_and_all_candidates() -> None:
    said = lines(OFFER)
    place = said.index(UFRAG)
    assert said[place : place + 6] == [
        UFRAG,
        PWD,
        "a=ice-options:ice2",
        f"a=candidate:{HOST_LINE.format(*DEFAULT)}",
        f"a=candidate:{RELAY}",
        "a=end-of-candidates",
    ]
    assert "a=rtcp-mux" in said


def test_an_end_without_ice_says_nothing_of_it_and_answers_the_plain_path() -> None:
    text, agreement = answered(OFFER, US)
    assert agreement.ice is None
    assert agreement.remote == DEFAULT
    assert not any("ice" in line or "candidate" in line for line in lines(text))


def test_both_sides_have_the_others_description() -> None:
    answer, ours = answered(OFFER)
    theirs = read_answer(OFFER, answer, ICE_PEER, FULL)
    assert ours.ice == ICE_PEER.ice
    assert theirs.ice == ICE_US.ice
    assert (ours.remote_rtcp, theirs.remote_rtcp) == (None, None)


def test_what_m_and_c_name_is_our_default_candidate() -> None:
    assert ICE_US.ice is not None
    relayed = PathAddress("203.0.113.9", 50000)
    local = replace(ICE_US, ice=replace(ICE_US.ice, default=relayed))
    said = lines(make_offer(local, FULL, OUR_ORIGIN))
    assert "c=IN IP4 203.0.113.9" in said
    assert any(line.startswith("m=audio 50000 ") for line in said)
    assert f"a=rtcp:4001 IN IP4 {OUR_HOST}" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (UFRAG, "a=ice-ufrag:abc"),
        (UFRAG, f"a=ice-ufrag:{'a' * 257}"),
        (UFRAG, "a=ice-ufrag:with space"),
        (f"{UFRAG}\r\n", ""),
        (PWD, "a=ice-pwd:tooShortToBeAnyGoodxx"),
        (PWD, f"a=ice-pwd:{'a' * 257}"),
        (PWD, f"a=ice-pwd:{'ä' * 30}"),
        (f"{PWD}\r\n", ""),
        ("a=rtcp-mux\r\n", ""),
        ("a=ice-options", "a=ice-mismatch\r\na=ice-options"),
    ],
)
def test_without_sound_credentials_or_a_shared_port_there_is_no_ice(old: str, new: str) -> None:
    text, agreement = answered(edit(OFFER, old, new))
    assert agreement.ice is None
    assert not any("ice-" in line or "candidate" in line for line in lines(text))
    answer = edit(answered(OFFER)[0], "a=ice-ufrag:usaa", "a=ice-ufrag:us")
    assert read_answer(OFFER, answer, ICE_PEER, FULL).ice is None


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 tcp 2130706431 192.0.2.2 6000 typ host",
        "1 2 udp 2130706431 192.0.2.2 6000 typ host",
        "1 1 udp 2147483648 192.0.2.2 6000 typ host",
        "1 1 udp 0 192.0.2.2 6000 typ host",
        "1 1 udp 1 192.0.2.2 0 typ host",
        "1 1 udp 1 192.0.2.2 65536 typ host",
        "1 1 udp 1 192.0.2.2 6000",
        "1 1 udp 1 192.0.2.2 6000 typ host odd",
        "1 1 udp 1 192.0.2.2;rm 6000 typ host",
        f"{'1' * 33} 1 udp 1 192.0.2.2 6000 typ host",
        f"1 1 udp 1 192.0.2.2 6000 typ host note {'x' * LONGEST_CANDIDATE}",
        "",
    ],
)
def test_a_candidate_that_is_none_is_passed_over(candidate: str) -> None:
    host = f"a=candidate:{HOST_LINE.format(*DEFAULT)}"
    said = read(edit(OFFER, host, f"{host}\r\na=candidate:{candidate}")).peer
    assert said == ICE_PEER.ice


def test_no_more_candidates_are_read_than_can_be_tried() -> None:
    many = "\r\n".join(f"a=candidate:{HOST_LINE.format(PEER_HOST, 6000 + n)}" for n in range(100))
    said = read(edit(OFFER, f"a=candidate:{RELAY}", many)).peer
    assert said is not None
    assert len(said.candidates) == MOST_CANDIDATES


def test_credentials_may_stand_for_the_session_and_lite_always_does() -> None:
    whole = edit(edit(OFFER, f"{UFRAG}\r\n{PWD}\r\n", ""), "t=0 0", f"t=0 0\r\n{UFRAG}\r\n{PWD}")
    assert read(whole).peer == ICE_PEER.ice
    lite = read(edit(whole, "t=0 0", "t=0 0\r\na=ice-lite")).peer
    assert lite is not None
    assert lite.lite


@pytest.mark.parametrize(
    "change",
    [
        ("m=audio 6000", "m=audio 6002"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 192.0.2.200"),
        ("1 udp 2130706431 192.0.2.2 6000", "1 udp 2130706431 phone.local 6000"),
    ],
)
def test_a_default_that_is_no_candidate_is_answered_as_mismatch(change: tuple[str, str]) -> None:
    text, agreement = answered(edit(OFFER, *change))
    assert agreement.ice is None
    assert "a=ice-mismatch" in lines(text)
    assert not any(line.startswith("a=candidate") for line in lines(text))
    assert read_answer(OFFER, edit(text, "a=ice-mismatch", "a=x"), ICE_PEER, FULL).ice is None
    assert "a=ice-mismatch" not in lines(answered(edit(OFFER, *change), US)[0])


def test_an_answer_of_mismatch_leaves_the_plain_path() -> None:
    answer = answered(OFFER)[0]
    candidates = [line for line in lines(answer) if line.startswith("a=candidate")]
    for line in candidates:
        answer = edit(answer, f"{line}\r\n", "")
    mismatch = edit(answer, "a=ice-options:ice2", "a=ice-mismatch")
    assert read_answer(OFFER, mismatch, ICE_PEER, FULL).ice is None


def test_a_browsers_offer_without_an_address_yet_is_no_hold() -> None:
    text, agreement = answered(sample("offer-chromium"))
    assert agreement.ice is not None
    assert agreement.ice.default == PathAddress("0.0.0.0", 9)  # noqa: S104 - what it says
    assert len(agreement.ice.candidates) == 1
    assert (agreement.sending, agreement.receiving, agreement.held) == (True, True, False)
    assert "a=sendrecv" in lines(text)


def test_candidates_that_trickle_in_later_are_waited_for() -> None:
    host, end = f"a=candidate:{HOST_LINE.format(*DEFAULT)}\r\n", "a=end-of-candidates"
    none = edit(edit(OFFER, host, ""), f"a=candidate:{RELAY}\r\n{end}", "a=x")
    assert read(none) == IceSaid(mismatch=True)
    trickling = read(edit(none, "ice-options:ice2", "ice-options:ice2 trickle")).peer
    assert trickling is not None
    assert trickling.candidates == ()


def test_a_browsers_answer_is_taken_with_its_ice() -> None:
    offer = make_offer(ICE_US, FULL, OUR_ORIGIN)
    agreement = read_answer(offer, sample("answer-chromium"), ICE_US, FULL)
    assert agreement.ice is not None
    assert (agreement.ice.ufrag, agreement.ice.default.port) == ("Zk3v", 46243)


def test_a_reoffer_says_the_same_ice_and_none_where_none_was_agreed() -> None:
    answer, ours = answered(OFFER)
    theirs = read_answer(OFFER, answer, ICE_PEER, FULL)
    again = make_reoffer(OFFER, theirs, ICE_PEER, FULL)
    assert read(again).peer == ICE_PEER.ice
    plain = replace(theirs, ice=None)
    assert not any("ice-" in line for line in lines(make_reoffer(OFFER, plain, ICE_PEER, FULL)))
    assert choose(again, FULL, ours).ice == ICE_PEER.ice


@pytest.mark.parametrize(
    ("address", "port"),
    [("0.0.0.0", "9"), ("0.0.0.0", "6000"), ("192.0.2.2", "9")],  # noqa: S104 - what peers say
)
def test_a_default_that_is_not_known_yet_is_no_mismatch(address: str, port: str) -> None:
    offer = edit(
        edit(OFFER, "c=IN IP4 192.0.2.2", f"c=IN IP4 {address}"), "audio 6000", f"audio {port}"
    )
    text, agreement = answered(offer)
    assert agreement.ice is not None
    assert (agreement.sending, agreement.held) == (True, False)
    answer = edit(text, "c=IN IP4 192.0.2.1", f"c=IN IP4 {address}")
    answer = edit(answer, "audio 4000", f"audio {port}")
    view = read_answer(OFFER, answer, ICE_PEER, FULL)
    assert view.ice is not None
    assert (view.sending, view.held) == (True, False)


def test_ice_is_offered_only_where_rtcp_may_share_the_port() -> None:
    apart = replace(FULL, rtcp_mux=False)
    assert not any("ice-" in line for line in lines(make_offer(ICE_US, apart, OUR_ORIGIN)))


def test_an_answer_without_a_shared_port_or_unasked_has_no_ice() -> None:
    answer = answered(OFFER)[0]
    assert read_answer(OFFER, answer, ICE_PEER, FULL).ice is not None
    apart = edit(answer, "a=rtcp-mux", "a=rtcp:4001")
    assert read_answer(OFFER, apart, ICE_PEER, FULL).ice is None
    unasked = make_offer(PEER, FULL, PEER_ORIGIN)
    assert read_answer(unasked, answer, ICE_PEER, FULL).ice is None


def test_a_relayed_default_is_no_move_of_our_end_and_another_one_is() -> None:
    assert ICE_PEER.ice is not None
    relayed = replace(ICE_PEER.ice, default=PathAddress("203.0.113.9", 50000))
    local = replace(ICE_PEER, ice=relayed)
    offer = make_offer(local, POLICY, PEER_ORIGIN)
    answer, _ = make_answer(choose(offer, POLICY), ICE_US, OUR_ORIGIN)
    agreement = read_answer(offer, answer, local, POLICY)
    assert "m=audio 50000 " in make_reoffer(offer, agreement, local, POLICY).decode()
    other = replace(local, ice=replace(relayed, default=PathAddress("203.0.113.9", 50002)))
    with pytest.raises(LocalError, match="takes a fresh key"):
        make_reoffer(offer, agreement, other, POLICY)


def test_an_association_under_ice_is_not_moved_by_another_address() -> None:
    dtls = edit(OFFER, "RTP/SAVP", "UDP/TLS/RTP/SAVP")
    first = answered(dtls)[1]
    moved = edit(edit(dtls, "m=audio 6000", "m=audio 6002"), "192.0.2.2 6000", "192.0.2.2 6002")
    after = choose(moved, FULL, first).dtls
    assert after is not None
    assert not after.moved
    without = choose(edit(moved, UFRAG, "a=x"), FULL, first).dtls
    assert without is not None
    assert without.moved


@pytest.mark.parametrize(
    "wrong",
    [
        {"ufrag": "abc"},
        {"ufrag": "line\r\nbreak"},
        {"pwd": Secret("short")},
        {"candidates": ()},
        {"candidates": ("nonsense",)},
        {"default": PathAddress("phone.test", 4000)},
    ],
    ids=repr,
)
def test_no_ice_of_ours_is_malformed(wrong: dict[str, object]) -> None:
    assert ICE_US.ice is not None
    broken = replace(ICE_US, ice=replace(ICE_US.ice, **wrong))  # type: ignore[arg-type]
    with pytest.raises(LocalError):
        make_offer(broken, FULL, OUR_ORIGIN)


def test_no_password_is_shown() -> None:
    choice = choose(OFFER, FULL)
    assert choice.ice is not None
    shown = repr((choice, answered(OFFER)[1], ICE_US, parse_sdp(OFFER)))
    for name in ("us", "peer"):
        assert f"{name}sword" not in shown


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=300))
def test_no_text_of_a_peer_makes_the_reader_raise(ufrag: str, pwd: str, candidate: str) -> None:
    for old, new in ((UFRAG, ufrag), (PWD, pwd), (RELAY, candidate)):
        with contextlib.suppress(UnicodeEncodeError):
            text = edit(
                OFFER, old.partition(":")[2] or old, new.replace("\n", "").replace("\r", "")
            )
            session = parse_sdp(text.replace(b"\0", b""))
            said = read_ice(session, session.media[0], peer().rtp).peer
            assert said is None or len(said.candidates) <= 2
