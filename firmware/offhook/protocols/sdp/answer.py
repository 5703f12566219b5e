"""Answering an offer (RFC 3264 §6, RFC 4568 §5.1.2 and §7.1.2, RFC 5761 §5.1.1).

First what of it is taken, then the answer itself. Keys are found by their attributes, not by the
profile's name: peers put `a=crypto` under any of four. An offer without keys that can be used is
refused whatever it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.sdes import SkippedCrypto
from offhook.protocols.keying.srtp_keys import CryptoLine, SrtpKeys
from offhook.protocols.sdp.attributes import Direction, read_direction
from offhook.protocols.sdp.codecs import foreign_rate, read_formats
from offhook.protocols.sdp.description import parse_sdp, serialise_sdp
from offhook.protocols.sdp.errors import Unacceptable
from offhook.protocols.sdp.reading import (
    DTLS_PROFILES,
    SDES_PROFILES,
    check_family,
    is_unspecified,
    other_keying,
    read_crypto,
    read_ptime,
    read_remote,
    read_remote_rtcp,
)
from offhook.protocols.sdp.records import SessionDescription
from offhook.protocols.sdp.terms import Agreement, Choice
from offhook.protocols.sdp.writing import (
    AudioTerms,
    audio_section,
    local_connection,
    refused_section,
)

if TYPE_CHECKING:
    from offhook.protocols.sdp.records import MediaDescription, Origin
    from offhook.protocols.sdp.terms import LocalMedia, MediaPolicy

DTLS_ONLY: Final = "DTLS-SRTP only: this phone takes SDES keys."


def choose(offer: bytes, policy: MediaPolicy, established: Agreement | None = None) -> Choice:
    """The first audio stream of `offer` that can be taken, with its first key, codec and so on.

    `established` is what the session has so far: its stream and suite are preferred. Raises
    Unacceptable with the reason of the first audio stream, to be answered with its status.
    """
    session = parse_sdp(offer)
    if established and len(session.media) < established.media_lines:
        raise Unacceptable(
            "media-lines",
            f"The new offer has {len(session.media)} media sections, "
            f"where the session has {established.media_lines}.",
        )
    places = [
        index
        for index, section in enumerate(session.media)
        if section.media == "audio" and section.port
    ]
    if established and established.media_index in places:
        places.remove(established.media_index)
        places.insert(0, established.media_index)
    first_refusal: Unacceptable | None = None
    for index in places:
        try:
            return _consider(session, index, policy, established)
        except Unacceptable as refusal:
            first_refusal = first_refusal or refusal
    raise first_refusal or Unacceptable("no-audio", "No audio stream is offered.")


def make_answer(
    choice: Choice,
    local: LocalMedia,
    origin: Origin,
    *,
    direction: Direction = Direction.SENDRECV,
) -> tuple[bytes, Agreement]:
    """The answer that takes `choice`, and what is thereby agreed.

    `direction` is what we would like; the offer may leave less. The key for `choice.suite` is
    taken from `local.crypto`, under the offered tag. Raises LocalError where there is none, and
    Unacceptable where the offer's address or key does not go with ours.
    """
    send_keys = _send_keys(choice, local)
    check_family(local.rtp, choice.remote, choice.remote_rtcp)
    agreed = direction.answering(choice.offered_direction)
    event = choice.telephone_event
    ours = audio_section(
        local,
        AudioTerms(
            profile=choice.offer.media[choice.media_index].profile,
            codecs=(choice.codec,),
            telephone_events=() if event is None else (event,),
            crypto=(send_keys,),
            ptime_ms=choice.policy.ptime_ms,
            direction=agreed,
            rtcp_mux=choice.remote_rtcp is None,
            rtcp_port=choice.remote_rtcp is not None,
        ),
    )
    media = tuple(
        ours if index == choice.media_index else refused_section(section)
        for index, section in enumerate(choice.offer.media)
    )
    answer = SessionDescription(origin, media, local_connection(local), timing=choice.offer.timing)
    agreement = Agreement(
        remote=choice.remote,
        remote_rtcp=choice.remote_rtcp,
        codec=choice.codec,
        dtmf_payload_type=None if event is None else event.payload_type,
        keys=SrtpKeys(send_keys, choice.receive_keys),
        ptime_ms=choice.ptime_ms,
        sending=agreed.sends,
        receiving=agreed.receives,
        receive_codecs=(choice.codec,),
        receive_dtmf_payload_type=None if event is None else event.payload_type,
        codec_parameters=choice.codec_parameters,
        dtmf_clock_rate=foreign_rate(choice.codec, event),
        held=not choice.offered_direction.receives,
        media_index=choice.media_index,
        media_lines=len(media),
    )
    return serialise_sdp(answer), agreement


def _consider(
    session: SessionDescription, index: int, policy: MediaPolicy, established: Agreement | None
) -> Choice:
    section = session.media[index]
    receive_keys = _receive_keys(session, section, policy, established)
    formats = read_formats(section, policy.codecs)
    if not formats.codecs:
        raise Unacceptable("codec", "The offer has no codec that this phone has.")
    codec = formats.codecs[0]
    remote = read_remote(session, section)
    shared = policy.rtcp_mux and section.has("rtcp-mux") and not formats.clashes_with_rtcp()
    direction = read_direction(session, section)
    if is_unspecified(remote):
        direction = Direction.of(sends=direction.sends, receives=False)
    return Choice(
        offer=session,
        media_index=index,
        remote=remote,
        remote_rtcp=None if shared else read_remote_rtcp(section, remote),
        codec=codec,
        telephone_event=formats.telephone_event(codec.clock_rate),
        codec_parameters=formats.parameters_of(codec),
        receive_keys=receive_keys,
        ptime_ms=read_ptime(section, policy.ptime_ms),
        offered_direction=direction,
        policy=policy,
    )


def _receive_keys(
    session: SessionDescription,
    section: MediaDescription,
    policy: MediaPolicy,
    established: Agreement | None,
) -> CryptoLine:
    lines = read_crypto(section)
    if section.profile in DTLS_PROFILES:
        raise Unacceptable("dtls-only", DTLS_ONLY)
    if section.profile not in SDES_PROFILES:
        raise Unacceptable("profile", "The offer's audio transport is not RTP.")
    if not lines:
        raise _without_sdes(session, section)
    usable = [
        line for line in lines if isinstance(line, CryptoLine) and line.suite.name in policy.suites
    ]
    if not usable:
        raise _unusable(lines)
    if established:
        usable.sort(key=lambda line: line.suite != established.send_keys.suite)
        if usable[0].master == established.send_keys.master:
            raise Unacceptable("key-echoed", "The new offer sends our own key back.")
    return usable[0]


def _without_sdes(session: SessionDescription, section: MediaDescription) -> Unacceptable:
    method = other_keying(session, section)
    if method == "DTLS-SRTP":
        return Unacceptable("dtls-only", DTLS_ONLY)
    if method:
        return Unacceptable("keying-unknown", f"The offer has its keys by {method} only.")
    if section.has("zrtp-hash") or session.has("zrtp-hash"):
        return Unacceptable("zrtp-only", "ZRTP only: this phone takes SDES keys.")
    return Unacceptable("no-keys", "The offer has no keys: the call would not be encrypted.")


def _unusable(lines: list[CryptoLine | SkippedCrypto]) -> Unacceptable:
    reasons = [
        (line.rule, line.reason)
        if isinstance(line, SkippedCrypto)
        else ("suite-not-allowed", f"has the suite {line.suite.name}, not allowed here")
        for line in lines
    ]
    told = "; ".join(f"line {place} {why}" for place, (_, why) in enumerate(reasons[:8], start=1))
    return Unacceptable(f"crypto-{reasons[0][0]}", f"None of the offer's keys can be used: {told}.")


def _send_keys(choice: Choice, local: LocalMedia) -> CryptoLine:
    if any(line.master == choice.receive_keys.master for line in local.crypto):
        raise Unacceptable("key-echoed", "The offer sends our own key back.")
    for line in local.crypto:
        if line.suite == choice.suite:
            return CryptoLine(choice.receive_keys.tag, line.suite, line.master)
    raise LocalError(f"no key was made for {choice.suite.name}")
