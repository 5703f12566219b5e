"""Which form of a first offer is tried after which (RFC 3261 §21.4.26, RFC 3264 §6).

What worked with a peer before is tried first. It only orders the forms that the account's policy
allows: no refusal leads below its minimum.
"""

from __future__ import annotations

from collections.abc import Sequence

from offhook.phone.call.learned import Learned
from offhook.protocols.sdp.negotiation import OfferForm, Unacceptable


class Ladder:
    """One call's way through the forms.

    `hurried`: where nothing is known of the peer, what worked with anybody by this account comes
    first, since an attempt that fails costs time.
    """

    def __init__(self, account: str, peer: str, learned: Learned, *, hurried: bool = False) -> None:
        self._account, self._peer, self._learned = account, peer, learned
        self._hurried = hurried
        self._left: list[OfferForm] = []
        self.form: OfferForm | None = None
        """The form that is out."""

    def begin(self, forms: Sequence[OfferForm]) -> OfferForm | None:
        """The first one of `forms`, which are in the order to try them; None without any."""
        known = self._learned.form(self._account, self._peer)
        if known is None and self._hurried:
            known = self._learned.latest_form(self._account)
        self._left = sorted(forms, key=lambda form: form.value != known)
        return self._step()

    def refused(self, status: int) -> OfferForm | None:
        """The next one after a final answer, or None where another form would not help."""
        if self.form is None or not self.form.worth_another(status):
            return None
        return self._fall()

    def unusable(self, refusal: Unacceptable) -> OfferForm | None:
        """The next one after a 200 that could not be used, or None."""
        return self._fall() if refusal.worth_another else None

    def worked(self) -> None:
        """Keys came of it, and packets that were authentic."""
        if self.form is not None:
            self._learned.worked(self._account, self._peer, self.form.value)

    def failed(self) -> None:
        """What is out brings no call: it is not what works with the peer."""
        known = self._learned.form(self._account, self._peer)
        if self.form is not None and self.form.value == known:
            self._learned.failed(self._account, self._peer)

    def _fall(self) -> OfferForm | None:
        self.failed()
        return self._step()

    def _step(self) -> OfferForm | None:
        self.form = self._left.pop(0) if self._left else None
        return self.form
