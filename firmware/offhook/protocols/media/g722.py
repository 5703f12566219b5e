"""G.722 at 64 kbit/s through the package `g722` (RFC 3551 §4.5.2).

16 kHz audio on an RTP clock of 8000 Hz: an error of RFC 1890 that stays for ever.
"""

from __future__ import annotations

import array
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.media.codec import Codec
from offhook.protocols.media.conceal import Concealer
from offhook.protocols.media.g711 import PACKETS_MS

try:
    import G722  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:
    G722 = None

CLOCK_RATE: Final = 8000
PCM_RATE: Final = 16000
BIT_RATE: Final = 64000


def missing() -> str | None:
    """Why there is no G.722 here, with the remedy; None where there is."""
    return "the package g722 is not installed: pip install g722" if G722 is None else None


class G722Codec(Codec):
    """Sub-band ADPCM: an octet for two samples."""

    encoding = "G722"
    clock_rate = CLOCK_RATE
    pcm_rate = PCM_RATE
    packets_ms = PACKETS_MS

    def __init__(self) -> None:
        """LocalError where the library is missing."""
        reason = missing()
        if reason is not None:
            raise LocalError(f"G722: {reason}")
        self._coder = G722.G722(PCM_RATE, BIT_RATE, use_numpy=False)
        self._concealer = Concealer(PCM_RATE)

    def encode(self, pcm: bytes) -> bytes:
        """The payload of an even number of samples."""
        # Octets would be taken for one sample each.
        return bytes(self._coder.encode(array.array("h", pcm)))

    def ticks(self, payload: bytes) -> int:
        """An octet is a tick."""
        return len(payload)

    def decode(self, payload: bytes) -> bytes:
        """The samples of this payload: four octets for each of its own."""
        return self._concealer.heard(self._coder.decode(payload).tobytes())

    def conceal(self, samples: int) -> bytes:
        """The last pitch periods again, fading; the decoder's state waits."""
        return self._concealer.conceal(2 * samples)
