"""Our own audio section, made alike for offer and answer.

RFC 8866 §5.14, RFC 4568 §9.1, RFC 8842 §5, RFC 6189 §8, RFC 4733 §2.4.1, RFC 3605 §2.1,
RFC 5761 §5.1.1.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.fingerprint import format_fingerprint
from offhook.protocols.keying.sdes import format_crypto
from offhook.protocols.sdp.codecs import KEYPAD_EVENTS, PARAMETERS, TELEPHONE_EVENT
from offhook.protocols.sdp.ice import ice_attributes
from offhook.protocols.sdp.records import Attribute, Connection, MediaDescription, address_type

if TYPE_CHECKING:
    from offhook.base.vocabulary import AudioCodec, IceDescription, PathAddress
    from offhook.protocols.keying.dtls.fingerprint import Fingerprint
    from offhook.protocols.keying.dtls.setup import Setup
    from offhook.protocols.keying.srtp_keys import CryptoLine
    from offhook.protocols.sdp.attributes import Direction, RtpMap
    from offhook.protocols.sdp.terms import LocalMedia


@dataclass(frozen=True, slots=True)
class DtlsTerms:
    """What our section says of DTLS-SRTP; without a `tls_id` it has none."""

    setup: Setup
    fingerprint: Fingerprint
    tls_id: str


@dataclass(frozen=True, slots=True)
class AudioTerms:
    """What our audio section is to say."""

    profile: str
    codecs: tuple[AudioCodec, ...]
    telephone_events: tuple[RtpMap, ...]
    crypto: tuple[CryptoLine, ...]
    ptime_ms: int
    direction: Direction
    rtcp_mux: bool
    rtcp_port: bool
    """Name the RTCP port: always in an offer, where sharing may be declined."""
    dtls: DtlsTerms | None = None
    zrtp_hash: str = ""
    ice: IceDescription | None = None
    ice_mismatch: bool = False
    """Say that ICE is not used because the peer's default destination is no candidate."""


def audio_section(local: LocalMedia, terms: AudioTerms) -> MediaDescription:
    """The `m=audio` section with its attributes.

    Raises LocalError on an address that can't be sent to, on keys that don't fit, and where no
    keying or codec is given.
    """
    if not (terms.crypto or terms.dtls or terms.zrtp_hash) or not terms.codecs:
        raise LocalError("an audio stream has at least one keying and one codec")
    check_local(local)
    numbers = [codec.payload_type for codec in terms.codecs]
    attributes: list[Attribute] = []
    for codec in terms.codecs:
        attributes.append(Attribute("rtpmap", _rtpmap(codec)))
        if codec.encoding in PARAMETERS:
            said = f"{codec.payload_type} {PARAMETERS[codec.encoding]}"
            attributes.append(Attribute("fmtp", said))
    for event in terms.telephone_events:
        numbers.append(event.payload_type)
        attributes += [
            Attribute("rtpmap", f"{event.payload_type} {TELEPHONE_EVENT}/{event.clock_rate}"),
            Attribute("fmtp", f"{event.payload_type} {KEYPAD_EVENTS}"),
        ]
    attributes.append(Attribute("ptime", str(terms.ptime_ms)))
    attributes += _keying(terms)
    if terms.rtcp_port:
        attributes.append(Attribute("rtcp", _rtcp(local)))
    if terms.rtcp_mux:
        attributes.append(Attribute("rtcp-mux"))
    if terms.ice is not None:
        attributes += ice_attributes(terms.ice)
    elif terms.ice_mismatch:
        attributes.append(Attribute("ice-mismatch"))
    attributes.append(Attribute(terms.direction.value))
    return MediaDescription(
        media="audio",
        port=local.default.port,
        profile=terms.profile,
        formats=tuple(str(number) for number in numbers),
        attributes=tuple(attributes),
    )


def _keying(terms: AudioTerms) -> list[Attribute]:
    attributes = [Attribute("crypto", format_crypto(line)) for line in terms.crypto]
    if terms.dtls is not None:
        attributes += [
            Attribute("setup", terms.dtls.setup.value),
            Attribute("fingerprint", format_fingerprint(terms.dtls.fingerprint)),
        ]
        if terms.dtls.tls_id:
            attributes.append(Attribute("tls-id", terms.dtls.tls_id))
    if terms.zrtp_hash:
        attributes.append(Attribute("zrtp-hash", terms.zrtp_hash))
    return attributes


def _rtpmap(codec: AudioCodec) -> str:
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    return f"{codec.payload_type} {codec.encoding}/{codec.clock_rate}{channels}"


def refused_section(offered: MediaDescription) -> MediaDescription:
    """The section that says no to an offered one: port 0, one format (RFC 3264 §6)."""
    return MediaDescription(
        media=offered.media, port=0, profile=offered.profile, formats=offered.formats[:1]
    )


def local_connection(local: LocalMedia) -> Connection:
    """The `c=` line for our end."""
    return Connection.to(local.default.host)


def check_local(local: LocalMedia) -> None:
    """Raises LocalError unless all our addresses can be sent to."""
    for address in (local.rtp, local.rtcp, local.default):
        _check(address)


def _check(address: PathAddress) -> None:
    try:
        host = ipaddress.ip_address(address.host)
    except ValueError:
        raise LocalError(f"not an IP address: {address.host!r}") from None
    if host.is_unspecified or host.is_multicast or not 0 < address.port <= 65_535:
        raise LocalError(f"nobody can send to {address.host} port {address.port}")


def _rtcp(local: LocalMedia) -> str:
    if local.rtcp.host == local.default.host:
        return str(local.rtcp.port)
    host = local.rtcp.host
    return f"{local.rtcp.port} IN {address_type(host)} {host}"
