"""The operating system's randomness."""

from __future__ import annotations

import os


class SystemRandomness:
    """`base.randomness.Randomness` by getrandom(2): fit for keys."""

    def octets(self, count: int) -> bytes:
        """`count` fresh random octets; waits at boot until the kernel's pool is ready."""
        return os.urandom(count)
