"""Offhook through Kamailio to baresip and back: registered with SHA-256, SDES, G.711, RFC 4733."""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.interop.lab.certificates import LabAuthority
from tests.interop.lab.correlation import align
from tests.interop.lab.laboratory import LEAD_S, PASSWORDS, SPEECH_S, Laboratory, let_speak
from tests.interop.lab.logs import show_logs_of
from tests.interop.lab.offhook import Ended
from tests.interop.lab.pcap import Packet
from tests.interop.lab.rtp import PCMA, PCMU, RtpFlow, g711_audio, parse_rtp, rtp_flows
from tests.interop.lab.sip_trace import CallKeys, SdesKey, sdes_keys
from tests.interop.lab.speech import (
    ENGLISH_CONTROL,
    FRENCH_CONTROL,
    Samples,
    read_wav,
    speech,
)
from tests.interop.lab.srtp import decrypt, open_rtcp

ARRIVED, STRANGE = 0.95, 0.2
EXPEDITED_FORWARDING, CLASS_SELECTOR_3 = 46, 24
FROM_OFFHOOK, FROM_BARESIP = "159#", "*02"
TALK_S = LEAD_S + SPEECH_S + 0.5


@dataclass(frozen=True)
class Conversation:
    """One whole call: Offhook said `english`, baresip `french`; who heard what; the capture."""

    ended: Ended
    english: Samples
    french: Samples
    codec: str
    heard_by_offhook: Samples
    heard_by_baresip: Samples
    digits_heard_by_baresip: str
    keys: CallKeys
    from_offhook: RtpFlow
    from_baresip: RtpFlow
    rtcp_from_offhook: list[Packet]
    signalling_from_offhook: list[Packet]

    @property
    def report(self) -> dict[str, Any]:
        """The report of the call itself, the only one of an `answer`."""
        (call,) = self.ended.report.get("calls", [self.ended.report])
        return dict(call)


@pytest.fixture(scope="module")
def lab(
    peers: None,  # noqa: ARG001 - skips
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Laboratory, None, None]:
    directory = tmp_path_factory.mktemp("lab")
    show_logs_of(request.node, directory)
    with Laboratory(directory) as laboratory:
        yield laboratory


@pytest.fixture(scope="module", params=["offhook calls", "baresip calls"])
def conversation(lab: Laboratory, request: pytest.FixtureRequest) -> Conversation:
    """Both speak for as long as they have words, send digits, and the caller hangs up."""
    offhook_calls = request.param == "offhook calls"
    codec = "PCMU" if offhook_calls else "PCMA"
    phone = lab.desk()
    recording = lab.directory / f"{request.param.replace(' ', '-')}.wav"
    talk = ["--play", str(lab.english_wav), "--record", str(recording), "--digits", FROM_OFFHOOK]
    with (
        lab.telephone(lab.stock, "bob", lab.french_wav, codecs=f"{codec}/8000/1") as bob,
        lab.capture(bob) as capture,
    ):
        if offhook_calls:
            command = phone.run("call", "sip:bob@stock.test", *talk, "--seconds", f"{TALK_S + 1}")
        else:
            command = phone.run("answer", "--calls", "1", *talk)
        with command:
            command.wait_registered(lab.secure, "alice")
            flow_port = int(lab.secure.wait_for("registered", "alice").words[-1])
            if not offhook_calls:
                bob.dial("sip:alice@secure.test")
            bob.wait_established()
            bob.send_digits(FROM_BARESIP)
            digits = bob.digits_heard(len(FROM_OFFHOOK))
            let_speak()
            if not offhook_calls:
                bob.hang_up()
            bob.wait_closed()
            ended = command.end()
    packets = capture.packets()
    flows = {flow.source.port in bob.rtp_ports: flow for flow in reversed(rtp_flows(packets))}
    return Conversation(
        ended,
        lab.english,
        lab.french,
        codec,
        read_wav(recording),
        bob.heard()[-1],
        digits,
        sdes_keys(bob.trace()),
        flows[False],
        flows[True],
        [
            packet
            for packet in packets
            if packet.protocol == "udp"
            and packet.source.port not in bob.rtp_ports
            and parse_rtp(packet.payload) is None
        ],
        [
            packet
            for packet in packets
            if packet.protocol == "tcp" and packet.source.port == flow_port and packet.payload
        ],
    )


def test_the_call_is_completed_encrypted_and_reported(conversation: Conversation) -> None:
    report = conversation.report
    assert conversation.ended.status == 0
    assert report["outcome"] == "completed"
    assert report["signalling"]["peer_name"] == "secure.test"
    assert report["signalling"]["tls_version"] == "TLSv1.3"
    assert report["signalling"]["group"]
    assert report["media"]["keying"] == "sdes"
    assert report["media"]["codec"] == conversation.codec
    assert report["media"]["suite"] == conversation.keys.receiving.suite
    assert report["quality"]["lost"] == 0


