"""What offer and answer come to, as the engine is told (RFC 3264, RFC 6189 §8.2, RFC 8839)."""

from __future__ import annotations

from offhook.protocols.media.keying_messages import ZrtpAgreed
from offhook.protocols.media.messages import SetRemote
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.media.path_messages import IceAgreed
from offhook.protocols.sdp.negotiation import Agreement


def set_remote(
    session: int, agreement: Agreement, opus: OpusTerms, *, zrtp: bool, controlling: bool
) -> SetRemote:
    """`agreement` for the engine. `zrtp`: it is made ready for ZRTP; `controlling`: for ICE.

    ZRTP begins where it is the only keying, and beside another one where the peer's SDP names it.
    """
    alone = agreement.keys is None and agreement.dtls is None
    agreed = zrtp and (alone or bool(agreement.zrtp_hashes))
    return SetRemote(
        session=session,
        remote=agreement.remote,
        remote_rtcp=agreement.remote_rtcp,
        codec=agreement.codec,
        dtmf_payload_type=agreement.dtmf_payload_type,
        keys=agreement.keys,
        ptime_ms=agreement.ptime_ms,
        sending=agreement.sending,
        receiving=agreement.receiving,
        receive_codecs=agreement.receive_codecs,
        receive_dtmf_payload_type=agreement.receive_dtmf_payload_type,
        codec_parameters=agreement.codec_parameters,
        dtmf_clock_rate=agreement.dtmf_clock_rate,
        receive_events=agreement.receive_events,
        opus=opus,
        dtls=agreement.dtls,
        zrtp=ZrtpAgreed(agreement.zrtp_hashes) if agreed else None,
        ice=None if agreement.ice is None else IceAgreed(agreement.ice, controlling),
    )
