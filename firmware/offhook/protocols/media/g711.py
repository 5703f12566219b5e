"""G.711 A-law and µ-law (RFC 3551 §4.5.14) on 16-bit PCM at 8 kHz; the one user of audioop."""

from __future__ import annotations

import warnings
from typing import Final

from offhook.base.errors import LocalError

with warnings.catch_warnings():
    # Python 3.11 and 3.12 announce the removal; from 3.13 on audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

CLOCK_RATE: Final = 8000
PAYLOAD_TYPES: Final = {"PCMU": 0, "PCMA": 8}
"""The static payload types of RFC 3551 §6."""


class G711:
    """One law of G.711: an octet per sample in each direction."""

    __slots__ = ("_to_law", "_to_pcm", "encoding", "silence")

    def __init__(self, encoding: str) -> None:
        """`encoding` is "PCMA" or "PCMU"; LocalError otherwise."""
        self.encoding = encoding.upper()
        if self.encoding not in PAYLOAD_TYPES:
            raise LocalError(f"{encoding!r} is not a codec of this phone")
        alaw = self.encoding == "PCMA"
        self._to_law = audioop.lin2alaw if alaw else audioop.lin2ulaw
        self._to_pcm = audioop.alaw2lin if alaw else audioop.ulaw2lin
        self.silence = b"\xd5" if alaw else b"\xff"

    def encode(self, pcm: bytes) -> bytes:
        """The payload of these samples (an even number of octets)."""
        return self._to_law(pcm, 2)

    def decode(self, payload: bytes) -> bytes:
        """The samples of this payload: two octets for each of its own."""
        return self._to_pcm(payload, 2)

    def samples(self, payload: bytes) -> int:
        """How many samples this payload holds."""
        return len(payload)


def scaled(pcm: bytes, factor: float) -> bytes:
    """The samples times `factor`, clipped to 16 bits."""
    return audioop.mul(pcm, 2, factor)


def loudness(pcm: bytes) -> int:
    """The root mean square of the samples."""
    return audioop.rms(pcm, 2)
