"""One call's offer/answer state (RFC 3264 §5 to §8): one policy for both directions."""

from __future__ import annotations

from dataclasses import replace

from offhook.base.errors import LocalError
from offhook.protocols.keying.srtp_keys import CryptoLine
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
        """Our end of the path, once the engine has it."""
        self._policy = policy
        self._origin = origin
        self._described = b""

    def path_ready(self, local: LocalMedia) -> None:
        """Our end of the path, at first or anew: an ICE restart is no new DTLS association.

        RFC 8842 §3.1 and §4: the tls-id that was described stays.
        """
        self.local = local if self.local is None else replace(local, tls_id=self.local.tls_id)

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
        local = self._ready()
        if self.agreement is not None and self.agreement.keys is not None:
            local = replace(local, crypto=(self.agreement.send_keys, *local.crypto))
        answer, agreement = make_answer(choice, local, self._origin, direction=direction)
        self._describe(answer)
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
    ) -> bytes:
        """Our offer, to be sent: the first one, or one that changes direction or key.

        `form` is one of `forms()`, None the first of them; it counts before there is an agreement.
        `fresh_key` counts after it, and brings its suite.
        """
        local = self._ready()
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
        self.agreement = read_answer(
            self._described, answer, self._ready(), self._policy, self.agreement
        )
        return self.agreement

    def _ready(self) -> LocalMedia:
        if self.local is None:
            raise LocalError("the engine has not opened a path yet")
        return self.local

    def _describe(self, description: bytes) -> None:
        """It goes out; the next description is one version later (RFC 3264 §8)."""
        self._described = description
        self._origin = self._origin.raised()
