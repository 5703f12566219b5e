"""Offers of one audio stream (RFC 3264 §5 and §8, RFC 4568 §5.1.1 and §7.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError
from offhook.protocols.sdp.attributes import Direction
from offhook.protocols.sdp.codecs import CODECS, offered_events, read_formats
from offhook.protocols.sdp.description import parse_sdp, serialise_sdp
from offhook.protocols.sdp.errors import BadSdp
from offhook.protocols.sdp.records import SessionDescription
from offhook.protocols.sdp.writing import (
    AudioTerms,
    audio_section,
    local_connection,
    refused_section,
)

if TYPE_CHECKING:
    from offhook.protocols.keying.srtp_keys import CryptoLine
    from offhook.protocols.sdp.records import Origin
    from offhook.protocols.sdp.terms import Agreement, LocalMedia, MediaPolicy

PROFILE: Final = "RTP/SAVP"


def make_offer(
    local: LocalMedia,
    policy: MediaPolicy,
    origin: Origin,
    *,
    direction: Direction = Direction.SENDRECV,
) -> bytes:
    """The first offer of a session: one stream, a key for every suite of the policy in its order.

    Raises LocalError where a suite's key is missing or `local` can't be sent to.
    """
    keys = {line.suite.name: line for line in local.crypto}
    missing = [name for name in policy.suites if name not in keys]
    if missing:
        raise LocalError(f"no key was made for {', '.join(missing)}")
    crypto = tuple(keys[name] for name in policy.suites)
    if len({line.tag for line in crypto}) < len(crypto):
        raise LocalError("two crypto lines share a tag")
    codecs = tuple(CODECS[name] for name in policy.codecs)
    section = audio_section(
        local,
        AudioTerms(
            profile=PROFILE,
            codecs=codecs,
            telephone_events=offered_events(codecs),
            crypto=crypto,
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
    `m=` lines, payload types, profile and suite stay, the version is raised by one, and so does
    our key stay unless `fresh_key` is given. Raises LocalError where our address changed without
    a fresh key (RFC 4568 §7.1.4) or the key's suite is not in the policy.
    """
    before, index = own_stream(previous)
    section = before.media[index]
    key = fresh_key or agreement.send_keys
    if key.suite.name not in policy.suites:
        raise LocalError(f"the policy does not have {key.suite.name}")
    moved = before.connection != local_connection(local) or section.port != local.rtp.port
    if moved and key.master == agreement.send_keys.master:
        raise LocalError("a stream that moves to another address takes a fresh key")
    formats = read_formats(section, tuple(CODECS))
    if not formats.codecs:
        raise LocalError("not a description of ours: no codec")
    ours = audio_section(
        local,
        AudioTerms(
            profile=section.profile,
            codecs=formats.codecs,
            telephone_events=formats.telephone_events,
            crypto=(key,),
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
