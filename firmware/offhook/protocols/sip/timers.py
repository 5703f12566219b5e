"""RFC 3261 §17 Table 4 and RFC 6026 §8.11: the timers of a SIP element on a reliable transport."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    """Timer values in seconds, under the names of RFC 3261 Table 4.

    Offhook speaks SIP over TLS alone, so the timers that repeat a message or absorb its repetition
    hop by hop (A, E, G, D, I, J, K) are unused or zero. What remains scales with T1.
    """

    T1: float = 0.5
    T2: float = 4.0
    T4: float = 5.0

    @property
    def transaction(self) -> float:
        """64*T1: timers B, F, H, L and M, and the wait for an ACK or after a CANCEL."""
        return 64 * self.T1

    @property
    def absorb(self) -> float:
        """Timers D, I, J and K: zero where no hop repeats a message."""
        return 0.0

    @property
    def trying(self) -> float:
        """How long the transaction user may think before 100 Trying goes out (§17.2.1)."""
        return 0.2

    @property
    def progress(self) -> float:
        """The interval at which a ringing UAS repeats its provisional response (§13.3.1.1)."""
        return 60.0
