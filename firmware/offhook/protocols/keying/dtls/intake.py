"""Which of what comes in OpenSSL gets to see, and what can be read in it beforehand.

RFC 6347 §4.1 and §4.2. Before there are keys anybody can send anything: what can't belong here is
dropped unread, and a flood costs no more than a bucket holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.protocols.keying.dtls.records import (
    CERTIFICATE,
    CLIENT_HELLO,
    MAX_RECEIVED,
    CertificateReader,
    Record,
    fragments,
    split_records,
)
from offhook.protocols.keying.dtls.setup import Role

BURST: Final = 96
RATE: Final = 64.0
"""Datagrams that are looked at: so many at once, and then so many a second."""

_CLIENTS: Final = frozenset({CLIENT_HELLO, CERTIFICATE, 15, 16, 20})
_SERVERS: Final = frozenset({0, 2, 3, 4, CERTIFICATE, 12, 13, 14, 20, 22})
"""Handshake messages that each side sends (RFC 5246 §7.4, RFC 6347 §4.3.2)."""

_RANDOM: Final = slice(2, 34)


class Budget:
    """A bucket of datagrams."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more datagram may be looked at."""
        if self._at is not None:
            self._left = min(BURST, self._left + RATE * max(0.0, now - self._at))
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True, slots=True)
class Sight:
    """What a handshake record in clear shows: a ClientHello's random, a whole certificate (DER)."""

    hello: bytes | None = None
    certificate: bytes | None = None


class Intake:
    """Looks at what a peer sends, whose role is the other one than `role`."""

    __slots__ = ("_budget", "_expected", "_reader", "clash", "ignored")

    def __init__(self, role: Role) -> None:
        self.ignored = 0
        """Datagrams and records that were dropped."""
        self.clash = False
        """Whether a ClientHello came although we are the one who sends it."""
        self._expected = _SERVERS if role is Role.ACTIVE else _CLIENTS
        self._budget = Budget()
        self._reader = CertificateReader()

    def begin_anew(self) -> None:
        """What was seen of a certificate belonged to another beginning."""
        self._reader = CertificateReader()

    def records(self, data: bytes, now: float) -> list[Record]:
        """The records of a datagram that is to be looked at."""
        found = []
        if len(data) <= MAX_RECEIVED and self._budget.take(now):
            found = split_records(data)
        if not found:
            self.ignored += 1
        return found

    def look(self, record: Record) -> Sight | None:
        """What a record in clear shows; None: it can't be from the peer's role, or is unsound."""
        found = fragments(record)
        if found is None:
            return None
        kinds = {each.message_type for each in found}
        if not kinds <= self._expected:
            self.clash |= CLIENT_HELLO in kinds
            return None
        hello = certificate = None
        for each in found:
            if each.message_type == CLIENT_HELLO and each.offset == 0:
                hello = each.body[_RANDOM]
            elif each.message_type == CERTIFICATE:
                certificate = self._reader.read(each) or certificate
        return Sight(hello, certificate)
