"""What a DTLS-SRTP association tells its owner (RFC 5763 §5, RFC 5764 §4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from offhook.base.errors import PeerError
from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.keying.srtp_keys import CryptoLine, CryptoSuite


@dataclass(frozen=True, slots=True)
class DtlsKeysReady:
    """The handshake is done and the peer's certificate is the one its SDP announced.

    `peer` is the fingerprint that matched: who vouches for it is the signalling's business.
    """

    send: CryptoLine
    receive: CryptoLine
    peer: Fingerprint

    @property
    def suite(self) -> CryptoSuite:
        """That of both keys."""
        return self.send.suite


@dataclass(frozen=True, slots=True)
class DtlsFailed:
    """There are no keys and there will be none; `rule` is a short name, `reason` a sentence."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class DtlsClosed:
    """The association has ended. Keys that were handed out are not to be used any more."""

    by_peer: bool


DtlsEvent: TypeAlias = DtlsKeysReady | DtlsFailed | DtlsClosed


class DtlsFault(PeerError):
    """Why a handshake can't go on; becomes DtlsFailed and is never seen outside this room."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
