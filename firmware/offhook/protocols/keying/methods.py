"""How a stream gets its keys (RFC 4568, RFC 5763, RFC 6189)."""

from __future__ import annotations

from enum import Enum


class Keying(Enum):
    """The method whose keys protect a stream; the value is what reports say."""

    SDES = "sdes"
    DTLS = "dtls-srtp"
    ZRTP = "zrtp"
