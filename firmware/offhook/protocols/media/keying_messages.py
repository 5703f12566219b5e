"""The engine's messages about keys: what ZRTP needs to know, and what came of each keying.

`messages` has the union of all of them; the session is numbered as there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from offhook.base.secret import Secret
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.hello_hash import HelloHash


@dataclass(frozen=True, slots=True)
class ZrtpOwn:
    """What the phone brings to ZRTP in any call (RFC 6189 §4.9, §5.2)."""

    zid: bytes
    """12 octets; random, made once, the same in all calls of this phone."""
    words: bool = False
    """Offer words (B256) before letters and digits (B32) for the SAS."""
    keep_s: int | None = None
    """For how long what is retained may be used; None: for ever; 0: nothing is retained."""


@dataclass(frozen=True, slots=True)
class ZrtpAgreed:
    """ZRTP is to begin: `hashes` is what the peer's SDP says of its Hello, if anything (§8.1)."""

    hashes: tuple[HelloHash, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerReady:
    """The peer has our answer (its ACK came): what was sent too early is sent again at once."""

    session: int


@dataclass(frozen=True, slots=True)
class ZrtpRecall:
    """The answer to ZrtpSecretsWanted: what is kept of the peer, without what has expired."""

    session: int
    zid: bytes
    rs1: Secret | None = None
    rs2: Secret | None = None
    pbx: Secret | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class SasCompared:
    """The two people compared the SAS: it was the same, or not."""

    session: int
    same: bool


KeyingCommand = PeerReady | ZrtpRecall | SasCompared


@dataclass(frozen=True, slots=True)
class Keyed:
    """SRTP keys are in place, `after_ms` after Start; a later one replaces those before.

    Whether the peer uses them is told by KeysConfirmed.
    """

    session: int
    keying: Keying
    suite: str
    after_ms: float


@dataclass(frozen=True, slots=True)
class ZrtpSecretsWanted:
    """A ZRTP peer is heard: the exchange waits for ZrtpRecall."""

    session: int
    zid: bytes


@dataclass(frozen=True, slots=True)
class SasStanding:
    """What people are to compare, and what is known of the peer; told again where it changes."""

    session: int
    zid: bytes
    sas: tuple[str, ...]
    """What is said, one after the other: letters and digits, or words."""
    trust: ZrtpTrust = field(default_factory=ZrtpTrust)


@dataclass(frozen=True, slots=True)
class ZrtpRetain:
    """Keep this under the peer's ZID, in place of what is there but for the PBX secret."""

    session: int
    zid: bytes
    rs1: Secret
    rs2: Secret | None
    verified: bool
    lifetime_s: int | None


@dataclass(frozen=True, slots=True)
class ZrtpForget:
    """Erase what is kept under the ZID; `expired`: it stays, but is expired from now."""

    session: int
    zid: bytes
    expired: bool = False


@dataclass(frozen=True, slots=True)
class KeyingFailed:
    """One keying has brought no keys and will bring none; those of another one stay.

    `reason` is a sentence for a person; `attack`: the person is to be warned. Without any keys the
    session has no sound, and it is the call's to end it.
    """

    session: int
    keying: Keying
    reason: str
    attack: bool = False


class RefusedWish(Enum):
    """What the person is told of a peer's wish that was refused."""

    GO_CLEAR = "go clear"
    """The peer wanted to go on unencrypted."""
    SAS_RELAY = "sas relay"
    """The peer relays a string of somebody behind it."""


@dataclass(frozen=True, slots=True)
class KeyingWarned:
    """A wish of the peer was refused; keys stay as they are."""

    session: int
    wish: RefusedWish


@dataclass(frozen=True, slots=True)
class SuiteBroken:
    """Packets came under the answered key and none was authentic: the suite, not the path.

    `rejected` packets within two seconds of an answer with which the peer sends.
    """

    session: int
    suite: str
    rejected: int


KeyingReport = (
    Keyed
    | ZrtpSecretsWanted
    | SasStanding
    | ZrtpRetain
    | ZrtpForget
    | KeyingFailed
    | KeyingWarned
    | SuiteBroken
)
