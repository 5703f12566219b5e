"""From an agreed secret to the keys of one stream (RFC 6189 §4.4.1.4, §4.4.3.2, §4.5.2, §4.5.3)."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.keying.zrtp.algorithms import Chosen
from offhook.protocols.keying.zrtp.derivation import agreed_secret, digest, joined, kdf, kdf_octets
from offhook.protocols.keying.zrtp.retained import Role, Shared


@dataclass(frozen=True, slots=True)
class Side:
    """The keys of one role."""

    srtp: CryptoLine
    mac: Secret
    zrtp: Secret
    """It encrypts that role's Confirm."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """What the first stream of a call yields, and no other."""

    session: Secret
    """ZRTPSess."""
    retained: Secret
    """The new rs1."""
    sas_hash: bytes


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """All keys of one stream; `meeting` is None in multistream mode."""

    initiator: Side
    responder: Side
    meeting: Meeting | None

    def of(self, role: Role) -> Side:
        """The keys that this role protects with."""
        return self.initiator if role is Role.INITIATOR else self.responder


@dataclass(frozen=True, slots=True)
class Parties:
    """Who met: the two ZIDs by role."""

    initiator: bytes
    responder: bytes

    def context(self, total_hash: bytes) -> bytes:
        """KDF_Context."""
        return self.initiator + self.responder + total_hash


def keys_of_meeting(
    chosen: Chosen, parties: Parties, messages: tuple[bytes, ...], result: Secret, shared: Shared
) -> StreamKeys:
    """The keys of DH mode; `messages` are the responder's Hello, Commit, DHPart1, DHPart2."""
    context = parties.context(digest(chosen.hash, *messages))
    s0 = agreed_secret(chosen.hash, result, context, (shared.s1, shared.s2, shared.s3))
    length = chosen.hash.length
    meeting = Meeting(
        session=kdf(chosen.hash, s0, "ZRTP Session Key", context, length),
        retained=kdf(chosen.hash, s0, "retained secret", context, 32),
        sas_hash=kdf_octets(chosen.hash, s0, "SAS", context, 32),
    )
    return _keys(chosen, s0, context, meeting)


def keys_of_stream(
    chosen: Chosen, parties: Parties, messages: tuple[bytes, ...], session: Secret
) -> StreamKeys:
    """The keys of multistream mode; `messages` are the responder's Hello and Commit."""
    context = parties.context(digest(chosen.hash, *messages))
    s0 = kdf(chosen.hash, session, "ZRTP MSK", context, chosen.hash.length)
    return _keys(chosen, s0, context, None)


def _keys(chosen: Chosen, s0: Secret, context: bytes, meeting: Meeting | None) -> StreamKeys:
    suite = chosen.suite

    def side(role: Role) -> Side:
        def derived(purpose: str, length: int) -> Secret:
            return kdf(chosen.hash, s0, f"{role.value} {purpose}", context, length)

        master = joined(
            derived("SRTP master key", suite.key_length),
            derived("SRTP master salt", suite.salt_length),
        )
        return Side(
            CryptoLine(1, suite, master),
            derived("HMAC key", chosen.hash.length),
            derived("ZRTP key", chosen.cipher.key_length),
        )

    return StreamKeys(side(Role.INITIATOR), side(Role.RESPONDER), meeting)
