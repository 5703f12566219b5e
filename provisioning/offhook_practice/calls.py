"""One call at the trunk: its invite, the engine's session for it, and what its extension does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import CryptoLine, SrtpKeys
from offhook.protocols.media import messages as engine
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Choice,
    LocalMedia,
    MediaPolicy,
    Origin,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    read_answer,
)
from offhook.protocols.sip import invite_events as sip
from offhook.protocols.sip.invite_client import OutgoingInvite
from offhook.protocols.sip.invite_server import IncomingInvite
from offhook_practice.extensions import Conduct, Extension

POLICY: Final = MediaPolicy()

Post = Callable[[engine.SessionCommand], None]


def plain_description(host: str, port: int = 40000) -> bytes:
    """SDP of a stream without keys (RTP/AVP). Nothing here could send or receive it."""
    family = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=- 1 1 IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 8 0",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=sendrecv",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


class TrunkCall:
    """A call with keys: the trunk is called (`incoming`) or calls back (`calling`)."""

    def __init__(
        self, session: int, extension: Extension, host: str, randomness: Randomness, post: Post
    ) -> None:
        self.session = session
        self.extension = extension
        self.over = False
        self.invite: IncomingInvite | OutgoingInvite | None = None
        self._host = host
        self._origin = Origin.fresh(randomness, host)
        self._randomness = randomness
        self._post = post
        self._choice: Choice | None = None
        self._local: LocalMedia | None = None
        self._offer = b""
        self._agreement: Agreement | None = None
        self._send_offer: Callable[[bytes, float], OutgoingInvite] | None = None

    @property
    def answered(self) -> bool:
        """Whether it costs: answered, and not over."""
        return self._agreement is not None and not self.over

    def incoming(self, invite: IncomingInvite, now: float) -> None:
        """The extension is called."""
        self.invite = invite
        invite.ring(now)
        if self.extension.conduct is Conduct.ANSWER_PLAIN:
            invite.accept(plain_description(self._host), now)
            return
        try:
            self._choice = choose(invite.offer, POLICY)
        except Unacceptable as refusal:
            invite.reject(refusal.status or 488, refusal.reason, now)
            return
        self._post(engine.Prepare(self.session, self._host, POLICY.suites))

    def calling(self, send_offer: Callable[[bytes, float], OutgoingInvite], now: float) -> None:
        """Call the phone back; `send_offer` puts the INVITE on its connection."""
        self._send_offer = send_offer
        if self.extension.conduct is Conduct.OFFER_PLAIN:
            self.invite = send_offer(plain_description(self._host), now)
            return
        self._post(engine.Prepare(self.session, self._host, POLICY.suites))

    def receive_report(self, report: engine.SessionReport, now: float) -> None:
        """A report of the engine about this call."""
        if isinstance(report, engine.LocalReady):
            self._local = LocalMedia(report.rtp, report.rtcp, report.crypto)
            if self._choice is not None:
                self._answer(self._choice, self._local, now)
            elif self._send_offer is not None:
                self._offer = make_offer(self._local, POLICY, self._origin)
                self.invite = self._send_offer(self._offer, now)
        elif isinstance(report, (engine.SessionFailed, engine.MediaLost)) and self.invite:
            self.invite.hang_up(now)

    def receive_event(self, event: sip.InviteEvent, now: float) -> None:
        """An event of this call's invite."""
        match event:
            case sip.Answered(body=body) if self._local is not None and self.invite is not None:
                try:
                    self._media(read_answer(self._offer, body, self._local, POLICY))
                except Unacceptable:
                    self.invite.hang_up(now)
            case sip.OfferReceived() if self.invite is not None:
                self._reanswer(event, self.invite, now)
            case sip.Ended() | sip.Refused() | sip.Cancelled():
                self.abandon()

    def abandon(self) -> None:
        """The connection is gone: stop what the engine does for this call."""
        self.over = True
        if self._local is not None:
            self._post(engine.Stop(self.session))

    def _answer(self, choice: Choice, local: LocalMedia, now: float) -> None:
        if not isinstance(self.invite, IncomingInvite):
            return
        answer, agreement = make_answer(choice, local, self._origin)
        if self.invite.accept(answer, now):
            self._media(agreement)

    def _media(self, agreement: Agreement) -> None:
        """What was agreed goes to the engine; the first time, media begins."""
        first = self._agreement is None
        self._agreement = agreement
        send_keys = agreement.send_keys
        if self.extension.conduct is Conduct.WRONG_KEY:
            send_keys = self._another(send_keys)
        self._post(
            engine.SetRemote(
                session=self.session,
                remote=agreement.remote,
                remote_rtcp=agreement.remote_rtcp,
                codec=agreement.codec,
                dtmf_payload_type=agreement.dtmf_payload_type,
                keys=SrtpKeys(send_keys, agreement.receive_keys),
                ptime_ms=agreement.ptime_ms,
                sending=agreement.sending,
                receiving=agreement.receiving,
                receive_codecs=agreement.receive_codecs,
                receive_dtmf_payload_type=agreement.receive_dtmf_payload_type,
                codec_parameters=agreement.codec_parameters,
                dtmf_clock_rate=agreement.dtmf_clock_rate,
                receive_events=agreement.receive_events,
            )
        )
        if first and self.extension.conduct is not Conduct.SILENT:
            self._post(engine.Start(self.session))

    def _another(self, keys: CryptoLine) -> CryptoLine:
        return replace(keys, master=Secret(self._randomness.octets(keys.suite.master_length)))

    def _reanswer(
        self, event: sip.OfferReceived, invite: IncomingInvite | OutgoingInvite, now: float
    ) -> None:
        if self._agreement is None or self._local is None or not event.body:
            invite.refuse_offer(event.transaction, 488, None, now)
            return
        local = replace(self._local, crypto=(self._agreement.send_keys, *self._local.crypto))
        self._origin = self._origin.raised()
        try:
            choice = choose(event.body, POLICY, self._agreement)
            answer, agreement = make_answer(choice, local, self._origin)
        except Unacceptable as refusal:
            invite.refuse_offer(event.transaction, refusal.status or 488, None, now)
            return
        invite.accept_offer(event.transaction, answer, now)
        self._media(agreement)
