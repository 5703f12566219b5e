"""Why a session description is not gone along with (RFC 3264 §6, RFC 3261 §20.43 and §21.4.26)."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import PeerError

RULES: Final = {
    "malformed": 399,
    "no-audio": 304,
    "media-lines": 399,
    "media-type": 304,
    "port": 399,
    "address": 301,
    "address-family": 301,
    "profile": 302,
    "codec": 305,
    "rtcp-mux": 306,
    "no-keys": 399,
    "sdes-only": 399,
    "dtls-only": 399,
    "zrtp-only": 399,
    "keying-unknown": 399,
    "keying-not-offered": 399,
    "two-methods": 399,
    "several-crypto": 399,
    "crypto-tag": 399,
    "crypto-suite": 399,
    "key-echoed": 399,
    "setup": 399,
    "keying-not-ready": 399,
    "keying-lowered": 399,
    "below-minimum": 399,
}
"""Every rule by which a description is refused, with the code for a Warning header (RFC 3261
§20.43). Beside these, "crypto-" and a rule of SkippedCrypto, "fingerprint-" and a rule of
SkippedFingerprint: no such line could be used because of it.
"""

_NOT_THE_FORMS: Final = frozenset(
    {
        "malformed",
        "media-lines",
        "media-type",
        "no-audio",
        "address",
        "address-family",
        "codec",
        "key-echoed",
    }
)
"""What an offer of another form would not mend."""


class Unacceptable(PeerError):
    """An offer or answer that is refused.

    `rule` is the short name of the one rule that refused, out of RULES; `reason` a sentence for
    a person; `status` what answers the request that carried an offer. Neither holds key material.
    """

    def __init__(self, rule: str, reason: str, status: int = 488) -> None:
        super().__init__(reason, status)
        self.rule = rule
        self.reason: str = reason
        self.status: int = status

    @property
    def worth_another(self) -> bool:
        """Whether, refused in a first answer, it asks for an offer of the next form."""
        return self.rule not in _NOT_THE_FORMS

    @property
    def warning_code(self) -> int:
        """The warn-code for a 488's Warning header: 399 where no closer one is defined."""
        return RULES.get(self.rule, 399)


class BadSdp(Unacceptable):
    """Not a session description (status 400), or beyond what is read here (status 488).

    `detail` names line and defect.
    """

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__("malformed", f"The session description can't be read: {detail}.", status)
        self.detail = detail
