"""The receiving half of a stream behind the media gate: sources, playout, digits."""

from __future__ import annotations

from typing import Final, NamedTuple

from offhook.base.errors import PeerError
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.media.decoding import Decoding
from offhook.protocols.media.dtmf import DtmfReceiver
from offhook.protocols.media.dtmf import HeardDigit as DtmfDigit
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS, Frame, Gap, Hole, JitterBuffer
from offhook.protocols.media.messages import SetRemote
from offhook.protocols.media.pcm import loudness
from offhook.protocols.media.rtp import Reception, RtpPacket, parse_rtp, sequence_distance
from offhook.protocols.media.srtp_gate import OVERLAP_S, MediaGate

EVENT_S: Final = 0.15
"""After an event packet, audio is not missed for this long: the event takes its place."""
QUIET: Final = 200
"""Root mean square of a frame between words: about -44 dBov."""
RETURN_S: Final = 0.06
"""A source left for another is taken up again once the other was silent for this long."""


class HeardDigit(NamedTuple):
    """A digit the peer has let go of."""

    digit: str
    duration_ms: float


class Receiver:
    """Authenticates, orders and decodes what one peer sends. Counts are of packets.

    What it plays is PCM of `pcm_rate` Hz, whatever the codecs' rates are.
    """

    def __init__(
        self, parameters: SetRemote, pcm_rate: int, delay_ms: int = DEFAULT_DELAY_MS
    ) -> None:
        self._gate = MediaGate(parameters.receive_keys)
        self._pcm_rate, self._delay_ms = pcm_rate, delay_ms
        self._jitter = JitterBuffer(parameters.codec.clock_rate, delay_ms)
        self._sources: dict[int, Reception] = {}
        self._lost_before = self._late_before = self._recovered_before = 0
        self._concealed_before_ms = 0.0
        self._active_at = self._event_until = 0.0
        self._event_sequence: int | None = None
        self._dtmf: dict[int, DtmfReceiver] = {}
        self._decoded = bytearray()
        self._played: tuple[float, int] | None = None
        self.active: Reception | None = None
        self.received = self.rejected = self.underruns = 0
        self.left = False
        """The peer has said goodbye, and nothing came since: nothing is missing."""
        self.digits: list[HeardDigit] = []
        self._apply(parameters)

    def _apply(self, parameters: SetRemote) -> None:
        self._agreed = parameters.receive_codecs or (parameters.codec,)
        self._codecs = {each.payload_type: Decoding(each, self._pcm_rate) for each in self._agreed}
        self._playing = self._codecs[self._agreed[0].payload_type]
        self._receiving = parameters.receiving
        self._apply_events(parameters)

    def _apply_events(self, parameters: SetRemote) -> None:
        own_dtmf = parameters.receive_dtmf_payload_type
        number = parameters.dtmf_payload_type if own_dtmf is None else own_dtmf
        self._events = dict(parameters.receive_events)
        if number is not None:
            self._events[number] = parameters.dtmf_clock_rate or parameters.codec.clock_rate
        self._dtmf = {each: self._dtmf.get(each) or DtmfReceiver() for each in self._events}

    def set_remote(self, parameters: SetRemote, now: float, overlap_s: float = OVERLAP_S) -> None:
        """Receive as agreed anew; equal keys keep their replay state and roll-over counter.

        Over a change of the key the source that is heard goes on without a gap.
        """
        if self._gate.rekey(parameters.receive_keys, now, overlap_s):
            heard = self.active
            self._lost_before = self.lost - (0 if heard is None else heard.lost)
            self._sources = {ssrc: each for ssrc, each in self._sources.items() if each is heard}
        agreed = parameters.receive_codecs or (parameters.codec,)
        if (agreed, parameters.receiving) != (self._agreed, self._receiving):
            self._recovered_before = self.recovered
            self._concealed_before_ms = self.concealed_ms
            self._apply(parameters)
            self._jitter.reset()
            self._decoded.clear()
        else:
            self._apply_events(parameters)

    @property
    def keys(self) -> CryptoLine:
        """The key received with."""
        return self._gate.keys

    @property
    def confirmed(self) -> bool:
        """Whether a packet has come under that key."""
        return self._gate.confirmed

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
        return self._late_before + self._jitter.late + self._jitter.dropped

    @property
    def recovered(self) -> int:
        """Gaps filled by the FEC of the packet after them."""
        return self._recovered_before + sum(each.recovered for each in self._codecs.values())

    @property
    def concealed_ms(self) -> float:
        """Played that was made up."""
        return self._concealed_before_ms + sum(
            1000 * each.concealed / each.clock_rate for each in self._codecs.values()
        )

    @property
    def jitter_ms(self) -> float:
        """The interarrival jitter of the source that is heard."""
        return 0.0 if self.active is None else self.active.jitter_ms

    def skip_queued(self) -> None:
        """Leave out what has come so far and is not played yet: it is too old."""
        self._jitter.reset()

    def dtmf_deadline(self) -> float | None:
        """When an event of which nothing more comes has ended."""
        deadlines = (each.deadline() for each in self._dtmf.values())
        return min((each for each in deadlines if each is not None), default=None)

    def tick(self, now: float) -> None:
        """End a digit whose final packets were lost."""
        for number, dtmf in self._dtmf.items():
            self._hear(number, dtmf.tick(now))

    def _hear(self, number: int, digits: list[DtmfDigit]) -> None:
        per_ms = self._events[number] / 1000
        self.digits += [HeardDigit(each.digit, each.duration / per_ms) for each in digits]

    def unprotect_rtcp(self, datagram: bytes, now: float) -> bytes | None:
        """The compound packet inside; None where it is rejected."""
        try:
            return self._gate.unprotect_rtcp(datagram, now)
        except PeerError:
            self.rejected += 1
            return None

    def receive(self, datagram: bytes, now: float) -> bool | None:
        """Take one datagram: None where rejected, else whether it is its source's newest."""
        try:
            packet = parse_rtp(self._gate.unprotect(datagram, now))
        except PeerError:
            self.rejected += 1
            return None
        self.received += 1
        self.left = False
        source = self._sources.get(packet.ssrc)
        known = source is not None
        if source is None:
            source = self._sources[packet.ssrc] = Reception(packet, self._jitter.clock_rate)
        codec = self._codecs.get(packet.payload_type)
        if codec is not None:
            source.retime(codec.clock_rate)
        newest = source.update(packet, now, timed=codec is not None)
        if source is not self.active:
            if known and now - self._active_at < RETURN_S:
                return False
            self.active = source
            self._event_sequence = None
            self._jitter.reset()
        self._active_at = now
        if self._receiving:
            self._deliver(packet, now)
        return newest

    def _deliver(self, packet: RtpPacket, now: float) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is not None:
            ticks = codec.ticks(packet.payload)
            if not ticks:
                return
            if codec.clock_rate != self._jitter.clock_rate:
                self._late_before = self.late
                self._jitter = JitterBuffer(codec.clock_rate, self._delay_ms)
            self._jitter.fec = self._jitter.fec or codec.has_fec(packet.payload)
            self._jitter.push(packet, ticks, self._until_pull(now))
        elif packet.payload_type in self._events:
            self._event_until = now + EVENT_S
            self._event_sequence = packet.sequence
            number = packet.payload_type
            try:
                heard = self._dtmf[number].receive(packet.payload, packet.timestamp, now)
            except PeerError:
                self.rejected += 1
                return
            self._hear(number, heard)

    def _until_pull(self, now: float) -> int:
        """Ticks until more has to be decoded, if the sound keeps its pace."""
        if self._played is None:
            return 0
        at, octets = self._played
        period_s = octets / (2 * self._pcm_rate)
        left_s = at + (1 + len(self._decoded) // octets) * period_s - now
        return max(0, int(left_s * self._jitter.clock_rate))

    def playout(self, octets: int, now: float) -> bytes:
        """The next `octets` of PCM: decoded, concealed, or silence."""
        self._played = now, octets
        if not self._receiving:
            return bytes(octets)
        missing = False
        while len(self._decoded) < octets:
            item = self._jitter.pull()
            if isinstance(item, Frame):
                self._play(item)
            elif item.why is Hole.BEFORE_START:
                self._decoded += bytes(2 * item.ticks * self._pcm_rate // self._jitter.clock_rate)
            else:
                self._decoded += self._playing.gap(item.ticks, self._following(item))
                missing = True
        if missing and not self.left and now >= self._event_until:
            self.underruns += 1
        played = bytes(self._decoded[:octets])
        del self._decoded[:octets]
        return played

    def _play(self, item: Frame) -> None:
        self._playing = self._codecs[item.packet.payload_type]
        pcm = self._playing.frame(item)
        if self._jitter.spare(quiet=loudness(pcm) < QUIET):
            self._playing.leave_out(pcm)
        else:
            self._decoded += pcm

    def _following(self, gap: Gap) -> bytes | None:
        """What may know of the gap before it: the next packet, unless an event stood there."""
        packet = gap.following
        if packet is None or self._codecs[packet.payload_type] is not self._playing:
            return None
        event = self._event_sequence
        if event is not None and sequence_distance(packet.sequence, event) == 1:
            return None
        return packet.payload
