"""Offers of one audio stream (RFC 3264 §5 and §8, RFC 4568 §5.1.1 and §7.1.4, RFC 8842 §5.2, §5.5).

What a first offer has of the keyings is what its form, the policy and our end have in common.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.setup import Setup
from offhook.protocols.keying.methods import Keying
from offhook.protocols.sdp.attributes import Direction
from offhook.protocols.sdp.codecs import CODECS, offered_events, read_formats
from offhook.protocols.sdp.description import parse_sdp, serialise_sdp
from offhook.protocols.sdp.errors import BadSdp
from offhook.protocols.sdp.forms import LADDER, OfferForm, offer_forms, usable_keyings
from offhook.protocols.sdp.records import SessionDescription
from offhook.protocols.sdp.writing import (
    AudioTerms,
    DtlsTerms,
    audio_section,
    local_connection,
    refused_section,
)

if TYPE_CHECKING:
    from offhook.protocols.keying.srtp_keys import CryptoLine
    from offhook.protocols.sdp.policy import MediaPolicy
    from offhook.protocols.sdp.records import MediaDescription, Origin
    from offhook.protocols.sdp.terms import Agreement, LocalMedia


def make_offer(
    local: LocalMedia,
    policy: MediaPolicy,
    origin: Origin,
    *,
    form: OfferForm | None = None,
    direction: Direction = Direction.SENDRECV,
) -> bytes:
    """The first offer of a session: one stream, in this form or the first that can be had.

    With SDES it has a key for every suite of the policy, in its order. Raises LocalError where
    the form can't be had (see offer_forms), where a suite's key is missing or `local` can't be
    sent to.
    """
    forms = offer_forms(policy, local)
    form = form or next(iter(forms), None)
    if form is None or form not in forms:
        raise LocalError("our end has no keying for such an offer")
    rung = LADDER[form]
    keyings = usable_keyings(policy, local) & (rung.beside | {rung.brought_by})
    codecs = tuple(CODECS[name] for name in policy.codecs)
    section = audio_section(
        local,
        AudioTerms(
            profile=rung.profile,
            codecs=codecs,
            telephone_events=offered_events(codecs),
            crypto=_fresh_keys(local, policy) if Keying.SDES in keyings else (),
            dtls=_offered_dtls(local) if Keying.DTLS in keyings else None,
            zrtp_hash=local.zrtp_hash if Keying.ZRTP in keyings else "",
            ice=local.ice if policy.rtcp_mux else None,
            ptime_ms=policy.ptime_ms,
            direction=direction,
            rtcp_mux=policy.rtcp_mux,
            rtcp_port=True,
        ),
    )
    return serialise_sdp(SessionDescription(origin, (section,), local_connection(local)))


def make_reoffer(
    previous: bytes,
    agreement: Agreement,
    local: LocalMedia,
    policy: MediaPolicy,
    *,
    direction: Direction = Direction.SENDRECV,
    fresh_key: CryptoLine | None = None,
) -> bytes:
    """A further offer in the same session (RFC 3264 §8): to hold, resume, move or re-key.

    `previous` is the last description we sent, offer or answer. The session's identity, its
    `m=` lines, payload types, profile, keying and suite stay, the version is raised by one, and so
    does our key stay unless `fresh_key` is given. Raises LocalError where our address changed
    without a fresh key (RFC 4568 §7.1.4), the policy does not have the keying or the key's suite,
    or our end can't keep the keying.
    """
    before, index = own_stream(previous)
    section = before.media[index]
    if agreement.keying not in policy.keyings:
        raise LocalError(f"the policy does not have {agreement.keying.value}")
    if agreement.keying is not Keying.SDES and agreement.keying not in local.keyings:
        raise LocalError(f"our end can't go on with {agreement.keying.value}")
    crypto: tuple[CryptoLine, ...] = ()
    if agreement.keying is Keying.SDES:
        key = fresh_key or agreement.send_keys
        if key.suite.name not in policy.suites:
            raise LocalError(f"the policy does not have {key.suite.name}")
        moved = before.connection != local_connection(local) or section.port != local.default.port
        if moved and key.master == agreement.send_keys.master:
            raise LocalError("a stream that moves to another address takes a fresh key")
        crypto = (key,)
    formats = read_formats(section, tuple(CODECS))
    if not formats.codecs:
        raise LocalError("not a description of ours: no codec")
    ours = audio_section(
        local,
        AudioTerms(
            profile=section.profile,
            codecs=formats.codecs,
            telephone_events=formats.telephone_events,
            crypto=crypto,
            dtls=_kept_dtls(section, local) if agreement.keying is Keying.DTLS else None,
            zrtp_hash=local.zrtp_hash if policy.zrtp else "",
            ice=None if agreement.ice is None else local.ice,
            ptime_ms=policy.ptime_ms,
            direction=direction,
            rtcp_mux=agreement.remote_rtcp is None,
            rtcp_port=True,
        ),
    )
    media = tuple(
        ours if place == index else refused_section(each) for place, each in enumerate(before.media)
    )
    return serialise_sdp(SessionDescription(before.origin.raised(), media, local_connection(local)))


def _fresh_keys(local: LocalMedia, policy: MediaPolicy) -> tuple[CryptoLine, ...]:
    keys = {line.suite.name: line for line in local.crypto}
    missing = [name for name in policy.suites if name not in keys]
    if missing:
        raise LocalError(f"no key was made for {', '.join(missing)}")
    crypto = tuple(keys[name] for name in policy.suites)
    if len({line.tag for line in crypto}) < len(crypto):
        raise LocalError("two crypto lines share a tag")
    return crypto


def _offered_dtls(local: LocalMedia) -> DtlsTerms:
    """Always actpass, in a later offer too: the answer says whose role it is (RFC 8842 §5.5)."""
    if local.fingerprint is None:
        raise LocalError("DTLS-SRTP takes a fingerprint")
    return DtlsTerms(Setup.ACTPASS, local.fingerprint, local.tls_id)


def _kept_dtls(section: MediaDescription, local: LocalMedia) -> DtlsTerms:
    """The association goes on: a peer that has no tls-id gets none now (RFC 8842 §5.5)."""
    offered = _offered_dtls(local)
    return offered if section.has("tls-id") else replace(offered, tls_id="")


def own_stream(description: bytes) -> tuple[SessionDescription, int]:
    """A description of our own and the place of its audio stream; LocalError if it has none."""
    try:
        session = parse_sdp(description)
    except BadSdp as bad:
        raise LocalError(f"not a description of ours: {bad.detail}") from None
    for index, section in enumerate(session.media):
        if section.port:
            return session, index
    raise LocalError("not a description of ours: no audio stream")
