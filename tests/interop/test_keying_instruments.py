"""The keying matrix's instruments on material whose answer is known."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.interop.lab.correlation import share_heard
from tests.interop.lab.devtools import DevTools
from tests.interop.lab.jssip import NotFetched, bundled, script
from tests.interop.lab.negotiated import last_suite
from tests.interop.lab.overheard import plain_rtp, speech_in
from tests.interop.lab.pcap import Address, Packet
from tests.interop.lab.processes import PeerFailed
from tests.interop.lab.speech import (
    ENGLISH,
    ENGLISH_CONTROL,
    FRENCH,
    RATE,
    Speaker,
    speech,
    with_silence,
)

from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine
from offhook.protocols.media.opus import Opus
from offhook.protocols.media.srtp import Protector

ONE, OTHER = Address("127.0.0.1", 20000), Address("127.0.0.1", 20002)


def test_speech_in_pieces_is_heard_whole_and_what_is_missing_is_not(voices: None) -> None:  # noqa: ARG001 - skips
    said = speech(ENGLISH, 4.0)
    pieces = np.array_split(said, 10)
    stretched = np.concatenate([with_silence(piece, after_s=0.03) for piece in pieces])
    assert share_heard(said, stretched) >= 0.6
    assert share_heard(said, said) == 1.0
    assert 0.2 <= share_heard(said, said[: len(said) // 2]) <= 0.6


@pytest.mark.parametrize("other", [ENGLISH_CONTROL, FRENCH], ids=["same voice", "other voice"])
def test_control_other_words_are_not_heard(voices: None, other: Speaker) -> None:  # noqa: ARG001 - skips
    assert share_heard(speech(ENGLISH, 4.0), speech(other, 8.0)) <= 0.05


def test_control_silence_noise_and_scraps_hold_no_speech(voices: None) -> None:  # noqa: ARG001 - skips
    said = speech(ENGLISH, 4.0)
    noise = np.random.default_rng(1).normal(0, 3000, 64000).astype(np.int16)
    for nothing in (np.zeros(64000, np.int16), noise, said[:100]):
        assert share_heard(said, nothing) == 0.0


def packets(payloads: list[bytes], payload_type: int = 0) -> list[Packet]:
    header = bytes([0x80, payload_type])
    return [
        Packet(
            number * 0.02,
            "udp",
            ONE,
            OTHER,
            46,
            header + number.to_bytes(2, "big") + bytes(8) + payload,
        )
        for number, payload in enumerate(payloads)
    ]


def test_ciphertext_is_not_taken_for_plain_and_silence_in_the_clear_is() -> None:
    assert plain_rtp(packets([os.urandom(170) for _ in range(400)])) == []
    assert len(plain_rtp(packets([b"\xff" * 160] * 16))) == 16


def test_a_few_plain_packets_among_many_are_found() -> None:
    sent = [os.urandom(170) for _ in range(160)]
    sent[40:48] = [b"\xff" * 160] * 8
    assert {packet.sequence for packet in plain_rtp(packets(sent))} >= set(range(40, 48))


def test_control_speech_by_opus_in_the_clear_is_overheard_and_under_srtp_it_is_not(
    voices: None,  # noqa: ARG001 - skips
) -> None:
    said = speech(ENGLISH, 4.0)
    codec = Opus()
    loud = np.repeat(said, codec.pcm_rate // RATE)
    frames = [piece.tobytes() for piece in np.split(loud, range(960, len(loud), 960))]
    plain = packets([codec.encode(each) for each in frames if len(each) == 1920], 96)
    assert speech_in(plain, said) >= 0.5
    assert speech_in(plain, speech(FRENCH, 4.0)) < 0.2
    key = CryptoLine(1, SUITES["AEAD_AES_256_GCM"], Secret(os.urandom(44)))
    protector = Protector(key)
    hidden = [replace(each, payload=protector.protect(each.payload)) for each in plain]
    assert len(hidden) == len(plain) > 190
    assert speech_in(hidden, said) < 0.2


SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 4 RTP/SAVP 0\r\n"


def test_the_suite_is_that_of_the_last_answer() -> None:
    offer = SDP + "a=crypto:1 A inline:x\r\na=crypto:2 B inline:y\r\n"
    log = (
        f"INVITE\r\n\r\n{offer}\r\nSIP/2.0 200 OK\r\n\r\n{SDP}a=crypto:2 B inline:z\r\n\r\nACK\r\n"
    )
    assert last_suite(log) == "B"
    for unanswered in (offer, SDP, ""):
        with pytest.raises(PeerFailed):
            last_suite(unanswered)


def test_a_package_and_what_it_requires_become_one_script(tmp_path: Path) -> None:
    for name, text in {
        "phone/package.json": '{"main": "lib/main.js", "version": "1"}',
        "phone/lib/main.js": "module.exports = [require('./part'), require('tool')]",
        "phone/lib/part/index.js": "exports.version = require('../../package.json').version",
        "tool/package.json": '{"main": "node.js", "browser": "browser.js"}',
        "tool/node.js": "throw 'of another world'",
        "tool/browser.js": "exports.here = true",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    script = bundled("phone", tmp_path)
    for part in ("exports.here = true", "exports.version", 'module.exports = {"main"'):
        assert part in script
    assert "another world" not in script
    assert str(tmp_path) not in script


def test_a_package_that_requires_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "package.json").write_text('{"main": "main.js"}')
    (tmp_path / "phone" / "main.js").write_text("require('./nowhere')")
    with pytest.raises(FileNotFoundError):
        bundled("phone", tmp_path)


def test_without_npms_registry_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho npm error network ECONNREFUSED >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(NotFetched, match=r"(?s)npm_config_registry.*ECONNREFUSED"):
        script()
    assert list((tmp_path / "offhook").iterdir()) == []


def test_a_browsers_answer_is_found_among_its_events_and_its_silence_is_told() -> None:
    reading, its_writing = os.pipe()
    its_reading, writing = os.pipe()
    tools = DevTools(reading, writing)
    answer = {"id": 1, "result": {"result": {"value": 42}}}
    os.write(its_writing, b'{"method": "event"}\0' + json.dumps(answer).encode() + b"\0")
    assert tools.evaluate("6 * 7") == 42
    assert json.loads(os.read(its_reading, 65536).rstrip(b"\0"))["params"]["expression"] == "6 * 7"
    with pytest.raises(PeerFailed):
        tools.evaluate("nobody answers", timeout_s=0.05)
    tools.close()
    for end in (its_reading, its_writing):
        os.close(end)
