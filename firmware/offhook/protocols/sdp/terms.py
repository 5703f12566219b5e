"""What an offer/answer needs and what it yields (RFC 3264, RFC 4568 §5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import AEAD_AES_256_GCM, AES_CM_128_HMAC_SHA1_80, SUITES
from offhook.protocols.sdp.codecs import CODECS

if TYPE_CHECKING:
    from offhook.base.vocabulary import AudioCodec, PathAddress
    from offhook.protocols.keying.dtls.agreed import Agreed as DtlsAgreed
    from offhook.protocols.keying.dtls.fingerprint import Fingerprint
    from offhook.protocols.keying.srtp_keys import CryptoLine, CryptoSuite, SrtpKeys
    from offhook.protocols.keying.zrtp.hello_hash import HelloHash
    from offhook.protocols.sdp.attributes import Direction, RtpMap
    from offhook.protocols.sdp.records import SessionDescription

PTIMES_MS: Final = range(10, 61, 10)
"""How many ms of speech a packet of ours can hold."""


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """What may be agreed to, the same for both directions and at every offer of a call.

    There is no way to allow a stream without keys. Raises LocalError on empty lists, on names
    that are not known and on a packet time that is not made.
    """

    suites: tuple[str, ...] = (AEAD_AES_256_GCM.name, AES_CM_128_HMAC_SHA1_80.name)
    """SDES names, the preferred one first."""
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    """Encoding names, the preferred one first."""
    rtcp_mux: bool = True
    """Offer RTCP on the RTP port, and agree to it (RFC 5761)."""
    ptime_ms: int = 20
    """What we like to receive, and send where the peer has no other wish."""

    def __post_init__(self) -> None:
        for names, known, kind in (
            (self.suites, SUITES, "suite"),
            (self.codecs, CODECS, "codec"),
        ):
            if not names or len(set(names)) != len(names):
                raise LocalError(f"a media policy has each {kind} once, and at least one")
            for name in names:
                if name not in known:
                    raise LocalError(f"no such {kind}: {name}")
        if self.ptime_ms not in PTIMES_MS:
            raise LocalError(f"no packet of ours holds {self.ptime_ms} ms of speech")


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

    An answer takes one of our keys for `suite`: while the call is being set up, a fresh one;
    later the one in use, unless the suite or our address changed.
    """

    offer: SessionDescription
    media_index: int
    remote: PathAddress
    remote_rtcp: PathAddress | None
    codec: AudioCodec
    codec_parameters: str
    telephone_event: RtpMap | None
    receive_keys: CryptoLine
    ptime_ms: int
    offered_direction: Direction
    """The peer's own, without receiving where it names no address to send to."""
    policy: MediaPolicy

    @property
    def suite(self) -> CryptoSuite:
        """The suite for which the answer needs a key of ours."""
        return self.receive_keys.suite
