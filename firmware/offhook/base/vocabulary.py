"""The words that cross floors: frozen, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class PathAddress(NamedTuple):
    """An IP address in text form (IPv6 without brackets) and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """Signed 16-bit little-endian mono samples: `rate` in Hz, `period_ms` per frame."""

    rate: int
    period_ms: int

    @property
    def samples(self) -> int:
        """Samples per period."""
        return self.rate * self.period_ms // 1000

    @property
    def octets(self) -> int:
        """Octets per period."""
        return 2 * self.samples


@dataclass(frozen=True, slots=True)
class PeerVerdict:
    """What the check of a peer's certificate chain found (RFC 5922, RFC 5280).

    `rule` names the one rule that accepted or refused ("dns-san", "uri-san", "expired", …);
    `name` is the identity that matched, empty on refusal; `detail` is a sentence for a person.
    """

    accepted: bool
    rule: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class FlowReport:
    """What is known of one TLS connection once its peer is verified.

    `version` is "TLSv1.3" or "TLSv1.2"; `cipher` OpenSSL's name; `group` the key-exchange group's
    IANA name ("x25519", "X25519MLKEM768", "secp256r1", …); times in ms.
    """

    version: str
    cipher: str
    group: str
    verdict: PeerVerdict
    resumed: bool
    local: PathAddress
    peer: PathAddress
    connect_ms: float
    handshake_ms: float


@dataclass(frozen=True, slots=True)
class AudioCodec:
    """One codec as negotiated; `encoding` and `clock_rate` (Hz) as in RFC 8866 §6.6's rtpmap."""

    encoding: str
    payload_type: int
    clock_rate: int
    channels: int = 1
