"""What holds for every codec behind the one interface."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import CODECS, speech, vowels

from offhook.base.errors import LocalError, PeerError
from offhook.base.vocabulary import AudioCodec, PcmFormat
from offhook.protocols.media import codecs, g722, opus
from offhook.protocols.media.codec import Codec
from offhook.protocols.media.codecs import available_codecs, make_codec, pcm_format, playable

NAMES = list(CODECS)
every = pytest.mark.parametrize("name", NAMES)


def made(name: str) -> Codec:
    return make_codec(CODECS[name])


def packets(codec: Codec, pcm: bytes, ms: int) -> list[bytes]:
    octets = 2 * codec.pcm_rate * ms // 1000
    return [codec.encode(pcm[at : at + octets]) for at in range(0, len(pcm) - octets + 1, octets)]


@every
def test_the_clock_is_the_standards_and_the_pcm_the_codecs_own(name: str) -> None:
    rates = {"PCMA": (8000, 8000), "PCMU": (8000, 8000), "G722": (8000, 16000)}
    codec = made(name)
    assert (codec.clock_rate, codec.pcm_rate) == rates.get(name, (48000, 48000))
    assert codec.encoding == name
    assert pcm_format(CODECS[name]) == PcmFormat(codec.pcm_rate, 20)


@every
@pytest.mark.parametrize("ms", [10, 20, 40, 60])
def test_speech_keeps_its_shape_in_packets_of_any_length(name: str, ms: int) -> None:
    codec = made(name)
    said = vowels(1.2, codec.pcm_rate)
    heard = b""
    for payload in packets(codec, said, ms):
        assert codec.ticks(payload) == codec.clock_rate * ms // 1000
        heard += codec.decode(payload)
    assert len(heard) == len(said)
    assert correlation(said, heard)[0] >= (0.8 if name == "opus" else 0.99)


@every
def test_a_packet_is_no_longer_than_wished_where_that_can_be(name: str) -> None:
    codec = made(name)
    assert [codec.packet_ms(ms) for ms in (10, 20, 40, 60)] == [10, 20, 40, 60]
    assert codec.packet_ms(30) == (20 if name == "opus" else 30)
    assert codec.packet_ms(5) == 10
    assert codec.packet_ms(1000) == codec.packets_ms[-1]


@every
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6000), min_size=1, max_size=5), st.booleans())
def test_as_much_is_concealed_as_was_asked_for(name: str, wanted: list[int], spoke: bool) -> None:
    codec = made(name)
    if spoke:
        for payload in packets(codec, speech(0.1, rate=codec.pcm_rate), 20):
            codec.decode(payload)
    for samples in wanted:
        assert len(codec.conceal(samples)) == 2 * samples


@every
def test_concealment_goes_on_with_the_sound_and_ends_in_silence(name: str) -> None:
    codec = made(name)
    rate = codec.pcm_rate
    tone = (8000 * np.sin(2 * np.pi * 220 * np.arange(rate // 2) / rate)).astype("<i2").tobytes()
    heard = b"".join(codec.decode(payload) for payload in packets(codec, tone, 20))
    gap = np.frombuffer(codec.conceal(rate * 3 // 10), "<i2").astype(float)
    first = gap[: rate // 100]
    before = np.frombuffer(heard, "<i2")[-rate // 100 :].astype(float)
    assert (first**2).mean() > 0.4 * (before**2).mean()
    step = abs(np.diff(before)).max()
    assert abs(gap[0] - before[-1]) < 3 * step
    assert not gap[rate // 5 :].any()


@every
@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=1300), max_size=8))
def test_whatever_is_decoded_is_as_long_as_told_or_the_peers_error(
    name: str, payloads: list[bytes]
) -> None:
    codec = made(name)
    for payload in payloads:
        ticks = codec.ticks(payload)
        assert 0 <= ticks * codec.samples_per_tick <= 48000
        try:
            pcm = codec.decode(payload)
        except PeerError:
            assert name == "opus"
            continue
        assert len(pcm) == 2 * ticks * codec.samples_per_tick
        codec.recover(payload, ticks * codec.samples_per_tick)
        assert len(codec.conceal(161)) == 322


@pytest.mark.parametrize(
    "codec",
    [
        AudioCodec("GSM", 3, 8000),
        AudioCodec("PCMA", 8, 16000),
        AudioCodec("PCMA", 8, 8000, 2),
        AudioCodec("G722", 9, 16000),
        AudioCodec("opus", 111, 48000),
    ],
)
def test_what_the_phone_does_not_have_is_not_made(codec: AudioCodec) -> None:
    with pytest.raises(LocalError, match="not a codec of this phone"):
        make_codec(codec)


def test_all_codecs_are_available_here() -> None:
    assert available_codecs() == dict.fromkeys(["opus", "G722", "PCMA", "PCMU"])
    assert playable(("PCMU", "opus")) == ("PCMU", "opus")


def test_a_missing_library_is_told_with_its_remedy_and_its_codec_not_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(g722, "G722", None)
    monkeypatch.setattr(opus, "_library", lambda: "the library libopus is not installed: apt …")
    assert available_codecs() == {
        "opus": "the library libopus is not installed: apt …",
        "G722": "the package g722 is not installed: pip install g722",
        "PCMA": None,
        "PCMU": None,
    }
    assert playable(codecs.available_codecs()) == ("PCMA", "PCMU")
    for name in ("opus", "G722"):
        with pytest.raises(LocalError, match=f"{name} can't be used: .* is not installed"):
            make_codec(CODECS[name])
    with pytest.raises(LocalError, match="not installed"):
        g722.G722Codec()
    with pytest.raises(LocalError, match="not installed"):
        opus.Opus()
