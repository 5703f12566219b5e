"""Offhook with every peer, by every keying that both have, called and calling.

Each call is alone in a network of its own, and all its UDP is captured. What was found goes into
the table that OFFHOOK_KEYING_TABLE names.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any, Final

import pytest
from tests.interop.lab import parties
from tests.interop.lab.conversation import DIRECTIONS, Case, Conversation, converse
from tests.interop.lab.correlation import share_heard
from tests.interop.lab.linphone import STRONG_ZRTP
from tests.interop.lab.logs import show_logs_of
from tests.interop.lab.network import ADDRESS, own_network
from tests.interop.lab.overheard import media_flows, plain_rtp, speech_in
from tests.interop.lab.roots import DEBIAN_13

HEARD, UNHEARD, STRANGE = 0.5, 0.05, 0.2
"""That they were heard, not how well: linphonec's own clock slips, and Opus is no waveform."""
CM: Final = "AES_CM_128_HMAC_SHA1_80"
CM256: Final = "AES_256_CM_HMAC_SHA1_80"
GCM: Final = "AEAD_AES_256_GCM"
HOP_BY_HOP, END_TO_END = "hop by hop", "end to end"


SDES_ONLY: Final = ("sdes",)
WITHOUT_ZRTP: Final = ("sdes", "dtls-srtp")
"""Offered everything, rtpengine takes DTLS and linphonec runs ZRTP inside the others."""
SDES: Final = (
    Case(
        "baresip 1.0.0",
        lambda lab: parties.baresip(lab, "srtp-mand"),
        "sdes",
        HOP_BY_HOP,
        (GCM,),
        (CM,),
    ),
    Case(
        "baresip 1.1.0",
        lambda lab: parties.baresip(lab, "srtp-mand", DEBIAN_13),
        "sdes",
        HOP_BY_HOP,
        (GCM,),
        (CM,),
    ),
    Case("Asterisk", lambda lab: parties.asterisk(lab, "sdes"), "sdes", HOP_BY_HOP, (CM,)),
    Case(
        "linphonec",
        lambda lab: parties.linphone(lab, "srtp"),
        "sdes",
        HOP_BY_HOP,
        (CM256,),
        (CM,),
        keyings=SDES_ONLY,
    ),
    Case(
        "rtpengine before DTLS",
        lambda lab: parties.baresip(lab, "dtls_srtp"),
        "sdes",
        HOP_BY_HOP,
        (GCM,),
        border=("dtls", "sdes"),
        keyings=SDES_ONLY,
        # baresip misses the first handshakes, and rtpengine repeats them after 1, 2, 4 s.
        lead_s=9.0,
    ),
)
CHROMIUM: Final = Case(
    "Chromium",
    parties.chromium,
    "dtls-srtp",
    HOP_BY_HOP,
    (GCM,),
    (CM,),
    codec="opus",
    ice=True,
)
# Who opens the handshake takes what the other likes best.
DTLS: Final = (
    Case(
        "baresip 1.0.0",
        lambda lab: parties.baresip(lab, "dtls_srtp"),
        "dtls-srtp",
        HOP_BY_HOP,
        (GCM,),
        (CM,),
    ),
    Case(
        "baresip 1.1.0",
        lambda lab: parties.baresip(lab, "dtls_srtp", DEBIAN_13),
        "dtls-srtp",
        HOP_BY_HOP,
        (GCM,),
        (CM,),
    ),
    Case("Asterisk", lambda lab: parties.asterisk(lab, "dtls"), "dtls-srtp", HOP_BY_HOP, (CM,)),
    Case(
        "Asterisk with feedback",
        lambda lab: parties.asterisk(lab, "dtls", feedback=True),
        "dtls-srtp",
        HOP_BY_HOP,
        (CM,),
    ),
    Case(
        "linphonec",
        lambda lab: parties.linphone(lab, "dtls"),
        "dtls-srtp",
        HOP_BY_HOP,
        (CM,),
        keyings=WITHOUT_ZRTP,
    ),
    Case(
        "rtpengine before SDES",
        lambda lab: parties.baresip(lab, "srtp-mand"),
        "dtls-srtp",
        HOP_BY_HOP,
        (GCM,),
        border=("sdes", "dtls"),
    ),
    CHROMIUM,
)
# Whichever of the two commits first chooses of what both have.
ZRTP: Final = (
    Case("linphonec", lambda lab: parties.linphone(lab, "zrtp"), "zrtp", END_TO_END, (CM256, CM)),
    Case(
        "linphonec with X25519",
        lambda lab: parties.linphone(lab, "zrtp", STRONG_ZRTP),
        "zrtp",
        END_TO_END,
        (CM256,),
    ),
    Case(
        "linphonec, inside SDES",
        lambda lab: parties.linphone(lab, "srtp"),
        "zrtp",
        END_TO_END,
        (CM256, CM),
    ),
    Case(
        "linphonec, inside DTLS-SRTP",
        lambda lab: parties.linphone(lab, "dtls"),
        "zrtp",
        END_TO_END,
        (CM256, CM),
    ),
)
CASES: Final = (*SDES, *DTLS, *ZRTP)


