"""Decryption of captured SRTP (RFC 3711, RFC 7714) with the keys of a call, by libsrtp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pylibsrtp import Error, Policy, Session
from tests.interop.lab.rtp import RtpFlow, RtpPacket, parse_rtp
from tests.interop.lab.sip_trace import SdesKey

_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


@dataclass(frozen=True, slots=True)
class Decrypted:
    """`packets` passed authentication with the key, `refused` did not."""

    packets: tuple[RtpPacket, ...]
    refused: int


def open_rtcp(datagrams: Sequence[bytes], key: SdesKey) -> list[bytes]:
    """The SRTCP datagrams that the key authenticates, decrypted, in their order."""
    session = _session(key)
    opened = []
    for datagram in datagrams:
        try:
            opened.append(session.unprotect_rtcp(datagram))
        except Error:
            continue
    return opened


def decrypt(flow: RtpFlow, key: SdesKey) -> Decrypted:
    """Removes SRTP from a flow, packet by packet in the order of arrival."""
    session = _session(key)
    opened: list[RtpPacket] = []
    refused = 0
    for packet in flow.packets:
        try:
            plain = session.unprotect(packet.datagram)
        except Error:
            refused += 1
            continue
        parsed = parse_rtp(plain, packet.time, packet.dscp)
        if parsed is not None:
            opened.append(parsed)
    return Decrypted(tuple(opened), refused)


def _session(key: SdesKey) -> Session:
    return Session(
        policy=Policy(
            key=key.key_and_salt,
            ssrc_type=Policy.SSRC_ANY_INBOUND,
            srtp_profile=_PROFILES[key.suite],
        )
    )
