"""The sending half of a stream: frames and digits → RTP → SRTP (RFC 3550 §5.1, RFC 3551 §4.1)."""

from __future__ import annotations

from typing import Final

from offhook.base.randomness import Randomness
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.media.codecs import make_codec
from offhook.protocols.media.dtmf import DtmfSender
from offhook.protocols.media.messages import SetRemote
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.media.resample import Converter
from offhook.protocols.media.rtp import (
    SEQUENCE_CYCLE,
    TIMESTAMP_CYCLE,
    RtpPacket,
    serialise_rtp,
)
from offhook.protocols.media.srtp import Protector

STALL_S: Final = 0.2
"""The sound being this late with a period, what it should have captured counts as lost."""
DRIFT: Final = 5e-4
"""How much slower than ours a sound card's clock may run without counting as late."""


class Sender:
    """Numbers, encodes and protects. The RTP timestamp follows the sound, also where it fails.

    What it takes is PCM of `pcm_rate` Hz, whatever the codec's rate is. `ssrc` is the one to begin
    with; None: a random one.
    """

    def __init__(
        self,
        parameters: SetRemote,
        pcm_rate: int,
        randomness: Randomness,
        now: float,
        ssrc: int | None = None,
    ) -> None:
        self._randomness = randomness
        self._protector = Protector(parameters.send_keys)
        self._aside: list[Protector] = []
        self._pcm_rate = pcm_rate
        self._dtmf = DtmfSender(parameters.codec.clock_rate)
        self._choose_codec(parameters)
        self._timestamp = int.from_bytes(randomness.octets(4), "big")
        self._talking = False
        self._cycles = 0
        self._expected = now
        self._captured_at = now
        self.packets = self.octets = 0
        self._choose_source()
        if ssrc is not None:
            self.ssrc = ssrc
        self._apply(parameters)

    def _choose_codec(self, parameters: SetRemote) -> None:
        self._codec = make_codec(parameters.codec, parameters.codec_parameters, parameters.opus)
        self._made_for = _encoder_terms(parameters)
        converts = self._codec.pcm_rate != self._pcm_rate
        self._converter = Converter(self._pcm_rate, self._codec.pcm_rate) if converts else None
        self._pending = b""

    def _choose_source(self) -> None:
        self.ssrc = int.from_bytes(self._randomness.octets(4), "big")
        # Below 2^15, so that lost first packets can't hide a wrap (RFC 3711 §3.3.1).
        self._sequence = int.from_bytes(self._randomness.octets(2), "big") >> 1
        self._cycles = 0

    def _apply(self, parameters: SetRemote) -> None:
        self._payload_type = parameters.codec.payload_type
        self.dtmf_payload_type = parameters.dtmf_payload_type
        packet_ms = self._codec.packet_ms(parameters.ptime_ms)
        self._frame_octets = 2 * self._codec.pcm_rate * packet_ms // 1000
        self._dtmf.clock_rate = parameters.dtmf_clock_rate or self._codec.clock_rate
        self._event_ticks = self._dtmf.clock_rate * packet_ms // 1000
        self._sending = parameters.sending

    def set_remote(self, parameters: SetRemote) -> None:
        """Send as agreed anew. A changed key begins at ROC 0 (RFC 4568 §7.1.4).

        A source that has passed its first wrap takes a new SSRC with the new key, so that a peer
        that keeps its ROC over a re-key (RFC 3711 §3.3.1) and one that doesn't agree with us.
        """
        if not parameters.send_keys.same_key(self.keys):
            self._rekey(parameters.send_keys)
        if _encoder_terms(parameters) != self._made_for:
            clock_rate = self._codec.clock_rate
            self._choose_codec(parameters)
            if self._codec.clock_rate != clock_rate:
                # One source counts with one clock (RFC 7160 §4.1).
                self.change_source()
        self._apply(parameters)

    def _rekey(self, keys: CryptoLine) -> None:
        """Protect with `keys`; back at one that was used before, no packet index comes again."""
        former = next((each for each in self._aside if each.keys.same_key(keys)), None)
        self._aside.append(self._protector)
        if former is not None:
            self._aside.remove(former)
            self._protector = former
        else:
            self._protector = Protector(keys, self._protector)
        if self._cycles or former is not None:
            self.change_source()

    def has_used(self, keys: CryptoLine) -> bool:
        """Whether we protect with this key or did so earlier in the call."""
        return any(each.keys.master == keys.master for each in (self._protector, *self._aside))

    def change_source(self) -> None:
        """Go on under a new SSRC (RFC 3550 §8.2)."""
        self._choose_source()
        self.packets = self.octets = 0
        self._talking = False

    @property
    def keys(self) -> CryptoLine:
        """The key sent with."""
        return self._protector.keys

    @property
    def dtmf_busy(self) -> bool:
        """Whether digits are still to be sent."""
        return self._dtmf.busy

    def queue_dtmf(self, digits: str, duration_ms: int, gap_ms: int) -> None:
        """Send digits in the place of the next frames; LocalError where they can't be."""
        self._dtmf.queue(digits, duration_ms, gap_ms)

    def protect_rtcp(self, compound: bytes) -> bytes:
        """SRTCP under the same key."""
        return self._protector.protect_rtcp(compound)

    def timestamp_at(self, now: float) -> int:
        """The RTP timestamp that corresponds to `now`, for a sender report."""
        elapsed = int((now - self._captured_at) * self._codec.clock_rate)
        return (self._timestamp + self._pending_ticks + elapsed) % TIMESTAMP_CYCLE

    @property
    def _pending_ticks(self) -> int:
        return len(self._pending) // (2 * self._codec.samples_per_tick)

    def capture(self, pcm: bytes, samples: int, now: float) -> list[bytes]:
        """SRTP packets for what was captured: `samples` samples, none of them in `pcm` if lost."""
        ticks = samples * self._codec.clock_rate // self._pcm_rate
        self._keep_time(ticks, now)
        if not pcm:
            self._skip(self._pending_ticks + ticks)
            return []
        self._pending += pcm if self._converter is None else self._converter.convert(pcm)
        made = []
        while len(self._pending) >= self._frame_octets:
            frame = self._pending[: self._frame_octets]
            self._pending = self._pending[self._frame_octets :]
            if self._sending:
                made.append(self._protect_frame(frame))
            else:
                self._talking = False
            self._advance(len(frame) // (2 * self._codec.samples_per_tick))
        return made

    def _keep_time(self, ticks: int, now: float) -> None:
        clock_rate = self._codec.clock_rate
        late = now - self._expected
        if late < 0:
            self._expected = now
        elif late > STALL_S:
            missed = int(late * clock_rate) // ticks * ticks
            self._skip(self._pending_ticks + missed)
            self._expected += missed / clock_rate
        self._expected += (1 + DRIFT) * ticks / clock_rate
        self._captured_at = now

    def _skip(self, ticks: int) -> None:
        self._pending = b""
        self._talking = False
        self._advance(ticks)

    def _advance(self, ticks: int) -> None:
        self._timestamp = (self._timestamp + ticks) % TIMESTAMP_CYCLE

    def _protect_frame(self, frame: bytes) -> bytes:
        event = None
        if self.dtmf_payload_type is not None:
            event = self._dtmf.next_packet(self._timestamp, self._event_ticks)
        if event is not None and self.dtmf_payload_type is not None:
            self._talking = False
            return self._protect(
                self.dtmf_payload_type, event.timestamp, event.payload, marker=event.marker
            )
        marker, self._talking = not self._talking, True
        payload = self._codec.encode(frame)
        return self._protect(self._payload_type, self._timestamp, payload, marker=marker)

    def _protect(self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool) -> bytes:
        packet = RtpPacket(payload_type, self._sequence, timestamp, self.ssrc, payload, marker)
        self._sequence = (self._sequence + 1) % SEQUENCE_CYCLE
        self._cycles += self._sequence == 0
        self.packets += 1
        self.octets += len(payload)
        return self._protector.protect(serialise_rtp(packet))


def _encoder_terms(parameters: SetRemote) -> tuple[str, str | None, OpusTerms]:
    """What an encoder is made for: with anything else it takes a new one."""
    return parameters.codec.encoding.upper(), parameters.codec_parameters, parameters.opus
