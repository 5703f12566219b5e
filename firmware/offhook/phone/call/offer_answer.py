"""One call's offer/answer state (RFC 3264 §5 to §8): one policy for both directions."""

from __future__ import annotations

from dataclasses import replace

from offhook.base.errors import LocalError
from offhook.base.vocabulary import IceDescription
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.media.messages import LocalReady
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Choice,
    Direction,
    LocalMedia,
    MediaPolicy,
    OfferForm,
    Origin,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    offer_forms,
    read_answer,
)


class OfferAnswer:
    """What was last described, what is agreed, and what a further description makes of it.

    `judge` and `read_answer` raise Unacceptable or BadSdp; what was agreed then stays in force.
    """

    def __init__(self, policy: MediaPolicy, origin: Origin) -> None:
        self.agreement: Agreement | None = None
        self.local: LocalMedia | None = None
        """Our end of the path, once the engine has it; its ICE is what the peer goes by."""
        self._gathered: IceDescription | None = None
        """What a restart of ICE would tell the peer."""
        self._offered: LocalMedia | None = None
        """Our end as our latest offer describes it."""
        self._policy = policy
        self._origin = origin
        self._described = b""

    def path_ready(self, report: LocalReady) -> None:
        """Our end of the path; a further time nothing but its ICE, which waits to be agreed on.

        An ICE restart is no new DTLS association: the tls-id stays (RFC 8842 §3.1, §4).
        """
        if self.local is not None:
            self._gathered = report.ice
            return
        self.local = LocalMedia(
            report.rtp,
            report.rtcp,
            report.crypto,
            report.fingerprint,
            report.tls_id,
            report.zrtp_hash,
            report.ice,
        )

    def restarts_ice(self, choice: Choice) -> bool:
        """Whether `choice` begins ICE anew, by other credentials (RFC 8839 §4.4.1.1.1)."""
        before = None if self.agreement is None else self.agreement.ice
        if before is None or choice.ice is None:
            return False
        return (before.ufrag, before.pwd) != (choice.ice.ufrag, choice.ice.pwd)

    def judge(self, offer: bytes) -> Choice:
        """What of the peer's `offer` can be taken; nothing is promised yet."""
        return choose(offer, self._policy, self.agreement)

    def make_answer(
        self, choice: Choice, direction: Direction = Direction.SENDRECV
    ) -> tuple[bytes, Agreement]:
        """The answer that takes `choice`, with the SDES key in use if its suite stays."""
        local = self._anew() if self.restarts_ice(choice) else self._ready()
        described = local
        if self.agreement is not None and self.agreement.keys is not None:
            described = replace(local, crypto=(self.agreement.send_keys, *local.crypto))
        answer, agreement = make_answer(choice, described, self._origin, direction=direction)
        self._describe(answer)
        self._go_by(local)
        self.agreement = agreement
        return answer, agreement

    def forms(self) -> tuple[OfferForm, ...]:
        """The forms of a first offer that can be had, in the order to try them."""
        return offer_forms(self._policy, self._ready())

    def make_offer(
        self,
        direction: Direction = Direction.SENDRECV,
        *,
        form: OfferForm | None = None,
        fresh_key: CryptoLine | None = None,
        ice_restart: bool = False,
    ) -> bytes:
        """Our offer, to be sent: the first one, or one that changes direction, key or ICE.

        `form` is one of `forms()`, None the first of them; it counts before there is an agreement.
        `fresh_key` counts after it, and brings its suite; so does `ice_restart`, which changes
        nothing where nothing was gathered since.
        """
        local = self._offered = self._anew() if ice_restart else self._ready()
        if self.agreement is None:
            offer = make_offer(local, self._policy, self._origin, form=form, direction=direction)
        else:
            offer = make_reoffer(
                self._described,
                self.agreement,
                local,
                self._policy,
                direction=direction,
                fresh_key=fresh_key,
            )
        self._describe(offer)
        return offer

    def read_answer(self, answer: bytes) -> Agreement:
        """What the peer's `answer` makes of our latest offer."""
        local = self._offered or self._ready()
        self.agreement = read_answer(self._described, answer, local, self._policy, self.agreement)
        self._go_by(local)
        return self.agreement

    def _anew(self) -> LocalMedia:
        """Our end with what was gathered last (RFC 8839 §4.4.1.1.1)."""
        local = self._ready()
        return local if self._gathered is None else replace(local, ice=self._gathered)

    def _go_by(self, local: LocalMedia) -> None:
        """The peer knows it and has agreed."""
        if local.ice is self._gathered:
            self._gathered = None
        self.local = local

    def _ready(self) -> LocalMedia:
        if self.local is None:
            raise LocalError("the engine has not opened a path yet")
        return self.local

    def _describe(self, description: bytes) -> None:
        """It goes out; the next description is one version later (RFC 3264 §8)."""
        self._described = description
        self._origin = self._origin.raised()
