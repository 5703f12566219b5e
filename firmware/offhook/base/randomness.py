"""Randomness that is passed in: the system's in the phone, a seeded one in tests."""

from __future__ import annotations

import hashlib
from typing import Protocol


class Randomness(Protocol):
    """A source of random octets, fit for keys unless its name says otherwise."""

    def octets(self, count: int) -> bytes:
        """`count` fresh random octets."""
        ...


class SeededRandomness:
    """Repeatable octets for tests and replays. Never fit for keys."""

    def __init__(self, seed: int | str) -> None:
        self._state = hashlib.sha256(f"offhook {seed}".encode()).digest()

    def octets(self, count: int) -> bytes:
        """The next `count` octets of a SHA-256 chain."""
        gathered = b""
        while len(gathered) < count:
            self._state = hashlib.sha256(self._state).digest()
            gathered += hashlib.sha256(b"out" + self._state).digest()
        return gathered[:count]


def token(randomness: Randomness, octets: int = 12) -> str:
    """A hexadecimal token for tags, branches and Call-IDs (RFC 3261 §19.3 asks for ≥ 32 bits)."""
    return randomness.octets(octets).hex()


def fraction(randomness: Randomness) -> float:
    """A number in [0, 1) with 53 random bits, for jitter and weighted choice."""
    return (int.from_bytes(randomness.octets(7), "big") >> 3) / (1 << 53)
