"""Opus by libopus through the package `opuslib-next` (RFC 6716, RFC 7587).

Mono at 48 kHz, the rate of its RTP clock; `opus/48000/2` in `a=rtpmap` whatever is sent (RFC 7587
§7). DTX is off: in SRTP the lengths of packets tell when somebody speaks (RFC 6562 §4).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any, Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.codec import Codec
from offhook.protocols.media.opus_packet import (
    CLOCK_RATE,
    LONGEST,
    frame_ticks,
    has_fec,
    packet_ticks,
)
from offhook.protocols.media.pcm import faded

BIT_RATE: Final = 48_000
"""Bits in a second: enough for speech and FEC, and less than G.711's."""
COMPLEXITY: Final = 5
"""From 0 to 10: what a small board can do beside all else."""
BIT_RATES: Final = range(6_000, 510_001)
"""RFC 6716 §2.1.1, RFC 7587 §6.1."""
COMPLEXITIES: Final = range(11)
EXPECTED_LOSS: Final = 5
"""Percent. With none libopus makes no FEC; with more, clean speech pays and lost gains nothing."""
UNIT: Final = 120
"""Concealed is in multiples of 2.5 ms."""
STEP: Final = CLOCK_RATE * 20 // 1000
FULL_TICKS: Final = CLOCK_RATE * 80 // 1000
SILENT_TICKS: Final = CLOCK_RATE * 160 // 1000
"""What is concealed in a row fades between these."""
_BANDWIDTHS: Final = ((8000, 1101), (12000, 1102), (16000, 1103), (24000, 1104), (48000, 1105))
"""The audio bandwidth, by opus_defines.h's number, that a playback rate has room for."""


@functools.cache
def _library() -> Any:  # it has no types
    """The package, or the reason why there is none; loaded when first asked for."""
    try:
        import opuslib_next  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
    except ImportError:
        return "the package opuslib-next is not installed: pip install opuslib-next"
    except Exception:  # noqa: BLE001  # it raises no other where libopus is missing
        return "the library libopus is not installed: apt install libopus0"
    return opuslib_next


def missing() -> str | None:
    """Why there is no Opus here, with the remedy; None where there is."""
    library = _library()
    return library if isinstance(library, str) else None


@dataclass(frozen=True, slots=True)
class OpusTerms:
    """How to encode: what the peer would like to have (RFC 7587 §6.1) within what we have set."""

    bit_rate: int = BIT_RATE
    complexity: int = COMPLEXITY
    fec: bool = True
    constant: bool = False
    playback_rate: int = CLOCK_RATE

    def wished(self, parameters: str | None) -> OpusTerms:
        """These terms after the peer's `a=fmtp`; what can't be read there counts as not said.

        None: it is not known, and nothing changes.
        """
        if parameters is None:
            return self
        said: dict[str, str] = {}
        for part in parameters.split(";"):
            name, _, value = part.partition("=")
            said.setdefault(name.strip().lower(), value.strip())
        return replace(
            self,
            bit_rate=min(self.bit_rate, _number(said, "maxaveragebitrate", 6000, self.bit_rate)),
            fec=self.fec and said.get("useinbandfec") == "1",
            constant=self.constant or said.get("cbr") == "1",
            playback_rate=min(48000, _number(said, "maxplaybackrate", 8000, self.playback_rate)),
        )


def _number(said: dict[str, str], name: str, least: int, otherwise: int) -> int:
    text = said.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        return otherwise
    return max(least, int(text))


class Opus(Codec):
    """One direction of an Opus stream; encoder and decoder are made when first used."""

    encoding = "opus"
    clock_rate = CLOCK_RATE
    pcm_rate = CLOCK_RATE
    packets_ms = (10, 20, 40, 60)

    def __init__(self, terms: OpusTerms | None = None) -> None:
        """LocalError where the library is missing."""
        library = _library()
        if isinstance(library, str):
            raise LocalError(f"opus: {library}")
        self._library = library
        self._terms = terms or OpusTerms()
        self._encoder: Any = None
        self._decoder: Any = None
        self._ran = 0

    def _made_encoder(self) -> Any:  # it has no types
        terms = self._terms
        encoder = self._library.Encoder(CLOCK_RATE, 1, "voip")
        encoder.bitrate, encoder.complexity = terms.bit_rate, terms.complexity
        encoder.vbr, encoder.vbr_constraint, encoder.dtx = int(not terms.constant), 1, 0
        encoder.inband_fec, encoder.packet_loss_perc = int(terms.fec), EXPECTED_LOSS
        encoder.max_bandwidth = next(
            number for rate, number in _BANDWIDTHS if terms.playback_rate <= rate
        )
        return encoder

    def encode(self, pcm: bytes) -> bytes:
        """The payload of 10, 20, 40 or 60 ms; LocalError for any other length."""
        if self._encoder is None:
            self._encoder = self._made_encoder()
        try:
            return bytes(self._encoder.encode(pcm, len(pcm) // 2))
        except self._library.OpusError:
            raise LocalError(f"{len(pcm) // 2} samples are no packet of Opus") from None

    def ticks(self, payload: bytes) -> int:
        """By the first two octets."""
        return packet_ticks(payload)

    def _decode(self, payload: bytes, samples: int, *, fec: bool = False) -> bytes:
        if self._decoder is None:
            self._decoder = self._library.Decoder(CLOCK_RATE, 1)
        try:
            return bytes(self._decoder.decode(payload, samples, fec))
        except self._library.OpusError:
            raise PeerError("a payload that is no Opus packet") from None

    def decode(self, payload: bytes) -> bytes:
        """The samples of a packet, stereo made mono."""
        samples = packet_ticks(payload)
        if not samples:
            raise PeerError("a payload that is no Opus packet")
        pcm = self._decode(payload, samples)
        self._ran = 0
        return pcm

    def conceal(self, samples: int) -> bytes:
        """Libopus's own concealment, fading to silence where it goes on for long."""
        if self._decoder is None:
            return bytes(2 * samples)
        made = bytearray()
        while len(made) < 2 * samples and self._ran < SILENT_TICKS:
            rest = samples - len(made) // 2
            step = min(-(-rest // UNIT) * UNIT, STEP)
            begin, end = (self._level(at) for at in (self._ran, self._ran + step))
            made += faded(self._decode(b"", step), begin, end)
            self._ran += step
        return bytes(made[: 2 * samples]).ljust(2 * samples, b"\0")

    @staticmethod
    def _level(ran: int) -> float:
        return min(1.0, max(0.0, (SILENT_TICKS - ran) / (SILENT_TICKS - FULL_TICKS)))

    def recover(self, following: bytes, samples: int) -> bytes | None:
        """The frame before `following` out of its FEC; None where there is none or too little."""
        if not has_fec(following) or samples % UNIT or not 0 < samples <= LONGEST:
            return None
        if samples < frame_ticks(following):
            return None
        try:
            pcm = self._decode(following, samples, fec=True)
        except PeerError:
            return None
        self._ran = 0
        return pcm
