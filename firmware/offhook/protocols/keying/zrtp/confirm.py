"""Confirm messages: encrypted and authenticated (RFC 6189 §4.6, §5.7)."""

from __future__ import annotations

from offhook.base.randomness import Randomness
from offhook.protocols.keying.zrtp.algorithms import HashType
from offhook.protocols.keying.zrtp.derivation import decrypt, encrypt, mac, same
from offhook.protocols.keying.zrtp.exchange import Side
from offhook.protocols.keying.zrtp.messages import Confirm, Confirmation, GoClear, SasRelay
from offhook.protocols.keying.zrtp.reading import parse_confirmation
from offhook.protocols.keying.zrtp.writing import confirmation_octets


def sealed_confirm(
    number: int, kind: HashType, own: Side, inside: Confirmation, randomness: Randomness
) -> Confirm:
    """Our Confirm, by our role's keys."""
    iv = randomness.octets(16)
    hidden = encrypt(own.zrtp, iv, confirmation_octets(inside))
    return Confirm(number, mac(kind, own.mac, hidden), iv, hidden)


def opened_confirm(kind: HashType, peer: Side, confirm: Confirm) -> Confirmation | None:
    """What the peer's Confirm hides; None where it is not authentic.

    Discarded where it is authentic and yet no confirmation.
    """
    if not same(mac(kind, peer.mac, confirm.hidden), confirm.mac):
        return None
    return parse_confirmation(decrypt(peer.zrtp, confirm.iv, confirm.hidden))


def is_authentic(kind: HashType, peer: Side, message: GoClear | SasRelay) -> bool:
    """Whether a message of the time after the exchange is the peer's (§4.7.2, §5.13)."""
    covered = b"GoClear " if isinstance(message, GoClear) else message.hidden
    return same(mac(kind, peer.mac, covered), message.mac)
