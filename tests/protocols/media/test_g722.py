"""G.722, whose clock runs at half its sampling rate."""

from __future__ import annotations

import numpy as np
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import vowels

from offhook.protocols.media.g722 import G722Codec


def tone(hz: float, seconds: float = 0.5) -> bytes:
    at = np.arange(int(16000 * seconds)) / 16000
    return (6000 * np.sin(2 * np.pi * hz * at)).astype("<i2").tobytes()


def test_twenty_ms_are_160_octets_and_160_ticks() -> None:
    codec = G722Codec()
    payload = codec.encode(bytes(640))
    assert len(payload) == codec.ticks(payload) == 160
    assert len(codec.decode(payload)) == 640


def test_what_narrow_band_does_not_carry_is_heard() -> None:
    codec = G722Codec()
    heard = codec.decode(codec.encode(tone(6000)))
    assert correlation(tone(6000), heard)[0] > 0.95


def test_after_a_loss_the_speech_is_soon_itself_again() -> None:
    said = vowels(2, 16000)
    encoder, whole, holed = G722Codec(), G722Codec(), G722Codec()
    gone, heard, true = 0, b"", b""
    for n in range(0, len(said), 640):
        payload = encoder.encode(said[n : n + 640])
        true += whole.decode(payload)
        if n // 640 % 10 == 9:
            gone += 1
            heard += holed.conceal(320)
        else:
            heard += holed.decode(payload)
    assert gone == 10
    assert len(heard) == len(true)
    assert correlation(true, heard)[0] > 0.9
