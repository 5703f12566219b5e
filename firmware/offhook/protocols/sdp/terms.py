"""What an offer/answer needs and what it yields (RFC 3264, RFC 4568 §5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.base.errors import LocalError
from offhook.protocols.keying.methods import Keying

if TYPE_CHECKING:
    from offhook.base.vocabulary import AudioCodec, IceDescription, PathAddress
    from offhook.protocols.keying.dtls.agreed import Agreed as DtlsAgreed
    from offhook.protocols.keying.dtls.fingerprint import Fingerprint
    from offhook.protocols.keying.srtp_keys import CryptoLine, CryptoSuite, SrtpKeys
    from offhook.protocols.keying.zrtp.hello_hash import HelloHash
    from offhook.protocols.sdp.attributes import Direction, RtpMap
    from offhook.protocols.sdp.policy import MediaPolicy
    from offhook.protocols.sdp.records import SessionDescription


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Our end of the stream: where we receive, and the keys made for sending."""

    rtp: PathAddress
    rtcp: PathAddress
    """Used where the two sides do not share a port."""
    crypto: tuple[CryptoLine, ...]
    fingerprint: Fingerprint | None = None
    """Of our DTLS certificate; None: DTLS-SRTP is not to be had."""
    tls_id: str = ""
    zrtp_hash: str = ""
    """The value of our `a=zrtp-hash`; empty: ZRTP is not to be had."""
    ice: IceDescription | None = None
    """What we gathered; None: ICE is not to be had."""

    @property
    def default(self) -> PathAddress:
        """Where a peer without ICE sends to: what `m=` and `c=` name."""
        return self.rtp if self.ice is None else self.ice.default

    @property
    def keyings(self) -> frozenset[Keying]:
        """The methods for which our end has what an offer or answer needs."""
        ready = {
            Keying.SDES: bool(self.crypto),
            Keying.DTLS: self.fingerprint is not None,
            Keying.ZRTP: bool(self.zrtp_hash),
        }
        return frozenset(keying for keying, has in ready.items() if has)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One encrypted audio stream on which offer and answer agree."""

    remote: PathAddress
    """Where to send. The unspecified address (0.0.0.0 or ::) stands for: nowhere, not even RTCP;
    `sending` is False then (RFC 3264 §8.4)."""
    remote_rtcp: PathAddress | None
    """None where RTCP shares the RTP port."""
    codec: AudioCodec
    """What to send, under the peer's payload type."""
    dtmf_payload_type: int | None
    """The telephone-event to send, or None where the peer takes none."""
    keys: SrtpKeys | None
    """Those of SDES; None where DTLS-SRTP or ZRTP alone brings them."""
    ptime_ms: int
    sending: bool
    receiving: bool
    receive_codecs: tuple[AudioCodec, ...] = ()
    """What may come in, under the payload types of our own description."""
    receive_dtmf_payload_type: int | None = None
    codec_parameters: str = ""
    """The peer's `a=fmtp` value for `codec`."""
    dtmf_clock_rate: int | None = None
    """Of the telephone-events where it is not that of `codec`."""
    receive_events: tuple[tuple[int, int], ...] = ()
    """Further telephone-events that may come in, with other codecs: payload type, clock rate."""
    held: bool = False
    """The peer takes no media from us: sendonly, inactive or no address."""
    media_index: int = 0
    """Which `m=` line of how many: both stay for the whole session (RFC 3264 §8)."""
    media_lines: int = 1
    dtls: DtlsAgreed | None = None
    """Our role, and what the peer's certificate is held against."""
    zrtp_hashes: tuple[HelloHash, ...] = ()
    """What the peer says of its ZRTP Hello (RFC 6189 §8.1); there may be keys beside it."""
    ice: IceDescription | None = None
    """What ICE is to find a path to, RTCP with it; None: media goes to `remote`."""

    @property
    def keying(self) -> Keying:
        """What brings the first keys; ZRTP may take their place later."""
        if self.keys is not None:
            return Keying.SDES
        return Keying.ZRTP if self.dtls is None else Keying.DTLS

    @property
    def send_keys(self) -> CryptoLine:
        """Our SDES key. LocalError where another keying was agreed."""
        return self._sdes().send

    @property
    def receive_keys(self) -> CryptoLine:
        """The peer's SDES key. LocalError where another keying was agreed."""
        return self._sdes().receive

    def _sdes(self) -> SrtpKeys:
        if self.keys is None:
            raise LocalError("the stream was not keyed by SDES")
        return self.keys


@dataclass(frozen=True, slots=True)
class Choice:
    """What of an offer is taken; nothing is promised before the answer is made.

    One keying brings the keys: `crypto`, else `dtls`, else ZRTP alone. By SDES an answer takes one
    of our keys for `suite`: while the call is being set up, a fresh one; later the one in use,
    unless the suite or our address changed.
    """

    offer: SessionDescription
    media_index: int
    remote: PathAddress
    remote_rtcp: PathAddress | None
    codec: AudioCodec
    codec_parameters: str
    telephone_event: RtpMap | None
    ptime_ms: int
    offered_direction: Direction
    """The peer's own."""
    policy: MediaPolicy
    crypto: CryptoLine | None = None
    dtls: DtlsAgreed | None = None
    zrtp_hashes: tuple[HelloHash, ...] = ()
    ice: IceDescription | None = None
    ice_mismatch: bool = False
    """The answer has to say that ICE is not used, although both sides have it."""

    @property
    def keying(self) -> Keying:
        """What is to bring the first keys."""
        if self.crypto is not None:
            return Keying.SDES
        return Keying.ZRTP if self.dtls is None else Keying.DTLS

    @property
    def receive_keys(self) -> CryptoLine:
        """The peer's SDES key. LocalError where another keying is taken."""
        if self.crypto is None:
            raise LocalError("no SDES key was taken")
        return self.crypto

    @property
    def suite(self) -> CryptoSuite:
        """The suite for which an answer needs a key of ours. LocalError as above."""
        return self.receive_keys.suite
