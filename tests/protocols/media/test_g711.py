"""G.711 and what is done where a frame is missing."""

from __future__ import annotations

import numpy as np
import pytest
from tests.protocols.media.link import speech

from offhook.base.errors import LocalError
from offhook.protocols.media.conceal import Concealer
from offhook.protocols.media.g711 import G711
from offhook.protocols.media.pcm import scaled


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU", "pcma"])
def test_every_code_decodes_and_encodes_to_itself(encoding: str) -> None:
    codec = G711(encoding)
    codes = bytes(range(256))
    again = codec.encode(codec.decode(codes))
    # µ-law has two codes for zero, of which one is ever made.
    assert sum(a != b for a, b in zip(codes, again, strict=True)) <= 1


@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_speech_keeps_its_shape(encoding: str) -> None:
    codec = G711(encoding)
    said = np.frombuffer(speech(1), "<i2").astype(float)
    heard = np.frombuffer(codec.decode(codec.encode(speech(1))), "<i2").astype(float)
    noise = ((said - heard) ** 2).mean()
    assert 10 * np.log10((said**2).mean() / noise) > 35


def test_known_codes_of_itu_g_711() -> None:
    # An 8 kHz tone of -0 dBm0 by G.711 Table 5 (A-law) and Table 6 (µ-law), as seen there.
    assert G711("PCMA").decode(b"\xd5\x55") == b"\x08\x00\xf8\xff"
    assert G711("PCMU").decode(b"\xff\x80\x00") == b"\x00\x00\x7c\x7d\x84\x82"


def test_silence_is_silence() -> None:
    for encoding in ("PCMA", "PCMU"):
        codec = G711(encoding)
        assert codec.encode(b"\0\0") == codec.silence


def test_any_other_codec_is_refused() -> None:
    with pytest.raises(LocalError, match="G722' is not a law"):
        G711("G722")


def test_a_gap_repeats_the_last_period_fading_into_silence() -> None:
    concealer = Concealer()
    last = (10000).to_bytes(2, "little") * 160
    concealer.heard(last)
    made = np.frombuffer(concealer.conceal(320 * 5), "<i2")
    assert made[0] == 10000
    assert (np.diff(made) <= 0).all()
    assert made[479] > 0
    assert not made[480:].any()


def test_nothing_heard_conceals_as_silence() -> None:
    assert Concealer().conceal(320) == bytes(320)


@pytest.mark.parametrize("octets", [2, 80, 160, 318, 320, 322, 1000])
def test_as_much_is_made_as_was_asked_for(octets: int) -> None:
    concealer = Concealer()
    concealer.heard(bytes(range(250)) + bytes(70))
    for _ in range(10):
        assert len(concealer.conceal(octets)) == octets


def test_scaling_clips() -> None:
    assert scaled(b"\xff\x7f\x00\x80", 2.0) == b"\xff\x7f\x00\x80"
