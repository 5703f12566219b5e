"""One call's audio stream: capture → RTP → SRTP, and SRTP → jitter buffer → playout.

RFC 3550 (RTP and RTCP), RFC 3711 and RFC 7714 (SRTP), RFC 4733 (DTMF), RFC 5761 (one port for
both). A machine without a clock: `now` is monotonic seconds.

The media gate: a datagram is authenticated before anything of it is read, counted as heard,
played, or taken as the address to send to.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import Randomness
from offhook.base.vocabulary import AudioCodec, PathAddress
from offhook.protocols.keying.srtp_keys import SrtpKeys
from offhook.protocols.media.codecs import kind_of, pcm_format
from offhook.protocols.media.control import Control
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS
from offhook.protocols.media.messages import (
    DtmfReceived,
    FirstPacketSent,
    KeysConfirmed,
    MediaBack,
    MediaLost,
    SetRemote,
    Statistics,
)
from offhook.protocols.media.opus import BIT_RATES, COMPLEXITIES
from offhook.protocols.media.path import Latch
from offhook.protocols.media.receiver import Receiver
from offhook.protocols.media.rtp import is_rtcp
from offhook.protocols.media.sender import Sender
from offhook.protocols.media.srtp import check_keys
from offhook.protocols.media.srtp_gate import OVERLAP_S

SILENCE_LIMIT_S: Final = 5.0
"""Without an authenticated packet for this long, the media counts as lost.