@pytest.fixture(
    scope="module",
    params=[(case, direction) for case in CASES for direction in DIRECTIONS],
    ids=lambda given: f"{given[0]}, {given[1]}",
)
def conversation(
    more_peers: None,  # noqa: ARG001 - skips
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Conversation, None, None]:
    case, direction = request.param
    directory = tmp_path_factory.mktemp("keyings")
    show_logs_of(request.node, directory)
    with own_network():
        yield converse(case, direction, directory)


def test_the_call_is_keyed_as_expected_and_the_report_says_what_that_is_worth(
    conversation: Conversation,
) -> None:
    case, report = conversation.case, conversation.report
    assert conversation.status == 0, report
    assert report["outcome"] == "completed"
    media = report["media"]
    assert (media["keying"], media["trust"]) == (case.keying, case.trust)
    assert media["suite"] in conversation.expected
    assert media["reasons"]


def test_the_peer_says_the_same_of_its_leg(conversation: Conversation) -> None:
    case, theirs, media = conversation.case, conversation.negotiated, conversation.report["media"]
    if case.border is not None:
        assert theirs.keying == case.border[0]
        return
    assert theirs.keying == case.keying.removesuffix("-srtp")
    assert theirs.suite == media["suite"]
    assert theirs.sas == (media["sas"]["text"] if case.keying == "zrtp" else "")


def test_a_browser_names_our_address_and_our_certificate(conversation: Conversation) -> None:
    """Other peers name neither: of them their legs' flows are asked, which end at Offhook too."""
    seen, traced = conversation.browser, conversation.traced
    if seen is None:
        return
    assert seen.dtls_state == "connected"
    assert seen.codec == "audio/opus"
    assert f"a=fingerprint:sha-256 {seen.fingerprint}" in traced
    host, port = seen.remote
    assert host == ADDRESS
    assert re.search(rf"a=candidate:\S+ 1 udp \d+ {host} {port} typ host", traced, re.IGNORECASE)
    ways = {(flow.source, flow.destination) for flow in media_flows(conversation.packets)}
    assert ways == {(seen.local, seen.remote), (seen.remote, seen.local)}


def test_speech_arrives_both_ways(conversation: Conversation) -> None:
    talked = conversation
    assert share_heard(talked.french, talked.heard_by_offhook) >= HEARD
    assert share_heard(talked.english, talked.heard_by_peer) >= HEARD
    for other, heard in (
        (talked.english, talked.heard_by_offhook),
        (talked.french, talked.heard_by_peer),
    ):
        assert share_heard(other, heard) <= UNHEARD


def test_nothing_that_was_overheard_is_plain(
    conversation: Conversation, keying_table: list[dict[str, Any]]
) -> None:
    talked = conversation
    assert len(media_flows(talked.packets)) >= 2
    assert plain_rtp(talked.packets) == []
    assert speech_in(talked.packets, talked.english, talked.french) < STRANGE
    media = talked.report["media"]
    keying_table.append(
        {
            "peer": talked.case.peer,
            "direction": talked.direction,
            "keying": media["keying"],
            "suite": media["suite"],
            "trust": media["trust"],
            "reasons": media["reasons"],
            "their_leg": f"{talked.negotiated.keying} {talked.negotiated.suite}",
            "detail": talked.negotiated.detail,
            "keyed_after_ms": talked.keyed_after_ms,
            "answered_to_first_received_ms": talked.report["timing_ms"][
                "answered_to_first_received"
            ],
        }
    )
