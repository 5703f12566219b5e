"""What a ZRTP stream reports, and what its owner is to do (RFC 6189 §4.3.2, §4.6.1, §7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.keying.zrtp.algorithms import Chosen
from offhook.protocols.keying.zrtp.retained import Continuity, Match, Role
from offhook.protocols.keying.zrtp.sas import Sas


@dataclass(frozen=True, slots=True)
class SecretsWanted:
    """The peer is heard: look up what is kept under its ZID and hand it to `recall`.

    The exchange waits for that.
    """

    zid: bytes
    client: str


@dataclass(frozen=True, slots=True)
class Expecting:
    """The peer may send media under this key before we may.

    The first authentic packet ends the exchange, and is told by `media_heard` (§4.6).
    """

    receive: CryptoLine


@dataclass(frozen=True, slots=True)
class ZrtpTrust:
    """What is known of who is at the other end; `reasons` of a statement are made of it."""

    verified: bool = False
    """A person compared the SAS here, now or in a call to which the kept secrets reach back."""
    continuity: Continuity = Continuity.FIRST
    """MISMATCH: the person must be warned, and asked to compare the SAS (§4.3.2)."""
    peer_verified: bool = False
    """The peer says that its person compared the SAS once (the V flag)."""
    announced: bool = False
    """Signalling named the Hello that came (§8.1): worth as much as signalling is."""
    aux: Match = Match.ABSENT
    pbx: Match = Match.ABSENT
    disclosure: bool = False
    """The peer says that it can disclose the keys to somebody (§11)."""
    relay: bool = False
    """The peer says that it is a PBX, which may stand between (§7.3)."""

    @property
    def mismatch(self) -> bool:
        """Whether the person must be warned."""
        return self.continuity is Continuity.MISMATCH


@dataclass(frozen=True, slots=True)
class Secured:
    """The keys of the stream, by our role, and what people are to compare."""

    send: CryptoLine
    receive: CryptoLine
    role: Role
    chosen: Chosen
    sas: Sas
    trust: ZrtpTrust


@dataclass(frozen=True, slots=True)
class TrustChanged:
    """A person compared the SAS, or signalling named the Hello later than media brought it."""

    trust: ZrtpTrust


@dataclass(frozen=True, slots=True)
class Retain:
    """Keep this under the peer's ZID, in place of what is there (but for the PBX secret).

    `lifetime_s` is the time from now after which it may be forgotten; None for never.
    """

    zid: bytes
    rs1: Secret
    rs2: Secret | None
    verified: bool
    lifetime_s: int | None


@dataclass(frozen=True, slots=True)
class Expire:
    """What is kept under this ZID stays, but is expired from now (§4.9)."""

    zid: bytes


@dataclass(frozen=True, slots=True)
class Forget:
    """What is kept under this ZID is to be erased: the strings differed (§7.1)."""

    zid: bytes


@dataclass(frozen=True, slots=True)
class Silent:
    """Nobody answered our Hello in time; `reason` tells what came instead, if anything."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The exchange is over without keys; any that were told are not to be used any more.

    `attack`: the person must be warned.
    """

    reason: str
    code: int
    attack: bool
    by_peer: bool


@dataclass(frozen=True, slots=True)
class PacketRefused:
    """A packet was not used; the exchange goes on. Only the first few of a stream are told."""

    reason: str


@dataclass(frozen=True, slots=True)
class GoClearRefused:
    """The peer wants to speak unencrypted, which never happens here; keys stay (§4.7.2).

    Told once a stream.
    """


@dataclass(frozen=True, slots=True)
class SasRelayRefused:
    """The peer relays a SAS of somebody behind it, whom nothing ties to this call (§7.3).

    Told once a stream.
    """

    reason: str


ZrtpEvent: TypeAlias = (
    SecretsWanted
    | Expecting
    | Secured
    | TrustChanged
    | Retain
    | Expire
    | Forget
    | Silent
    | Failed
    | PacketRefused
    | GoClearRefused
    | SasRelayRefused
)