def test_speech_arrives_both_ways(conversation: Conversation) -> None:
    assert align(conversation.french, conversation.heard_by_offhook).coefficient >= ARRIVED
    assert align(conversation.english, conversation.heard_by_baresip).coefficient >= ARRIVED


def test_control_other_speech_is_not_heard(conversation: Conversation) -> None:
    for heard, others in (
        (conversation.heard_by_offhook, (conversation.english, speech(FRENCH_CONTROL, SPEECH_S))),
        (conversation.heard_by_baresip, (conversation.french, speech(ENGLISH_CONTROL, SPEECH_S))),
    ):
        for other in others:
            assert abs(align(other, heard).coefficient) < STRANGE


def test_digits_arrive_both_ways(conversation: Conversation) -> None:
    assert conversation.digits_heard_by_baresip == FROM_OFFHOOK
    assert conversation.report["digits_received"] == FROM_BARESIP


def test_no_captured_payload_decodes_as_speech(conversation: Conversation) -> None:
    for flow, said in (
        (conversation.from_offhook, conversation.english),
        (conversation.from_baresip, conversation.french),
    ):
        for law in (PCMU, PCMA):
            assert abs(align(said, g711_audio(flow.packets, law)).coefficient) < STRANGE


def test_a_wrong_key_decodes_nothing(conversation: Conversation) -> None:
    keys = conversation.keys
    for flow, of_the_other_direction in (
        (conversation.from_offhook, keys.sending),
        (conversation.from_baresip, keys.receiving),
    ):
        flipped = bytearray(of_the_other_direction.key_and_salt)
        flipped[0] ^= 1
        stranger = SdesKey(1, of_the_other_direction.suite, bytes(flipped))
        for wrong in (of_the_other_direction, stranger):
            opened = decrypt(flow, wrong)
            assert (len(opened.packets), opened.refused) == (0, len(flow.packets))


def test_whatever_else_leaves_offhook_for_the_peer_is_srtcp(conversation: Conversation) -> None:
    sent = [packet.payload for packet in conversation.rtcp_from_offhook]
    keys = conversation.keys
    assert sent
    assert len(open_rtcp(sent, keys.receiving)) == len(sent)
    assert open_rtcp(sent, keys.sending) == []


def test_no_sip_and_no_key_is_readable_on_the_wire_or_in_what_offhook_prints(
    conversation: Conversation,
) -> None:
    on_the_wire = b"".join(packet.payload for packet in conversation.signalling_from_offhook)
    keys = (conversation.keys.sending, conversation.keys.receiving)
    encoded = [base64.b64encode(key.key_and_salt).decode() for key in keys]
    for telling in ("SIP/2.0", "INVITE", *encoded):
        assert telling.encode() not in on_the_wire
    for telling in ("inline:", "response=", PASSWORDS["alice"], *encoded):
        assert telling not in conversation.ended.printed
    assert b"secure.test" in on_the_wire, "control: the server name is sent in the clear"


def test_control_the_same_capture_holds_the_speech_for_who_has_the_key(
    conversation: Conversation,
) -> None:
    for flow, key, said in (
        (conversation.from_offhook, conversation.keys.receiving, conversation.english),
        (conversation.from_baresip, conversation.keys.sending, conversation.french),
    ):
        opened = decrypt(flow, key)
        assert opened.refused == 0
        assert align(said, g711_audio(opened.packets)).coefficient >= ARRIVED
        assert flow.packets_per_second >= 50


def test_media_is_marked_ef_and_signalling_cs3(conversation: Conversation) -> None:
    assert conversation.from_offhook.dscp == {EXPEDITED_FORWARDING}
    assert {packet.dscp for packet in conversation.rtcp_from_offhook} == {EXPEDITED_FORWARDING}
    assert {packet.dscp for packet in conversation.signalling_from_offhook} == {CLASS_SELECTOR_3}


@pytest.mark.parametrize("ender", ["offhook", "baresip"])
@pytest.mark.parametrize("caller", ["offhook", "baresip"])
def test_either_side_hangs_up(lab: Laboratory, caller: str, ender: str) -> None:
    phone = lab.desk()
    until = ["--seconds", "1.5"] if ender == "offhook" else []
    with lab.telephone(lab.stock, "bob", lab.french_wav) as bob:
        if caller == "offhook":
            command = phone.run("call", "sip:bob@stock.test", *until)
        else:
            command = phone.run("answer", *until)
        with command:
            command.wait_registered(lab.secure, "alice")
            if caller == "baresip":
                bob.dial("sip:alice@secure.test")
            bob.wait_established()
            if ender == "baresip":
                bob.control.pump(1.5)
                bob.hang_up()
            bob.wait_closed()
            ended = command.end()
        (report,) = ended.report.get("calls", [ended.report])
        assert ended.status == 0
        assert report["outcome"] == "completed"
        assert report["ended_by"] == ("local" if ender == "offhook" else "peer")


