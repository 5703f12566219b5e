"""Answering an offer (RFC 3264 §6, RFC 4568 §5.1.2 and §7.1.2, RFC 5761 §5.1.1, RFC 8842 §5.3).

First what of it is taken, then the answer itself. An offer without keys that can be used is
refused whatever it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.base.errors import LocalError
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import CryptoLine, SrtpKeys
from offhook.protocols.sdp.attributes import Direction, read_direction
from offhook.protocols.sdp.codecs import foreign_rate, read_formats
from offhook.protocols.sdp.description import parse_sdp, serialise_sdp
from offhook.protocols.sdp.errors import Unacceptable
from offhook.protocols.sdp.ice import IceSaid, read_ice
from offhook.protocols.sdp.reading import (
    check_family,
    is_unspecified,
    read_ptime,
    read_remote,
    read_remote_rtcp,
)
from offhook.protocols.sdp.records import SessionDescription
from offhook.protocols.sdp.said import check_hash_echo
from offhook.protocols.sdp.taking import Taker
from offhook.protocols.sdp.terms import Agreement, Choice
from offhook.protocols.sdp.writing import (
    AudioTerms,
    DtlsTerms,
    audio_section,
    local_connection,
    refused_section,
)

if TYPE_CHECKING:
    from offhook.protocols.sdp.policy import MediaPolicy
    from offhook.protocols.sdp.records import Origin
    from offhook.protocols.sdp.terms import LocalMedia


def choose(offer: bytes, policy: MediaPolicy, established: Agreement | None = None) -> Choice:
    """The first audio stream of `offer` that can be taken, with its first key, codec and so on.

    `established` is what the session has so far: its stream, keying and suite are preferred. Raises
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
            return _consider(session, index, Taker(policy, established))
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
    Unacceptable where our end is not ready for the keying, or where the offer's address or key
    does not go with ours.
    """
    _check_ready(choice, local)
    keys = _keys(choice, local)
    check_family(local.rtp, choice.remote, choice.remote_rtcp)
    ice = None if local.ice is None else choice.ice
    reachable = ice is not None or not is_unspecified(choice.remote)
    offered = choice.offered_direction
    if not reachable:
        offered = Direction.of(sends=offered.sends, receives=False)
    agreed = direction.answering(offered)
    event = choice.telephone_event
    ours = audio_section(
        local,
        AudioTerms(
            profile=choice.offer.media[choice.media_index].profile,
            codecs=(choice.codec,),
            telephone_events=() if event is None else (event,),
            crypto=() if keys is None else (keys.send,),
            dtls=_dtls(choice, local),
            zrtp_hash=local.zrtp_hash if choice.policy.zrtp else "",
            ptime_ms=choice.policy.ptime_ms,
            direction=agreed,
            rtcp_mux=choice.remote_rtcp is None,
            rtcp_port=choice.remote_rtcp is not None,
            ice=local.ice if ice is not None else None,
            ice_mismatch=choice.ice_mismatch and local.ice is not None,
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
        keys=keys,
        ptime_ms=choice.ptime_ms,
        sending=agreed.sends,
        receiving=agreed.receives,
        receive_codecs=(choice.codec,),
        receive_dtmf_payload_type=None if event is None else event.payload_type,
        codec_parameters=choice.codec_parameters,
        dtmf_clock_rate=foreign_rate(choice.codec, event),
        held=not offered.receives,
        media_index=choice.media_index,
        media_lines=len(media),
        dtls=choice.dtls,
        zrtp_hashes=choice.zrtp_hashes,
        ice=ice,
    )
    return serialise_sdp(answer), agreement


def _consider(session: SessionDescription, index: int, taker: Taker) -> Choice:
    section, policy = session.media[index], taker.policy
    remote = read_remote(session, section)
    formats = read_formats(section, policy.codecs)
    shared = policy.rtcp_mux and section.has("rtcp-mux") and not formats.clashes_with_rtcp()
    ice = read_ice(session, section, remote) if shared else IceSaid()
    taken = taker.take(session, section, remote, ice.peer)
    if not formats.codecs:
        raise Unacceptable("codec", "The offer has no codec that this phone has.")
    codec = formats.codecs[0]
    return Choice(
        offer=session,
        media_index=index,
        remote=remote,
        remote_rtcp=None if shared else read_remote_rtcp(section, remote),
        codec=codec,
        telephone_event=formats.telephone_event(codec.clock_rate),
        codec_parameters=formats.parameters_of(codec),
        ptime_ms=read_ptime(section, policy.ptime_ms),
        offered_direction=read_direction(session, section),
        policy=policy,
        crypto=taken.crypto,
        dtls=taken.dtls,
        zrtp_hashes=taken.zrtp_hashes,
        ice=ice.peer,
        ice_mismatch=ice.mismatch,
    )


def _check_ready(choice: Choice, local: LocalMedia) -> None:
    ready = local.keyings
    if choice.keying is not Keying.SDES and choice.keying not in ready:
        raise Unacceptable(
            "keying-not-ready", f"This phone is not ready for {choice.keying.value} in this call."
        )
    if choice.policy.required is not None and choice.policy.required not in ready:
        raise Unacceptable("keying-not-ready", "This phone is not ready for ZRTP, as it has to be.")
    if choice.dtls is not None and local.fingerprint in choice.dtls.fingerprints:
        raise Unacceptable("key-echoed", "The offer sends our own fingerprint back.")
    check_hash_echo(choice.zrtp_hashes, local.zrtp_hash)


def _keys(choice: Choice, local: LocalMedia) -> SrtpKeys | None:
    theirs = choice.crypto
    if theirs is None:
        return None
    if any(line.master == theirs.master for line in local.crypto):
        raise Unacceptable("key-echoed", "The offer sends our own key back.")
    for line in local.crypto:
        if line.suite == theirs.suite:
            return SrtpKeys(CryptoLine(theirs.tag, line.suite, line.master), theirs)
    raise LocalError(f"no key was made for {theirs.suite.name}")


def _dtls(choice: Choice, local: LocalMedia) -> DtlsTerms | None:
    """RFC 8842 §5.3: without `a=tls-id` in the offer there is none in the answer."""
    if choice.dtls is None or local.fingerprint is None:
        return None
    tls_id = "" if choice.dtls.tls_id is None else local.tls_id
    return DtlsTerms(choice.dtls.role.setup, local.fingerprint, tls_id)
