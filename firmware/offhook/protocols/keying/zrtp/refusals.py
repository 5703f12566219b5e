"""Why a ZRTP packet or an exchange is refused (RFC 6189 §5.9, §8.1.1, §9).

What a stranger beside the path could have sent is `Discarded`: it is not used, and the exchange
goes on (§9). What only the peer, or somebody within the path, can have sent is `Refused`: it ends
the exchange, and where it is the mark of an attack the person is told so.
"""

from __future__ import annotations

from enum import Enum

from offhook.base.errors import PeerError


class ErrorCode(Enum):
    """The codes of an Error message (table 8)."""

    MALFORMED = 0x10
    SOFTWARE = 0x20
    VERSION = 0x30
    HELLO_MISMATCH = 0x40
    HASH = 0x51
    CIPHER = 0x52
    AGREEMENT = 0x53
    AUTH_TAG = 0x54
    SAS = 0x55
    NO_SECRET = 0x56
    PUBLIC_VALUE = 0x61
    COMMITMENT = 0x62
    RELAYED_SAS = 0x63
    CONFIRM_MAC = 0x70
    NONCE_REUSE = 0x80
    EQUAL_ZID = 0x90
    SSRC_COLLISION = 0x91
    UNAVAILABLE = 0xA0
    TIMEOUT = 0xB0
    GO_CLEAR = 0x100


MEANINGS = {
    ErrorCode.MALFORMED: "a message was malformed",
    ErrorCode.SOFTWARE: "the software erred",
    ErrorCode.VERSION: "the ZRTP version is not supported",
    ErrorCode.HELLO_MISMATCH: "the Hello does not fit what followed",
    ErrorCode.HASH: "the hash is not supported",
    ErrorCode.CIPHER: "the cipher is not supported",
    ErrorCode.AGREEMENT: "the key agreement is not supported",
    ErrorCode.AUTH_TAG: "the SRTP authentication tag is not supported",
    ErrorCode.SAS: "the form of the authentication string is not supported",
    ErrorCode.NO_SECRET: "there is no shared secret, a key agreement is needed",
    ErrorCode.PUBLIC_VALUE: "the public value is a weak one",
    ErrorCode.COMMITMENT: "the public value is not the one that was committed to",
    ErrorCode.RELAYED_SAS: "an authentication string was relayed by one that is not trusted",
    ErrorCode.CONFIRM_MAC: "the confirmation is not authentic",
    ErrorCode.NONCE_REUSE: "a nonce was used twice",
    ErrorCode.EQUAL_ZID: "both sides have the same ZID",
    ErrorCode.SSRC_COLLISION: "both sides have the same SSRC",
    ErrorCode.UNAVAILABLE: "the service is not available",
    ErrorCode.TIMEOUT: "the other side did not answer in time",
    ErrorCode.GO_CLEAR: "going clear is not allowed",
}
"""Each code as the end of a sentence for a person."""

ATTACKS = frozenset(
    {
        ErrorCode.HELLO_MISMATCH,
        ErrorCode.PUBLIC_VALUE,
        ErrorCode.COMMITMENT,
        ErrorCode.CONFIRM_MAC,
        ErrorCode.NONCE_REUSE,
    }
)
"""What honest phones on an honest path don't produce: the person is warned (§4.4.1.2, §8.1.1)."""


class Discarded(PeerError):
    """A packet that is not used; the exchange goes on."""


class Refused(PeerError):
    """The exchange ends: `code` is told to the peer."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def meaning(code: int) -> str:
    """What a code that came from the peer says, known or not."""
    try:
        return MEANINGS[ErrorCode(code)]
    except ValueError:
        return f"error {code:#x}"
