"""What an answer makes of our offer (RFC 3264 §7, RFC 4568 §5.1.3 and §7.1.3, RFC 5761 §5.1.1).

Its keys are in `settling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.protocols.sdp.attributes import read_direction
from offhook.protocols.sdp.codecs import Formats, foreign_rate, read_formats
from offhook.protocols.sdp.description import parse_sdp
from offhook.protocols.sdp.errors import Unacceptable
from offhook.protocols.sdp.ice import read_ice
from offhook.protocols.sdp.offer import own_stream
from offhook.protocols.sdp.reading import (
    check_family,
    is_unspecified,
    read_ptime,
    read_remote,
    read_remote_rtcp,
)
from offhook.protocols.sdp.said import read_said
from offhook.protocols.sdp.settling import Settler
from offhook.protocols.sdp.taking import moved
from offhook.protocols.sdp.terms import Agreement

if TYPE_CHECKING:
    from offhook.base.vocabulary import AudioCodec, IceDescription, PathAddress
    from offhook.protocols.sdp.attributes import RtpMap
    from offhook.protocols.sdp.policy import MediaPolicy
    from offhook.protocols.sdp.records import MediaDescription, SessionDescription
    from offhook.protocols.sdp.terms import LocalMedia


@dataclass(frozen=True, slots=True)
class _Side:
    """One side's audio section."""

    session: SessionDescription
    section: MediaDescription
    formats: Formats


def read_answer(
    offer: bytes,
    answer: bytes,
    local: LocalMedia,
    policy: MediaPolicy,
    established: Agreement | None = None,
) -> Agreement:
    """What `answer` makes of `offer`, which is our own: the first, or later with `established`.

    Raises Unacceptable: a first answer is then acknowledged and the call ended (ACK, BYE); at a
    later one what was agreed before stays in force.
    """
    session, index = own_stream(offer)
    answered = parse_sdp(answer)
    if len(answered.media) != len(session.media):
        raise Unacceptable(
            "media-lines",
            f"The answer has {len(answered.media)} media sections, "
            f"where {len(session.media)} were offered.",
        )
    ours = _side(session, index, policy)
    theirs = _side(answered, index, policy)
    if theirs.section.media != "audio":
        raise Unacceptable("media-type", "The answer makes something else of the audio stream.")
    remote = read_remote(theirs.session, theirs.section)
    ice = _ice(ours, theirs, local, remote)
    settled = Settler(
        ours=read_said(ours.session, ours.section), local=local, policy=policy, before=established
    ).settle(
        read_said(theirs.session, theirs.section),
        theirs.section.profile,
        moved=moved(established, remote, ice),
    )
    codec = _codec(ours, theirs)
    remote_rtcp = _remote_rtcp(ours, theirs, remote)
    check_family(local.rtp, remote, remote_rtcp)
    wanted, said = (read_direction(each.session, each.section) for each in (ours, theirs))
    reachable = ice is not None or not is_unspecified(remote)
    event = theirs.formats.telephone_event(codec.clock_rate)
    own_events = _common_events(ours, theirs)
    own_event = next(
        (own for own in own_events if event and own.clock_rate == event.clock_rate), None
    )
    return Agreement(
        remote=remote,
        remote_rtcp=remote_rtcp,
        codec=codec,
        dtmf_payload_type=event.payload_type if event and own_event else None,
        keys=settled.keys,
        ptime_ms=read_ptime(theirs.section, policy.ptime_ms),
        sending=wanted.sends and said.receives and reachable,
        receiving=wanted.receives and said.sends,
        receive_codecs=_common(ours, theirs),
        receive_dtmf_payload_type=own_event.payload_type if own_event else None,
        codec_parameters=theirs.formats.parameters_of(codec),
        dtmf_clock_rate=foreign_rate(codec, own_event),
        receive_events=tuple(
            (own.payload_type, own.clock_rate) for own in own_events if own is not own_event
        ),
        held=wanted.sends and not (said.receives and reachable),
        media_index=index,
        media_lines=len(session.media),
        dtls=settled.dtls,
        zrtp_hashes=settled.zrtp_hashes,
        ice=ice,
    )


def _side(session: SessionDescription, index: int, policy: MediaPolicy) -> _Side:
    section = session.media[index]
    return _Side(session, section, read_formats(section, policy.codecs))


def _common(ours: _Side, theirs: _Side) -> tuple[AudioCodec, ...]:
    """Our formats that the answer has too, under our numbers, in the answer's order."""
    return tuple(
        mine
        for said in theirs.formats.codecs
        for mine in ours.formats.codecs
        if mine.encoding == said.encoding
    )


def _common_events(ours: _Side, theirs: _Side) -> tuple[RtpMap, ...]:
    """Our telephone-events of the clock rates that the answer has too."""
    rates = {each.clock_rate for each in theirs.formats.telephone_events}
    return tuple(own for own in ours.formats.telephone_events if own.clock_rate in rates)


def _codec(ours: _Side, theirs: _Side) -> AudioCodec:
    offered = {mine.encoding for mine in ours.formats.codecs}
    for said in theirs.formats.codecs:
        if said.encoding in offered:
            return said
    raise Unacceptable("codec", "The answer has no codec that was offered.")


def _ice(
    ours: _Side, theirs: _Side, local: LocalMedia, remote: PathAddress
) -> IceDescription | None:
    """The peer's ICE, where we offered it and RTCP shares the port (RFC 8839 §4.2.5)."""
    if local.ice is None or not ours.section.has("ice-ufrag"):
        return None
    if not theirs.section.has("rtcp-mux"):
        return None
    return read_ice(theirs.session, theirs.section, remote).peer


def _remote_rtcp(ours: _Side, theirs: _Side, remote: PathAddress) -> PathAddress | None:
    if not theirs.section.has("rtcp-mux"):
        return read_remote_rtcp(theirs.section, remote)
    if not ours.section.has("rtcp-mux"):
        raise Unacceptable("rtcp-mux", "The answer wants RTCP on the RTP port, unasked.")
    if theirs.formats.clashes_with_rtcp():
        raise Unacceptable(
            "rtcp-mux", "The answer wants RTCP on the RTP port beside payload types like RTCP's."
        )
    return None
