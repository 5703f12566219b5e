"""The receiving half of a stream behind the media gate: sources, playout, digits."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import PeerError
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.media.conceal import Concealer
from offhook.protocols.media.dtmf import DtmfReceiver, HeardDigit
from offhook.protocols.media.g711 import CLOCK_RATE, G711, loudness
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS, Frame, Hole, JitterBuffer
from offhook.protocols.media.messages import SetRemote
from offhook.protocols.media.rtp import Reception, RtpPacket, parse_rtp
from offhook.protocols.media.srtp import Unprotector

EVENT_S: Final = 0.15
"""After an event packet, audio is not missed for this long: the event takes its place."""
QUIET: Final = 200
"""Root mean square of a frame between words: about -44 dBov."""
RETURN_S: Final = 0.06
"""A source left for another is taken up again once the other was silent for this long."""


class Receiver:
    """Authenticates, orders and decodes what one peer sends. Counts are of packets."""

    def __init__(self, parameters: SetRemote, delay_ms: int = DEFAULT_DELAY_MS) -> None:
        self._gate = Unprotector(parameters.receive_keys)
        self._jitter = JitterBuffer(CLOCK_RATE, delay_ms)
        self._concealer = Concealer()
        self._dtmf = DtmfReceiver()
        self._sources: dict[int, Reception] = {}
        self._lost_before = 0
        self._active_at = self._event_until = 0.0
        self._decoded = bytearray()
        self.active: Reception | None = None
        self.received = self.rejected = self.underruns = 0
        self.left = False
        """The peer has said goodbye, and nothing came since: nothing is missing."""
        self.digits: list[HeardDigit] = []
        self._apply(parameters)

    def _apply(self, parameters: SetRemote) -> None:
        codecs = parameters.receive_codecs or (parameters.codec,)
        self._codecs = {each.payload_type: G711(each.encoding) for each in codecs}
        own_dtmf = parameters.receive_dtmf_payload_type
        self._dtmf_payload_type = parameters.dtmf_payload_type if own_dtmf is None else own_dtmf
        self._receiving = parameters.receiving

    def set_remote(self, parameters: SetRemote) -> None:
        """Receive as agreed anew; equal keys keep their replay state and roll-over counter."""
        keys = parameters.receive_keys
        if keys.suite != self.keys.suite or keys.master != self.keys.master:
            self._gate = Unprotector(keys)
            self._lost_before = self.lost
            self._sources.clear()
            self.active = None
        before = {number: codec.encoding for number, codec in self._codecs.items()}, self._receiving
        self._apply(parameters)
        after = {number: codec.encoding for number, codec in self._codecs.items()}, self._receiving
        if before != after:
            self._jitter.reset()
            self._decoded.clear()

    @property
    def keys(self) -> CryptoLine:
        """The key received with."""
        return self._gate.keys

    @property
    def receiving(self) -> bool:
        """Whether media is expected and played."""
        return self._receiving

    @property
    def lost(self) -> int:
        """Packets that never came, of all sources."""
        return self._lost_before + sum(source.lost for source in self._sources.values())

    @property
    def late(self) -> int:
        """Packets that came after their time, or were pushed out by newer ones."""
        return self._jitter.late + self._jitter.dropped

    @property
    def jitter_ms(self) -> float:
        """The interarrival jitter of the source that is heard."""
        return 0.0 if self.active is None else self.active.jitter_ms

    def dtmf_deadline(self) -> float | None:
        """When an event of which nothing more comes has ended."""
        return self._dtmf.deadline()

    def tick(self, now: float) -> None:
        """End a digit whose final packets were lost."""
        self.digits += self._dtmf.tick(now)

    def unprotect_rtcp(self, datagram: bytes) -> bytes | None:
        """The compound packet inside; None where it is rejected."""
        try:
            return self._gate.unprotect_rtcp(datagram)
        except PeerError:
            self.rejected += 1
            return None

    def receive(self, datagram: bytes, now: float) -> bool | None:
        """Take one datagram: None where rejected, else whether it is its source's newest."""
        try:
            packet = parse_rtp(self._gate.unprotect(datagram))
        except PeerError:
            self.rejected += 1
            return None
        self.received += 1
        self.left = False
        source = self._sources.get(packet.ssrc)
        known = source is not None
        if source is None:
            source = self._sources[packet.ssrc] = Reception(packet, CLOCK_RATE)
        newest = source.update(packet, now, timed=packet.payload_type in self._codecs)
        if source is not self.active:
            if known and now - self._active_at < RETURN_S:
                return False
            self.active = source
            self._jitter.reset()
        self._active_at = now
        if self._receiving:
            self._deliver(packet, now)
        return newest

    def _deliver(self, packet: RtpPacket, now: float) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is not None:
            samples = codec.samples(packet.payload)
            if samples:
                self._jitter.push(packet, samples)
        elif packet.payload_type == self._dtmf_payload_type:
            self._event_until = now + EVENT_S
            try:
                self.digits += self._dtmf.receive(packet.payload, packet.timestamp, now)
            except PeerError:
                self.rejected += 1

    def playout(self, octets: int, now: float) -> bytes:
        """The next `octets` of PCM: decoded, concealed, or silence."""
        if not self._receiving:
            return bytes(octets)
        missing = False
        while len(self._decoded) < octets:
            item = self._jitter.pull()
            if isinstance(item, Frame):
                codec = self._codecs[item.packet.payload_type]
                pcm = codec.decode(item.packet.payload[item.skip :])
                self._concealer.heard(pcm)
                if self._jitter.spare(quiet=loudness(pcm) < QUIET):
                    continue
                self._decoded += pcm
            else:
                self._decoded += self._concealer.conceal(2 * item.samples)
                missing = missing or item.why is not Hole.BEFORE_START
        if missing and not self.left and now >= self._event_until:
            self.underruns += 1
        played = bytes(self._decoded[:octets])
        del self._decoded[:octets]
        return played
