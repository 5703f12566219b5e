"""The lab's instruments on material whose answer is known, and controls on which they must fail."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pylibsrtp import Policy, Session
from tests.interop.lab import wideband
from tests.interop.lab.correlation import align
from tests.interop.lab.ctrl_tcp import Netstrings
from tests.interop.lab.pcap import Address, BadCapture, read_pcap
from tests.interop.lab.ports import free_ports
from tests.interop.lab.processes import PeerFailed
from tests.interop.lab.rtp import PCMA, PCMU, RtpFlow, g711_audio, parse_rtp, rtp_flows
from tests.interop.lab.sip_trace import CallKeys, SdesKey, sdes_keys, traced_messages
from tests.interop.lab.speech import (
    ENGLISH,
    ENGLISH_CONTROL,
    FRENCH,
    FRENCH_CONTROL,
    RATE,
    Samples,
    Speaker,
    read_wav,
    speech,
    with_silence,
    write_wav,
)
from tests.interop.lab.srtp import decrypt
from tests.interop.lab.usage import cpu_seconds, family, pss_mib

pytestmark = pytest.mark.usefixtures("voices")

KEY = SdesKey(1, "AES_CM_128_HMAC_SHA1_80", bytes(range(30)))


def test_the_same_speech_correlates_fully_at_its_lag() -> None:
    said = speech(ENGLISH, 8)
    found = align(said, with_silence(said, before_s=1.25, after_s=0.5))
    assert found.coefficient >= 0.999
    assert found.lag_ms == 1250
    assert found.overlap_s == 8


def test_a_recording_that_misses_the_beginning_has_a_negative_lag() -> None:
    said = speech(ENGLISH, 8)
    found = align(said, said[RATE:])
    assert found.coefficient >= 0.999
    assert found.lag_ms == -1000
    assert found.overlap_s == 7


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ENGLISH, FRENCH),
        (FRENCH, ENGLISH),
        (ENGLISH, ENGLISH_CONTROL),
        (FRENCH, FRENCH_CONTROL),
    ],
)
def test_control_other_speech_does_not_correlate(one: Speaker, other: Speaker) -> None:
    assert abs(align(speech(one, 8), speech(other, 8)).coefficient) < 0.2


def test_control_silence_noise_and_scraps_do_not_correlate() -> None:
    said = speech(ENGLISH, 8)
    noise = np.random.default_rng(7).integers(-9000, 9000, len(said)).astype(np.int16)
    assert align(said, np.zeros(len(said), dtype=np.int16)).coefficient == 0
    assert align(said, np.zeros(0, dtype=np.int16)).coefficient == 0
    assert align(said, said[: RATE // 2]).coefficient == 0
    assert abs(align(said, noise).coefficient) < 0.05


@pytest.mark.parametrize("parts_per_million", [-100, 50, 100])
def test_a_drifting_clock_is_followed(parts_per_million: int) -> None:
    said = speech(FRENCH, 8)
    ticks = np.arange(len(said)) * (1 + parts_per_million * 1e-6)
    drifted = np.interp(ticks, np.arange(len(said)), said).astype(np.int16)
    found = align(said, drifted)
    assert found.coefficient >= 0.95
    assert 0 < found.drift_ms <= 1.5


def test_a_dropped_frame_is_seen_as_a_slip_of_20_ms() -> None:
    said = speech(ENGLISH, 8)
    found = align(said, np.delete(said, slice(3 * RATE, 3 * RATE + 160)))
    assert found.coefficient >= 0.95
    assert found.drift_ms == 20


def test_clipped_half_lost_and_noisy_speech_loses_its_correlation() -> None:
    said = speech(ENGLISH, 8)
    holes = said.copy()
    holes.reshape(-1, 160)[::3] = 0
    assert align(said, holes).coefficient < 0.95


def test_wav_files_keep_their_samples_and_other_rates_are_refused(tmp_path: Path) -> None:
    said = speech(ENGLISH, 1)
    file = write_wav(tmp_path / "said.wav", said)
    assert np.array_equal(read_wav(file), said)
    content = bytearray(file.read_bytes())
    content[24:28] = struct.pack("<I", 16000)
    file.write_bytes(content)
    with pytest.raises(ValueError, match="16000"):
        read_wav(file)


def test_ports_are_free_consecutive_and_given_once() -> None:
    given = [port for _ in range(20) for port in free_ports(3, aligned=2)]
    assert len(set(given)) == 60
    assert given[0] % 2 == 0
    assert given[1] == given[0] + 1


def test_g711_expands_to_the_recommendations_values() -> None:
    def expanded(code: int, law: int) -> int:
        packet = parse_rtp(_rtp(law, 1, 0, bytes([code])))
        assert packet is not None
        return int(g711_audio([packet])[0])

    assert [expanded(code, PCMU) for code in (0xFF, 0x7F, 0x80, 0x00, 0xF0)] == [
        0, 0, 32124, -32124, 120,
    ]  # fmt: skip
    assert [expanded(code, PCMA) for code in (0xD5, 0x55, 0xAA, 0x2A, 0xC5)] == [
        8, -8, 32256, -32256, 264,
    ]  # fmt: skip


def test_audio_is_placed_by_timestamp_and_other_types_are_left_out() -> None:
    packets = [
        parse_rtp(_rtp(PCMU, 1, 1000, b"\x80" * 160)),
        parse_rtp(_rtp(101, 2, 1000, b"\x05\x0a\x00\xa0")),
        parse_rtp(_rtp(PCMU, 3, 1320, b"\x00" * 160)),
    ]
    audio = g711_audio([packet for packet in packets if packet is not None])
    assert len(audio) == 480
    assert audio[0] == 32124
    assert audio[200] == 0
    assert audio[400] == -32124


def test_rtp_header_extensions_and_contributors_are_no_payload() -> None:
    header = bytes([0x92, 0]) + bytes(10) + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4)
    packet = parse_rtp(header + b"speech")
    assert packet is not None
    assert packet.payload == b"speech"


def test_rtcp_stun_and_scraps_are_no_rtp() -> None:
    for datagram in (b"\x80\xc8" + bytes(26), b"\x00\x01" + bytes(18), b"\x80\x00", b""):
        assert parse_rtp(datagram) is None


def test_a_capture_tells_ends_codepoint_payload_and_pace(tmp_path: Path) -> None:
    file = _write_pcap(
        tmp_path / "c.pcap",
        [(index * 0.02, _rtp(PCMU, index, 160 * index, bytes(160)), 46) for index in range(100)],
    )
    (flow,) = rtp_flows(read_pcap(file))
    assert flow.source == Address("127.0.0.1", 4000)
    assert flow.destination == Address("127.0.0.1", 5000)
    assert flow.dscp == {46}
    assert 50 <= flow.packets_per_second <= 51
    assert len(flow.packets[0].payload) == 160


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"RIFF" + bytes(40), b"\xd4\xc3\xb2\xa1" + bytes(16) + b"\x71\0\0\0"):
        file = tmp_path / "bad.pcap"
        file.write_bytes(content)
        with pytest.raises(BadCapture):
            read_pcap(file)


def test_a_truncated_capture_yields_its_whole_packets(tmp_path: Path) -> None:
    whole = _write_pcap(tmp_path / "c.pcap", [(0.0, b"one" * 9, 0), (0.1, b"two" * 9, 0)])
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(whole.read_bytes()[:-5])
    assert [packet.payload for packet in read_pcap(cut)] == [b"one" * 9]


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"])
def test_speech_comes_out_of_srtp_with_its_key_only(tmp_path: Path, suite: str) -> None:
    length = 30 if suite.startswith("AES") else 44
    key = SdesKey(1, suite, bytes(range(length)))
    wrong = SdesKey(1, suite, bytes(range(1, length + 1)))
    said = speech(ENGLISH, 4)
    flow = _flow(tmp_path, said, key)
    opened = decrypt(flow, key)
    assert (len(opened.packets), opened.refused) == (200, 0)
    assert align(said, g711_audio(opened.packets)).coefficient >= 0.999
    assert decrypt(flow, wrong).packets == ()
    assert decrypt(flow, wrong).refused == 200
    for law in (PCMU, PCMA):
        assert abs(align(said, g711_audio(flow.packets, law)).coefficient) < 0.2


def test_control_speech_is_found_in_plain_rtp(tmp_path: Path) -> None:
    said = speech(ENGLISH, 4)
    flow = _flow(tmp_path, said, None)
    assert align(said, g711_audio(flow.packets, PCMU)).coefficient >= 0.999
    assert decrypt(flow, KEY).packets == ()


def test_cpu_time_and_memory_of_a_process_and_its_children_are_counted() -> None:
    me = os.getpid()
    before = cpu_seconds([me])
    while cpu_seconds([me]) < before + 0.05:
        sum(range(100_000))
    with subprocess.Popen(["sleep", "30"]) as child:
        try:
            pids = family(me)
            assert child.pid in pids
            assert pss_mib(pids) > pss_mib([child.pid]) > 0
        finally:
            child.kill()


def test_netstrings_are_split_wherever_the_stream_is_cut() -> None:
    stream = b'5:hello,0:,12:{"a":"b,c:"},'
    for size in range(1, len(stream) + 1):
        splitter = Netstrings()
        found = []
        for begin in range(0, len(stream), size):
            found += splitter.receive(stream[begin : begin + size])
        assert found == [b"hello", b"", b'{"a":"b,c:"}']


def test_the_keys_of_a_call_are_those_of_the_answered_tag() -> None:
    log = _traced(
        5061,
        sent="INVITE sip:bob@x SIP/2.0\r\n\r\nv=0\r\nm=audio 1 RTP/SAVP 0\r\n"
        "a=crypto:1 AEAD_AES_256_GCM inline:AAAA|2^31\r\n"
        "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:AQID|2^31\r\n",
        received="SIP/2.0 200 OK\r\n\r\nv=0\r\nm=audio 1 RTP/SAVP 0\r\n"
        "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:BAU\r\n",
    )
    suite = "AES_CM_128_HMAC_SHA1_80"
    assert sdes_keys(traced_messages(log, 5061)) == CallKeys(
        sending=SdesKey(2, suite, b"\1\2\3"), receiving=SdesKey(2, suite, b"\4\5")
    )


def test_a_call_without_keys_has_none() -> None:
    log = _traced(
        5061,
        sent="INVITE sip:bob@x SIP/2.0\r\n\r\nv=0\r\nm=audio 1 RTP/AVP 0\r\n",
        received="SIP/2.0 200 OK\r\n\r\nv=0\r\nm=audio 1 RTP/AVP 0\r\n",
    )
    with pytest.raises(PeerFailed):
        sdes_keys(traced_messages(log, 5061))


def _traced(port: int, *, sent: str, received: str) -> str:
    return (
        f"\x1b[36;1m#\nTLS 127.0.0.1:9 -> 127.0.0.1:{port}\n{sent}\n\x1b[;m\n"
        f"\x1b[36;1m#\nTLS 127.0.0.1:{port} -> 127.0.0.1:9\n{received}\n\x1b[;m\n"
    )


def _rtp(payload_type: int, sequence: int, timestamp: int, payload: bytes) -> bytes:
    return struct.pack(">BBHII", 0x80, payload_type, sequence, timestamp, 0xABCD) + payload


def _flow(tmp_path: Path, said: Samples, key: SdesKey | None) -> RtpFlow:
    """A captured flow with this speech, 20 ms a packet, plain if there is no key."""
    protect = None
    if key is not None:
        profile = (
            Policy.SRTP_PROFILE_AES128_CM_SHA1_80
            if key.suite.startswith("AES")
            else Policy.SRTP_PROFILE_AEAD_AES_256_GCM
        )
        protect = Session(
            policy=Policy(
                key=key.key_and_salt,
                ssrc_type=Policy.SSRC_ANY_OUTBOUND,
                srtp_profile=profile,
            )
        ).protect
    datagrams = []
    for index, begin in enumerate(range(0, len(said), 160)):
        packet = _rtp(PCMU, index, begin, _mu_law(said[begin : begin + 160]))
        datagrams.append((index * 0.02, protect(packet) if protect else packet, 0))
    (flow,) = rtp_flows(read_pcap(_write_pcap(tmp_path / "flow.pcap", datagrams)))
    return flow


def _mu_law(samples: Samples) -> bytes:
    """By the nearest value of the expansion, so that only one table has to be right."""
    packet = parse_rtp(_rtp(PCMU, 0, 0, bytes(range(256))))
    assert packet is not None
    values = g711_audio([packet]).astype(np.int32)
    distance = np.abs(samples.astype(np.int32)[:, None] - values[None, :])
    return bytes(distance.argmin(axis=1).tolist())


def _write_pcap(file: Path, datagrams: list[tuple[float, bytes, int]]) -> Path:
    content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for time, payload, dscp in datagrams:
        udp = struct.pack(">HHHH", 4000, 5000, 8 + len(payload), 0) + payload
        ip = struct.pack(
            ">BBHIBBH4s4s", 0x45, dscp << 2, 20 + len(udp), 0, 64, 17, 0,
            b"\x7f\0\0\1", b"\x7f\0\0\1",
        )  # fmt: skip
        frame = bytes(12) + b"\x08\x00" + ip + udp
        seconds = int(time)
        micro = round((time - seconds) * 1e6)
        content += struct.pack("<IIII", seconds, micro, len(frame), len(frame)) + frame
    file.write_bytes(content)
    return file


def test_envelopes_tell_the_same_speech_from_other_speech_whatever_the_delay_does() -> None:
    said = wideband.wide_speech(wideband.OURS, 8.0)
    other = wideband.wide_speech(wideband.THEIRS, 8.0)
    before, after = np.zeros(3000, np.int16), np.zeros(9000, np.int16)
    slipped = np.concatenate([before, said[:64000], before[:320], said[64000:], after])
    assert wideband.envelope_correlation(said, slipped) > 0.99
    strange = np.concatenate([before, other, after])
    assert wideband.envelope_correlation(said, strange) < 0.3
    assert wideband.envelope_correlation(said, np.zeros(160_000, np.int16)) == 0.0