def test_keys_offered_under_rtp_avp_are_taken(lab: Laboratory) -> None:
    phone = lab.desk()
    with (
        lab.telephone(lab.stock, "bob", lab.french_wav, keying="srtp") as bob,
        phone.run("answer", "--seconds", "1") as command,
    ):
        command.wait_registered(lab.secure, "alice")
        bob.dial("sip:alice@secure.test")
        bob.wait_closed()
        ended = command.end()
        (offer,) = {text.body for text in bob.trace() if text.start_line.startswith("INVITE ")}
    assert "RTP/AVP" in offer
    assert ended.status == 0
    assert ended.report["calls"][0]["outcome"] == "completed"


def test_a_caller_without_srtp_is_refused_with_488(lab: Laboratory) -> None:
    phone = lab.desk()
    with (
        lab.telephone(lab.stock, "bob", lab.french_wav, keying="") as bob,
        lab.capture(bob) as capture,
        phone.run("answer") as command,
    ):
        command.wait_registered(lab.secure, "alice")
        bob.dial("sip:alice@secure.test")
        assert "488" in bob.wait_closed().parameter
        ended = command.end()
    assert ended.status == 6
    assert ended.report["calls"][0]["outcome"] == "insecure"
    assert ended.report["calls"][0]["sip_status"] == 488
    assert rtp_flows(capture.packets()) == []


def test_a_called_peer_without_srtp_gets_no_speech(lab: Laboratory) -> None:
    phone = lab.desk()
    with (
        lab.telephone(lab.stock, "bob", lab.french_wav, keying="") as bob,
        lab.capture(bob) as capture,
        phone.run("call", "sip:bob@stock.test", "--seconds", "2") as command,
    ):
        ended = command.end()
    assert ended.status == 6
    assert ended.report["outcome"] == "insecure"
    # It takes the last form, RTP/AVP with ZRTP's hash, for plain RTP, and may begin to send that.
    assert {flow.source[1] for flow in rtp_flows(capture.packets())} <= set(bob.rtp_ports)


def test_a_registrar_that_demands_a_client_certificate_is_shown_ours(lab: Laboratory) -> None:
    port = lab.secure.domain.certificate_port
    phone = lab.desk(port=port, certified=True)
    with (
        lab.telephone(lab.stock, "bob", lab.french_wav) as bob,
        phone.run("call", "sip:bob@stock.test", "--seconds", "1.5") as command,
    ):
        command.wait_registered(lab.secure, "alice")
        bob.wait_established()
        ended = command.end()
    assert ended.status == 0
    assert lab.secure.wait_for("registered", "alice").words[-2] == "alice@secure.test"


def test_without_a_client_certificate_there_is_no_registration_there(lab: Laboratory) -> None:
    phone = lab.desk(port=lab.secure.domain.certificate_port)
    before = len(lab.secure.log("register"))
    with phone.run("status", "--seconds", "3") as command:
        ended = command.end()
    assert ended.status != 0
    assert not ended.report["accounts"][0]["registered"]
    assert len(lab.secure.log("register")) == before


@pytest.mark.parametrize("defect", ["unknown root", "other name"])
def test_a_registrar_that_cannot_be_verified_gets_no_sip(lab: Laboratory, defect: str) -> None:
    if defect == "unknown root":
        phone = lab.desk(root=LabAuthority(lab.directory / "stranger").root)
    else:
        phone = lab.desk(service_name="other.test")
    before = len(lab.secure.log("register"))
    with phone.run("status", "--seconds", "3") as command:
        ended = command.end()
    (account,) = ended.report["accounts"]
    assert ended.status == 3
    assert not account["registered"]
    assert account["failure"]["rule"]
    assert len(lab.secure.log("register")) == before


def test_md5_is_answered_only_where_the_account_allows_it(lab: Laboratory) -> None:
    strict = lab.desk(registrar=lab.stock)
    lenient = lab.desk(registrar=lab.stock, digest=("SHA-256", "MD5"))
    with strict.run("status", "--seconds", "5") as command:
        refused = command.end()
    assert refused.status != 0
    assert "trunk.digest" in refused.report["accounts"][0]["failure"]["reason"]
    with lenient.run("status", "--seconds", "5") as command:
        registered = command.end()
    assert registered.status == 0
    assert registered.report["accounts"][0]["registered"]
