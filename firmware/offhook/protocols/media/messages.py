"""The media engine's message set: commands go in, reports come out.

A session is one call's media, named by an integer that the signalling side chooses.
The order is Prepare → LocalReady → SetRemote → Start → … → Stop → Stopped; LocalReady is
asynchronous because a path may have to be found first (RFC 8445). All times are in ms,
all counts are since Start.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.base.errors import LocalError
from offhook.base.vocabulary import AudioCodec, IceDescription, PathAddress
from offhook.protocols.keying.dtls.agreed import Agreed as DtlsAgreed
from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.keying.srtp_keys import CryptoLine, SrtpKeys
from offhook.protocols.media.handset_messages import HandsetCommand, HandsetReport
from offhook.protocols.media.keying_messages import (
    KeyingCommand,
    KeyingReport,
    ZrtpAgreed,
    ZrtpOwn,
)
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.media.path_messages import (
    GatherAgain,
    IceAgreed,
    IceTerms,
    PathFound,
    PathLost,
)


@dataclass(frozen=True, slots=True)
class Prepare:
    """Open a path on `local_host`, and make ready for every keying that may be agreed.

    One fresh SDES key is made for each of `suites`, in order.
    """

    session: int
    local_host: str
    suites: tuple[str, ...]
    dscp: int = 46
    dtls: bool = False
    """Be ready for DTLS-SRTP: from now on a handshake of the peer is answered (RFC 5763 §5)."""
    zrtp: ZrtpOwn | None = None
    """Be ready for ZRTP; None: it is not spoken."""
    ice: IceTerms | None = None
    """Be ready for ICE: LocalReady then comes after gathering; None: a plain path."""


@dataclass(frozen=True, slots=True)
class SetRemote:
    """What was agreed: where to send, which codec, which keys. Replaces what was set before.

    Keys come by SDES (`keys`), else by `dtls`, else by `zrtp` alone. Where `zrtp` stands beside
    another one, its keys take the place of the other's once they are agreed (RFC 6189 §8.2).
    """

    session: int
    remote: PathAddress
    remote_rtcp: PathAddress | None
    """None where RTCP shares the RTP port (RFC 5761)."""
    codec: AudioCodec
    dtmf_payload_type: int | None
    keys: SrtpKeys | None
    """Those of SDES; None: another keying brings them."""
    ptime_ms: int = 20
    sending: bool = True
    receiving: bool = True
    receive_codecs: tuple[AudioCodec, ...] = ()
    """What may come in, by our own payload types; empty: `codec` alone."""
    receive_dtmf_payload_type: int | None = None
    """Our own payload type for telephone-events; None: `dtmf_payload_type`."""
    codec_parameters: str | None = None
    """The peer's `a=fmtp` value for `codec`, "" where it has none; None: not known."""
    dtmf_clock_rate: int | None = None
    """Of the telephone-events sent and received; None: that of `codec`."""
    receive_events: tuple[tuple[int, int], ...] = ()
    """Further telephone-events that may come in: our own payload type and its clock rate."""
    opus: OpusTerms = field(default_factory=OpusTerms)
    """How to encode Opus, before the peer's own wishes in `codec_parameters`."""
    dtls: DtlsAgreed | None = None
    zrtp: ZrtpAgreed | None = None
    ice: IceAgreed | None = None
    """None: the peer doesn't speak ICE, and is reached at `remote`."""

    @property
    def send_keys(self) -> CryptoLine:
        """What we protect with. LocalError before there are keys."""
        return self._keys().send

    @property
    def receive_keys(self) -> CryptoLine:
        """What the peer protects with. LocalError before there are keys."""
        return self._keys().receive

    def _keys(self) -> SrtpKeys:
        if self.keys is None:
            raise LocalError("there are no keys yet: no stream can be made")
        return self.keys


@dataclass(frozen=True, slots=True)
class Start:
    """Open the sound and let media flow in both directions."""

    session: int


@dataclass(frozen=True, slots=True)
class SendDtmf:
    """Send these digits (0-9 * # A-D) as telephone-events (RFC 4733), in order."""

    session: int
    digits: str
    duration_ms: int = 100
    gap_ms: int = 80


@dataclass(frozen=True, slots=True)
class Stop:
    """End the session: SRTCP BYE, close path and sound, then report Stopped."""

    session: int


SessionCommand = Prepare | SetRemote | Start | SendDtmf | Stop | GatherAgain | KeyingCommand
Command = SessionCommand | HandsetCommand


@dataclass(frozen=True, slots=True)
class LocalReady:
    """The path is open: where we receive, and the keys made, tags counting from 1."""

    session: int
    rtp: PathAddress
    rtcp: PathAddress
    crypto: tuple[CryptoLine, ...]
    fingerprint: Fingerprint | None = None
    """Of our DTLS certificate, where Prepare asked for DTLS."""
    tls_id: str = ""
    """The value of `a=tls-id` for the next new association (RFC 8842 §4)."""
    zrtp_hash: str = ""
    """The value of `a=zrtp-hash`, where Prepare asked for ZRTP."""
    ice: IceDescription | None = None
    """What to tell the peer about ICE, where Prepare asked for it."""


@dataclass(frozen=True, slots=True)
class KeysConfirmed:
    """The first authenticated SRTP packet came in, `after_ms` after Start."""

    session: int
    after_ms: float


@dataclass(frozen=True, slots=True)
class FirstPacketSent:
    """The first SRTP packet went out, `after_ms` after Start."""

    session: int
    after_ms: float


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The peer pressed a key."""

    session: int
    digit: str
    duration_ms: float


@dataclass(frozen=True, slots=True)
class MediaLost:
    """No authenticated packet for `silent_ms`; media may come back."""

    session: int
    silent_ms: float


@dataclass(frozen=True, slots=True)
class MediaBack:
    """An authenticated packet came again, `silent_ms` after the last one before it."""

    session: int
    silent_ms: float


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The session can't go on: `reason` is a sentence for a person.

    Where it had been prepared, Stopped follows with its counts; otherwise this is the last report.
    """

    session: int
    reason: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of one session (packets unless said otherwise)."""

    sent: int = 0
    received: int = 0
    """Authenticated and in order of nothing: duplicates and late ones included."""
    lost: int = 0
    late: int = 0
    rejected: int = 0
    """RTP and RTCP, not authenticated, replayed or unparsable: never decoded."""
    jitter_ms: float = 0.0
    """Interarrival jitter (RFC 3550 §6.4.1)."""
    underruns: int = 0
    """Periods in which the sound asked for a frame and none was there."""
    round_trip_ms: float | None = None
    """From RTCP's LSR and DLSR (RFC 3550 §6.4.1), where the peer reports."""
    recovered: int = 0
    """Gaps filled by the FEC of the packet after them."""
    concealed_ms: float = 0.0
    """Played that was made up, fading and silence in its place included."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The session is over; nothing more comes of it."""

    session: int
    statistics: Statistics = field(default_factory=Statistics)


SessionReport = (
    LocalReady
    | KeysConfirmed
    | FirstPacketSent
    | DtmfReceived
    | MediaLost
    | MediaBack
    | SessionFailed
    | Stopped
    | PathFound
    | PathLost
    | KeyingReport
)
Report = SessionReport | HandsetReport
