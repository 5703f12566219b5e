"""From payloads to the stream's own PCM: one payload type's codec, and what fills its gaps."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import PeerError
from offhook.base.vocabulary import AudioCodec
from offhook.protocols.media.codecs import make_codec
from offhook.protocols.media.jitter import Frame
from offhook.protocols.media.opus import Opus
from offhook.protocols.media.opus_packet import has_fec
from offhook.protocols.media.pcm import crossfaded
from offhook.protocols.media.resample import Converter

SEAM_MS: Final = 5
"""Over which the frames before and after one that is left out are joined."""


class Decoding:
    """The receiving side of one payload type. PCM is at `rate` Hz, whatever the codec's rate is."""

    def __init__(self, codec: AudioCodec, rate: int) -> None:
        self._codec = make_codec(codec)
        self._per_tick = self._codec.samples_per_tick
        converts = self._codec.pcm_rate != rate
        self._converter = Converter(self._codec.pcm_rate, rate) if converts else None
        self._seam_octets = 2 * SEAM_MS * rate // 1000
        self._seam = b""
        self.clock_rate = self._codec.clock_rate
        self.recovered = 0
        self.concealed = 0
        """In ticks."""

    def ticks(self, payload: bytes) -> int:
        """How long this payload lasts; 0 where it can't be one."""
        return self._codec.ticks(payload)

    def has_fec(self, payload: bytes) -> bool:
        """Whether it tells what was in the packet before it."""
        return self._codec.encoding == Opus.encoding and has_fec(payload)

    def frame(self, item: Frame) -> bytes:
        """The packet's PCM, made up where it can't be decoded."""
        payload = item.packet.payload
        try:
            pcm = self._codec.decode(payload)[2 * item.skip * self._per_tick :]
        except PeerError:
            return self.gap(self._codec.ticks(payload) - item.skip)
        return self._joined(self._converted(pcm))

    def leave_out(self, pcm: bytes) -> None:
        """These samples are not played: the next ones are joined to what was before them."""
        self._seam = self._seam or pcm[: self._seam_octets]

    def gap(self, ticks: int, following: bytes | None = None) -> bytes:
        """PCM in the place of what is missing; `following` is the payload right after it."""
        samples = ticks * self._per_tick
        pcm = None if following is None else self._codec.recover(following, samples)
        if pcm is None:
            pcm = self._codec.conceal(samples)
            self.concealed += ticks
        else:
            self.recovered += 1
        return self._joined(self._converted(pcm))

    def _converted(self, pcm: bytes) -> bytes:
        return pcm if self._converter is None else self._converter.convert(pcm)

    def _joined(self, pcm: bytes) -> bytes:
        if not self._seam or not pcm:
            return pcm
        seam, self._seam = self._seam, b""
        return crossfaded(seam[: len(pcm)], pcm[: len(seam)]) + pcm[len(seam) :]
