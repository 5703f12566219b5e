"""What goes out: records in datagrams, and each flight again before OpenSSL's first second.

RFC 6347 §4.2.4.1 leaves the timer to the implementation. OpenSSL's can't be set from here, and a
ClientHello that the other side wasn't ready for would cost a second of every call.
"""

from __future__ import annotations

from typing import Final

from offhook.protocols.keying.dtls.records import (
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    alert,
    pack_records,
    split_records,
)

WAITS_S: Final = (0.05, 0.1, 0.2, 0.3)
"""Between one flight and its repetition, and so on; then OpenSSL repeats, from the second on."""

MOST_WAITING: Final = 64
"""Datagrams that wait to be sent; further ones are lost, as on the way."""


class Outlet:
    """Datagrams that wait, and the flight that an answer is owed to.

    A flight goes out again with the same records: who has them drops them as replayed
    (RFC 6347 §4.1.2.6).
    """

    __slots__ = ("_clear_sequence", "_flight", "_step", "_waiting", "due")

    def __init__(self) -> None:
        self.due: float | None = None
        """When `expire` has something to do."""
        self._waiting: list[bytes] = []
        self._flight: list[bytes] = []
        self._step = 0
        self._clear_sequence = -1

    def take(self) -> list[bytes]:
        """What is to be sent, given once."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def write(self, octets: bytes, now: float) -> bool:
        """Send records that OpenSSL has written; False where there are none."""
        datagrams = self._pack(octets)
        if any(each[0] in (HANDSHAKE, CHANGE_CIPHER_SPEC) for each in datagrams):
            self._flight = datagrams
            self._wait_anew(now)
        return bool(datagrams)

    def write_again(self, octets: bytes) -> None:
        """Send a flight that OpenSSL has written anew: from here on its timer is enough."""
        self._flight = self._pack(octets)
        self.due = None

    def refuse(self, description: int) -> None:
        """Send a fatal alert in clear."""
        self._send([alert(description, self._clear_sequence + 1)])

    def repeat(self) -> None:
        """Send the flight again."""
        self._send(self._flight)

    def retry(self, now: float) -> None:
        """Send the flight again, and count the waits from the first."""
        self.repeat()
        self._wait_anew(now)

    def expire(self, now: float) -> None:
        """Send the flight again if it is due."""
        if self.due is None or now < self.due:
            return
        self.repeat()
        self._step += 1
        self.due = now + WAITS_S[self._step] if self._step < len(WAITS_S) else None

    def rest(self) -> None:
        """Repeat no more by the clock; the flight is kept, its loss may yet be noticed."""
        self.due = None

    def forget(self) -> None:
        """There is no flight any more."""
        self._flight = []
        self.due = None

    def _wait_anew(self, now: float) -> None:
        self._step = 0
        self.due = now + WAITS_S[0] if self._flight else None

    def _pack(self, octets: bytes) -> list[bytes]:
        records = split_records(octets)
        for record in records:
            if record.epoch == 0:
                self._clear_sequence = max(self._clear_sequence, record.sequence)
        datagrams = pack_records(records)
        self._send(datagrams)
        return datagrams

    def _send(self, datagrams: list[bytes]) -> None:
        self._waiting += datagrams[: MOST_WAITING - len(self._waiting)]
