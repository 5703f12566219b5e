"""Offhook with every peer, by every keying that both have, called and calling.

Each call is alone in a network of its own, and all its UDP is captured. With
OFFHOOK_KEYING_TABLE=FILE in the environment, what was found is written there as JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from tests.interop.lab import parties
from tests.interop.lab.asterisk import Asterisk
from tests.interop.lab.capture import Capture
from tests.interop.lab.correlation import align
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.logs import show_logs_of
from tests.interop.lab.negotiated import Negotiated
from tests.interop.lab.network import own_network
from tests.interop.lab.overheard import plain_rtp, speech_in
from tests.interop.lab.parties import Party
from tests.interop.lab.pcap import Packet
from tests.interop.lab.roots import DEBIAN_13
from tests.interop.lab.rtp import rtp_flows
from tests.interop.lab.rtpengine import Rtpengine, Side
from tests.interop.lab.speech import Samples, read_wav

ARRIVED, STRANGE = 0.7, 0.2
"""That somebody was heard, not how well: linphonec's own clock slips, and Opus is no waveform."""
SPEECH_S, LEAD_S = 4.0, 2.0
TABLE: Final = "OFFHOOK_KEYING_TABLE"
DIRECTIONS: Final = ("Offhook calls", "the peer calls")
CM: Final = "AES_CM_128_HMAC_SHA1_80"
GCM: Final = "AEAD_AES_256_GCM"
EVERY_PORT: Final = range(1, 65536)
_FEW: Final = 20
"""Packets of a flow that carries no speech."""


@dataclass(frozen=True)
class Case:
    """A peer and how it keys: what Offhook's leg is expected to have, and the peer's own.

    `border` are the keyings of an rtpengine between them, the peer's first. Where the peer offers
    less than it takes, `suite_when_called` is what there is when it calls.
    """

    peer: str
    opens: Callable[[Laboratory], AbstractContextManager[Party]]
    keying: str
    suite: str
    trust: str = "hop by hop"
    border: tuple[Side, Side] | None = None
    suite_when_called: str | None = None
    codec: str = "PCMU"

    def __str__(self) -> str:
        return f"{self.keying} {self.peer}"


CASES: Final = (
    Case(
        "baresip 1.0.0",
        lambda lab: parties.baresip(lab, "srtp-mand"),
        "sdes",
        GCM,
        suite_when_called=CM,
    ),
    Case(
        "baresip 1.1.0",
        lambda lab: parties.baresip(lab, "srtp-mand", DEBIAN_13),
        "sdes",
        GCM,
        suite_when_called=CM,
    ),
    Case("linphonec", lambda lab: parties.linphone(lab, "srtp"), "sdes", CM),
    Case("Asterisk", lambda lab: parties.asterisk(lab, "sdes"), "sdes", CM),
    Case(
        "rtpengine before DTLS",
        lambda lab: parties.baresip(lab, "dtls_srtp"),
        "sdes",
        GCM,
        border=("dtls", "sdes"),
    ),
)


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
    answered_at: float | None

    @property
    def expected_suite(self) -> str:
        case = self.case
        called = self.direction != DIRECTIONS[0]
        return (case.suite_when_called if called else None) or case.suite

    @property
    def media_ms(self) -> float | None:
        """From the answer at Offhook's registrar to encrypted speech on every leg, both ways."""
        begun = [
            flow.packets[0].time for flow in rtp_flows(self.packets) if len(flow.packets) > _FEW
        ]
        if self.answered_at is None or not begun:
            return None
        return (max(begun) - self.answered_at) * 1000


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    yield rows
    file = os.environ.get(TABLE)
    if file and not request.session.testsfailed:
        Path(file).write_text(json.dumps(rows, indent=1) + "\n")


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
        capture = Capture(directory / "all.pcap", udp_ports=[EVERY_PORT])
        with capture:
            status, report, negotiated, heard = talk(lab, party, case, direction)
        if party.browser is None:
            heard = party.heard()
        answers = [line for line in lab.secure.log("reply") if line.words[2] == "200"]
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
            capture.packets(),
            float(answers[-1].words[1]) if answers else None,
        )


def talk(
    lab: Laboratory, party: Party, case: Case, direction: str
) -> tuple[int, dict[str, Any], Negotiated, Samples]:
    phone = lab.desk(parties.OURS, registrar=party.registrar, codecs=(case.codec,))
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
    assert (media["keying"], media["suite"], media["trust"]) == (
        case.keying,
        conversation.expected_suite,
        case.trust,
    )
    assert media["reasons"]


def test_the_peer_says_the_same_of_its_leg(conversation: Conversation) -> None:
    case, theirs = conversation.case, conversation.negotiated
    if case.border is None:
        assert (theirs.keying, theirs.suite) == (case.keying, conversation.expected_suite)
    else:
        assert theirs.keying == case.border[0]


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
    conversation: Conversation, table: list[dict[str, Any]]
) -> None:
    talked = conversation
    assert [flow for flow in rtp_flows(talked.packets) if len(flow.packets) > _FEW]
    assert plain_rtp(talked.packets) == []
    assert speech_in(talked.packets, talked.english, talked.french) < STRANGE
    media = talked.report["media"]
    table.append(
        {
            "peer": talked.case.peer,
            "direction": talked.direction,
            "keying": media["keying"],
            "suite": media["suite"],
            "trust": media["trust"],
            "reasons": media["reasons"],
            "their_leg": f"{talked.negotiated.keying} {talked.negotiated.suite}",
            "detail": talked.negotiated.detail,
            "media_ms": talked.media_ms,
            "answered_to_first_received_ms": talked.report["timing_ms"][
                "answered_to_first_received"
            ],
        }
    )