Before KeysConfirmed that is the sign of a peer which sends nothing, or not with the agreed key.
"""
PTIMES_MS: Final = range(10, 101, 10)
EVENT_CLOCK_RATES: Final = (8000, 16000, 48000)
RTCP_CLASH: Final = range(64, 96)
"""With the marker these would be taken for RTCP (RFC 5761 §4)."""


@dataclass(frozen=True, slots=True)
class PeerLeft:
    """An authenticated RTCP BYE came: told, and nothing else follows from it."""

    session: int
    reason: str


StreamEvent = KeysConfirmed | FirstPacketSent | DtmfReceived | MediaLost | MediaBack | PeerLeft


def check_parameters(parameters: SetRemote) -> None:
    """LocalError or PeerError where no stream can be made of these parameters."""
    if parameters.keys is not None:
        check_pair(parameters.keys)
    _check_formats((parameters.codec,), parameters.dtmf_payload_type)
    _check_formats(parameters.receive_codecs, parameters.receive_dtmf_payload_type)
    for payload_type, clock_rate in parameters.receive_events:
        _check_formats(parameters.receive_codecs or (parameters.codec,), payload_type)
        _check_clock_rate(clock_rate)
    if parameters.dtmf_clock_rate is not None:
        _check_clock_rate(parameters.dtmf_clock_rate)
    if parameters.ptime_ms not in PTIMES_MS:
        raise LocalError(f"a frame of {parameters.ptime_ms} ms is not made by this phone")
    if parameters.opus.bit_rate not in BIT_RATES or parameters.opus.complexity not in COMPLEXITIES:
        raise LocalError(f"{parameters.opus} is nothing that Opus can do")
    _check_address(parameters.remote)
    if parameters.remote_rtcp is not None:
        _check_address(parameters.remote_rtcp)


def check_pair(keys: SrtpKeys) -> None:
    """LocalError or PeerError where these two keys are not to be used."""
    check_keys(keys.send)
    check_keys(keys.receive)
    if keys.send.master == keys.receive.master:
        raise PeerError("the peer answers with our own key: what we send could come back as its")


def _check_formats(codecs: Sequence[AudioCodec], dtmf_payload_type: int | None) -> None:
    for codec in codecs:
        kind_of(codec)
        if codec.payload_type == dtmf_payload_type:
            raise LocalError("audio and telephone-event have the same payload type")
    for payload_type in (*(codec.payload_type for codec in codecs), dtmf_payload_type):
        if payload_type is not None and (
            payload_type not in range(128) or payload_type in RTCP_CLASH
        ):
            raise LocalError(f"{payload_type} is no RTP payload type")


def _check_clock_rate(clock_rate: int) -> None:
    if clock_rate not in EVENT_CLOCK_RATES:
        raise LocalError(f"telephone-events with a clock of {clock_rate} Hz are not made")


def _check_address(address: PathAddress) -> None:
    try:
        host = ipaddress.ip_address(address.host)
    except ValueError:
        raise LocalError(f"{address.host!r} is no IP address") from None
    if host.is_multicast or "%" in address.host or not 0 < address.port < 65536:
        raise LocalError(f"no media is sent to {address.host} port {address.port}")


class MediaStream:
    """Both directions of one call's audio, from when there are keys and Start has come.

    Raises what `check_parameters` raises, and LocalError without keys. `started` is the time of
    Start, where that is not `now`; `ssrc` the source to begin with. `format` is the PCM of
    capture and playout: the first codec's own, and it stays if the codec changes.
    """

    def __init__(
        self,
        parameters: SetRemote,
        randomness: Randomness,
        now: float,
        *,
        delay_ms: int = DEFAULT_DELAY_MS,
        started: float | None = None,
        ssrc: int | None = None,
    ) -> None:
        check_parameters(parameters)
        self._session = parameters.session
        self._started = now if started is None else started
        self.format: Final = pcm_format(parameters.codec)
        self._sender = Sender(parameters, self.format.rate, randomness, now, ssrc)
        self._receiver = Receiver(parameters, self.format.rate, delay_ms)
        self._control = Control(randomness, now)
        self._rtp = Latch(parameters.remote)
        self._rtcp = None if parameters.remote_rtcp is None else Latch(parameters.remote_rtcp)
        self._outgoing: list[tuple[bytes, PathAddress, bool]] = []
        self._events: deque[StreamEvent] = deque()
        self._sent = 0
        self._confirmed = False
        self._heard: float = now
        self._silence_told = False
        self._lost_after: float | None = None

    @property
    def destination(self) -> PathAddress | None:
        """Where media goes; None: nowhere at present."""
        return None if self._rtp.silenced else self._rtp.address

    @property
    def confirmed(self) -> bool:
        """Whether a packet has come under the key that is received with."""
        return self._receiver.confirmed

    def set_remote(self, parameters: SetRemote, now: float, overlap_s: float = OVERLAP_S) -> None:
        """Go on as agreed anew (re-INVITE, UPDATE); raises what the constructor raises.

        PeerError also where the peer takes a key that we sent with earlier in the call. What is
        protected with the key before still passes for `overlap_s`.
        """
        check_parameters(parameters)
        if self._sender.has_used(parameters.receive_keys):
            raise PeerError("the peer takes a key of ours: what we sent could come back as its")
        old_keys = self._receiver.keys
        was_receiving = self._receiver.receiving
        self._sender.set_remote(parameters)
        self._receiver.set_remote(parameters, now, overlap_s)
        if self._receiver.keys is not old_keys:
            self._confirmed = self._silence_told = False
            self._heard = now
        if parameters.receiving and not was_receiving:
            self._heard, self._silence_told = now, False
        self._rtp.signal(parameters.remote)
        if parameters.remote_rtcp is None:
            self._rtcp = None
        elif self._rtcp is None:
            self._rtcp = Latch(parameters.remote_rtcp)
        else:
            self._rtcp.signal(parameters.remote_rtcp)

    def receive_datagram(
        self, data: bytes, source: PathAddress, now: float, *, rtcp: bool = False
    ) -> bool:
        """Take what came from `source`, on the RTCP port where `rtcp` says so.

        Whether it was authentic and new.
        """
        if rtcp or is_rtcp(data):
            return self._receive_rtcp(data, source, now, rtcp=rtcp)
        newest = self._receiver.receive(data, now)
        if newest is None:
            return False
        if newest:
            self._rtp.follow(source, now)
        if not self._confirmed and self._receiver.confirmed:
            self._confirmed = True
            self._events.append(KeysConfirmed(self._session, self._after_ms(now)))
        self._hear(now)
        self._tell_digits()
        active = self._receiver.active
        if active is not None and active.ssrc == self._sender.ssrc:
            self._sender.change_source()
        return True

    def skip_queued(self) -> None:
        """Leave out what has come so far and is not played yet: it is too old."""
        self._receiver.skip_queued()

    def _receive_rtcp(self, data: bytes, source: PathAddress, now: float, *, rtcp: bool) -> bool:
        compound = self._receiver.unprotect_rtcp(data, now)
        if compound is None:
            return False
        self._hear(now)
        if rtcp and self._rtcp is not None:
            self._rtcp.follow(source, now)
        try:
            goodbyes = self._control.receive(compound, self._sender.ssrc, now)
        except PeerError:
            self._receiver.rejected += 1
            return False
        for goodbye in goodbyes:
            self._receiver.left = True
            self._events.append(PeerLeft(self._session, goodbye.reason))
        return True

    def _hear(self, now: float) -> None:
        if self._lost_after is not None:
            self._events.append(MediaBack(self._session, 1000 * (now - self._lost_after)))
            self._lost_after = None
        self._heard = now
        self._silence_told = False

    def _tell_digits(self) -> None:
        for digit in self._receiver.digits:
            self._events.append(DtmfReceived(self._session, digit.digit, digit.duration_ms))
        self._receiver.digits.clear()

    def _after_ms(self, now: float) -> float:
        return 1000 * (now - self._started)

    def capture(self, pcm: bytes, now: float) -> None:
        """Send one period of `format`; an empty one stands for a period that was lost."""
        if len(pcm) not in (0, self.format.octets):
            raise LocalError(f"a captured period has {self.format.octets} octets, not {len(pcm)}")
        for datagram in self._sender.capture(pcm, self.format.samples, now):
            if not self._sent:
                self._events.append(FirstPacketSent(self._session, self._after_ms(now)))
            self._sent += 1
            if not self._rtp.silenced:
                self._outgoing.append((datagram, self._rtp.address, False))

    def playout(self, now: float) -> bytes:
        """The next period of `format` to be played."""
        return self._receiver.playout(self.format.octets, now)

    def send_dtmf(self, digits: str, duration_ms: int, gap_ms: int) -> None:
        """Queue digits; LocalError where they can't be sent or no event type was agreed."""
        if self._sender.dtmf_payload_type is None:
            raise LocalError("the peer did not agree to telephone-events")
        self._sender.queue_dtmf(digits, duration_ms, gap_ms)

    def end(self, now: float) -> None:
        """Queue the SRTCP BYE; nothing is captured or played after it."""
        self._send_rtcp(self._control.goodbye(self._sender, self._receiver.active, now))

    def _send_rtcp(self, compound: bytes) -> None:
        latch = self._rtp if self._rtcp is None else self._rtcp
        if not latch.silenced:
            datagram = self._sender.protect_rtcp(compound)
            self._outgoing.append((datagram, latch.address, self._rtcp is not None))

    def datagrams_to_send(self) -> list[tuple[bytes, PathAddress, bool]]:
        """What is to be sent, to whom, and whether through the RTCP port; given once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def next_event(self) -> StreamEvent | None:
        """The next thing that happened; None: nothing more."""
        return self._events.popleft() if self._events else None

    def deadline(self) -> float:
        """When `tick` is to be called."""
        due = self._control.due
        dtmf = self._receiver.dtmf_deadline()
        if dtmf is not None:
            due = min(due, dtmf)
        if self._receiver.receiving and not self._silence_told:
            due = min(due, self._heard + SILENCE_LIMIT_S)
        return due

    def tick(self, now: float) -> None:
        """Do what is due: a report, the end of a digit, the word that nothing comes."""
        self._receiver.tick(now)
        self._tell_digits()
        if now >= self._control.due:
            self._send_rtcp(self._control.report(self._sender, self._receiver.active, now))
        silent = now - self._heard
        if self._receiver.receiving and not self._silence_told and silent >= SILENCE_LIMIT_S:
            self._silence_told = True
            if self._lost_after is None:
                self._lost_after = self._heard
            self._events.append(MediaLost(self._session, 1000 * silent))

    def statistics(self) -> Statistics:
        """The counts since Start."""
        receiver = self._receiver
        return Statistics(
            sent=self._sent,
            received=receiver.received,
            lost=receiver.lost,
            late=receiver.late,
            rejected=receiver.rejected,
            jitter_ms=receiver.jitter_ms,
            underruns=receiver.underruns,
            round_trip_ms=self._control.round_trip_ms,
            recovered=receiver.recovered,
            concealed_ms=receiver.concealed_ms,
        )
