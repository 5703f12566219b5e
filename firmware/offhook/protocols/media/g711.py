"""G.711 A-law and µ-law (RFC 3551 §4.5.14) on 16-bit PCM at 8 kHz."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.media.codec import Codec
from offhook.protocols.media.conceal import Concealer
from offhook.protocols.media.pcm import alaw2lin, lin2alaw, lin2ulaw, ulaw2lin

RATE: Final = 8000
LAWS: Final = ("PCMA", "PCMU")
PACKETS_MS: Final = tuple(range(10, 101, 10))


class G711(Codec):
    """One law of G.711: an octet per sample in each direction."""

    clock_rate = RATE
    pcm_rate = RATE
    packets_ms = PACKETS_MS

    def __init__(self, encoding: str) -> None:
        """`encoding` is "PCMA" or "PCMU"; LocalError otherwise."""
        self.encoding = encoding.upper()
        if self.encoding not in LAWS:
            raise LocalError(f"{encoding!r} is not a law of G.711")
        alaw = self.encoding == "PCMA"
        self._to_law = lin2alaw if alaw else lin2ulaw
        self._to_pcm = alaw2lin if alaw else ulaw2lin
        self.silence = b"\xd5" if alaw else b"\xff"
        self._concealer = Concealer(RATE)

    def encode(self, pcm: bytes) -> bytes:
        """The payload of these samples (an even number of octets)."""
        return self._to_law(pcm, 2)

    def ticks(self, payload: bytes) -> int:
        """An octet is a tick."""
        return len(payload)

    def decode(self, payload: bytes) -> bytes:
        """The samples of this payload: two octets for each of its own."""
        return self._concealer.heard(self._to_pcm(payload, 2))

    def conceal(self, samples: int) -> bytes:
        """The last pitch periods again, fading."""
        return self._concealer.conceal(2 * samples)
