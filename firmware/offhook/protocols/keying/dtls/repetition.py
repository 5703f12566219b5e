"""Repeating a flight before OpenSSL's first second is over, and a bound on what comes in.

RFC 6347 §4.2.4.1 leaves the timer to the implementation. OpenSSL's can't be set from here, and a
ClientHello that the other side wasn't ready for would cost a second of every call.
"""

from __future__ import annotations

from typing import Final

WAITS_S: Final = (0.05, 0.1, 0.2, 0.3)
"""Between one flight and its repetition, and so on; then OpenSSL repeats, from the second on."""

BURST: Final = 96
RATE: Final = 64.0
"""Datagrams that are looked at: so many at once, and then so many a second."""


class Flight:
    """The datagrams that an answer is owed to, and when they go out again."""

    __slots__ = ("_datagrams", "_step", "due")

    def __init__(self) -> None:
        self._datagrams: list[bytes] = []
        self._step = 0
        self.due: float | None = None

    def sent(self, datagrams: list[bytes], now: float) -> None:
        """A new flight has gone out."""
        self._datagrams = datagrams
        self.restart(now)

    def repeated(self, datagrams: list[bytes]) -> None:
        """OpenSSL has written the flight anew: from here on its timer is enough."""
        self._datagrams = datagrams
        self.due = None

    def restart(self, now: float) -> None:
        """Count the waits from the first again."""
        self._step = 0
        self.due = now + WAITS_S[0] if self._datagrams else None

    def rest(self) -> None:
        """Repeat no more, but keep the flight: its loss may yet be noticed."""
        self.due = None

    def again(self) -> list[bytes]:
        """The same records once more: who has them drops them as replayed (RFC 6347 §4.1.2.6)."""
        return list(self._datagrams)

    def expire(self, now: float) -> list[bytes]:
        """What is to go out again now."""
        if self.due is None or now < self.due:
            return []
        self._step += 1
        self.due = now + WAITS_S[self._step] if self._step < len(WAITS_S) else None
        return self.again()


class Budget:
    """A bucket of datagrams: a flood costs no more than it holds."""

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
