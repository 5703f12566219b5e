"""Offhook with every peer, by every keying that both have, called and calling.

Each call is alone in a network of its own, and all its UDP is captured. What was found goes into
the table that OFFHOOK_KEYING_TABLE names.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from tests.interop.lab import parties
from tests.interop.lab.asterisk import Asterisk
from tests.interop.lab.correlation import align
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.linphone import STRONG_ZRTP
from tests.interop.lab.logs import show_logs_of
from tests.interop.lab.negotiated import Negotiated
from tests.interop.lab.network import own_network
from tests.interop.lab.overheard import keyed_after_ms, media_flows, plain_rtp, speech_in
from tests.interop.lab.parties import Party
from tests.interop.lab.pcap import Packet
from tests.interop.lab.roots import DEBIAN_13
from tests.interop.lab.rtpengine import Rtpengine, Side
from tests.interop.lab.speech import Samples, read_wav

ARRIVED, STRANGE = 0.7, 0.2
"""That somebody was heard, not how well: linphonec's own clock slips, and Opus is no waveform."""
SPEECH_S, LEAD_S = 4.0, 2.0
DIRECTIONS: Final = ("Offhook calls", "the peer calls")
CM: Final = "AES_CM_128_HMAC_SHA1_80"
CM256: Final = "AES_256_CM_HMAC_SHA1_80"
GCM: Final = "AEAD_AES_256_GCM"
HOP_BY_HOP, END_TO_END = "hop by hop", "end to end"


@dataclass(frozen=True)
class Case:
    """A peer, how Offhook's leg is keyed with it, and what that is worth.

    Any of `suites` may come out, or of `suites_when_called` where there are such. `border` are
    the keyings of an rtpengine between the two, the peer's first; `keyings` are those that
    Offhook's account has, if not all.
    """

    peer: str
    opens: Callable[[Laboratory], AbstractContextManager[Party]]
    keying: str
    trust: str
    suites: tuple[str, ...]
    suites_when_called: tuple[str, ...] = ()
    border: tuple[Side, Side] | None = None
    codec: str = "PCMU"
    keyings: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return f"{self.keying} {self.peer}"


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
    ),
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
    Case("Chromium", parties.chromium, "dtls-srtp", HOP_BY_HOP, (GCM,), codec="opus"),
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


@dataclass(frozen=True)
class Conversation:
    """One whole call: Offhook said `english`, the peer `french`; who heard what; the capture."""

    case: Case
    direction: str
    status: int
    report: dict[str, Any]
    negotiated: Negotiated
    english: Samples
    french: Samples
    heard_by_offhook: Samples
    heard_by_peer: Samples
    packets: list[Packet]
    keyed_after_ms: float | None

    @property
    def expected(self) -> tuple[str, ...]:
        case = self.case
        called = self.direction != DIRECTIONS[0]
        return (called and case.suites_when_called) or case.suites


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


def converse(case: Case, direction: str, directory: Path) -> Conversation:
    """Both speak for as long as they have words, and the caller hangs up."""
    with ExitStack() as running:
        border = None
        if case.border is not None:
            engine = running.enter_context(Rtpengine(directory / "rtpengine"))
            border = engine.border(users=case.border[0], neighbour=case.border[1])
        lab = running.enter_context(
            Laboratory(
                directory,
                border=border,
                web=case.codec == "opus",
                speech_s=SPEECH_S,
                lead_s=LEAD_S,
            )
        )
        party = running.enter_context(case.opens(lab))
        with lab.capture_all() as capture:
            status, report, negotiated, heard = talk(lab, party, case, direction)
        if party.browser is None:
            heard = party.heard()
        packets = capture.packets()
        return Conversation(
            case,
            direction,
            status,
            report,
            negotiated,
            lab.english,
            lab.french,
            read_wav(directory / "heard.wav"),
            heard,
            packets,
            keyed_after_ms(packets, lab.secure),
        )


def talk(
    lab: Laboratory, party: Party, case: Case, direction: str
) -> tuple[int, dict[str, Any], Negotiated, Samples]:
    phone = lab.desk(
        parties.OURS, registrar=party.registrar, codecs=(case.codec,), keyings=case.keyings
    )
    said = ["--play", str(lab.english_wav), "--record", str(lab.directory / "heard.wav")]
    command = (
        phone.run("call", party.address, *said)
        if direction == "Offhook calls"
        else phone.run("answer", "--calls", "1", *said)
    )
    with command:
        if direction != "Offhook calls":
            party.wait_for_us()
            if not isinstance(party.registrar, Asterisk):
                command.wait_registered(party.registrar, parties.OURS)
            party.call_us()
        party.wait_established()
        parties.let_talk(LEAD_S, SPEECH_S)
        negotiated = party.negotiated()
        heard = lab.english[:0] if party.browser is None else party.heard()
        party.hang_up()
        party.wait_closed()
        ended = command.end()
    (call,) = ended.report.get("calls", [ended.report])
    return ended.status, dict(call), negotiated, heard


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


def test_speech_arrives_both_ways(conversation: Conversation) -> None:
    talked = conversation
    to_us = align(talked.french, talked.heard_by_offhook).coefficient
    to_them = align(talked.english, talked.heard_by_peer).coefficient
    assert min(to_us, to_them) >= ARRIVED
    for other, heard in (
        (talked.english, talked.heard_by_offhook),
        (talked.french, talked.heard_by_peer),
    ):
        assert abs(align(other, heard).coefficient) < STRANGE


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
