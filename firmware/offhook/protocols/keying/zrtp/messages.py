"""The messages of ZRTP as values (RFC 6189 §5.2 to §5.16). Octets are in network order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from offhook.protocols.keying.zrtp.algorithms import Offered

PREAMBLE: Final = b"\x50\x5a"
VERSION: Final = "1.10"
NO_MAC: Final = bytes(8)


@dataclass(frozen=True, slots=True)
class Hello:
    """What its sender is and can do (figure 3)."""

    h3: bytes
    zid: bytes
    offered: Offered
    version: str = VERSION
    client: str = "Offhook"
    signatures: bool = False
    relay: bool = False
    """The M flag: the sender is a PBX that may relay a SAS."""
    passive: bool = False
    mac: bytes = NO_MAC


@dataclass(frozen=True, slots=True)
class Commit:
    """What its sender, the initiator, chooses (figures 5, 6, 7).

    `commitment` is hvi (32 octets) in DH mode and a nonce (16) in the others; `key_id` is for
    preshared mode alone.
    """

    h2: bytes
    zid: bytes
    codes: tuple[str, str, str, str, str]
    """Hash, cipher, authentication tag, key agreement, SAS."""
    commitment: bytes
    key_id: bytes = b""
    mac: bytes = NO_MAC


@dataclass(frozen=True, slots=True)
class SecretIds:
    """Hashes of the secrets that a side may share with the other (§4.3.1), 8 octets each."""

    rs1: bytes
    rs2: bytes
    aux: bytes
    pbx: bytes


@dataclass(frozen=True, slots=True)
class DhPart:
    """A public value (figures 8 and 9): part 1 is the responder's, part 2 the initiator's."""

    part: int
    h1: bytes
    ids: SecretIds
    public: bytes
    mac: bytes = NO_MAC


@dataclass(frozen=True, slots=True)
class Confirm:
    """A confirmation (figure 10), encrypted: 1 is the responder's, 2 the initiator's."""

    number: int
    mac: bytes
    iv: bytes
    hidden: bytes


@dataclass(frozen=True, slots=True)
class Error:
    """The end of an exchange (figure 12)."""

    code: int


@dataclass(frozen=True, slots=True)
class GoClear:
    """The wish to speak unencrypted (figure 14)."""

    mac: bytes


@dataclass(frozen=True, slots=True)
class SasRelay:
    """A SAS of somebody else, relayed by a PBX (figure 16), encrypted."""

    mac: bytes
    iv: bytes
    hidden: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """A ZRTP proxy's question who is there (figure 18)."""

    endpoint: bytes
    version: str = VERSION


@dataclass(frozen=True, slots=True)
class PingAck:
    """The answer (figure 19): our hash, theirs, and the SSRC that the Ping's packet had."""

    endpoint: bytes
    asked: bytes
    source: int
    version: str = VERSION


@dataclass(frozen=True, slots=True)
class Bare:
    """A message that is only its type: one of `BARE`."""

    type: str


HELLO_ACK: Final = Bare("HelloACK")
CONF2_ACK: Final = Bare("Conf2ACK")
ERROR_ACK: Final = Bare("ErrorACK")
CLEAR_ACK: Final = Bare("ClearACK")
RELAY_ACK: Final = Bare("RelayACK")

BARE: Final = {each.type: each for each in (HELLO_ACK, CONF2_ACK, ERROR_ACK, CLEAR_ACK, RELAY_ACK)}

Message: TypeAlias = (
    Hello | Commit | DhPart | Confirm | Error | GoClear | SasRelay | Ping | PingAck | Bare
)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is hidden in a Confirm (§4.6, §5.7)."""

    h0: bytes = field(repr=False)
    expires_s: int
    """For how long its sender keeps the new retained secret; 0xffffffff is for ever."""
    verified: bool = False
    allow_clear: bool = False
    disclosure: bool = False
    enrolment: bool = False
    signed: bool = False
    """A signature of the SAS is there; this phone can't check one."""
