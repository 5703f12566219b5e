"""How a rule of RFC 5280 or RFC 5922 says no: with its own name and one sentence."""

from __future__ import annotations

from offhook.base.errors import PeerError


class ChainRefused(PeerError):
    """A certificate chain breaks `rule`; `detail` is a sentence for a person.

    Raised between the modules of this room only: `judge` turns it into a verdict.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail
