"""How long to wait before the next registration or flow (RFC 5626 §4.5)."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness, fraction

BASE_S: Final = 30.0
"""RFC 5626 §4.5's base time where every flow of the account has failed."""
MAX_S: Final = 1800.0


class Backoff:
    """Counts failures in a row and says how long to wait after each.

    The wait is uniform in [W/2, W] with W = min(max_s, base_s * 2 ** failures): 30 to 60 s after
    the first failure, 15 to 30 minutes once the maximum is reached.
    """

    def __init__(
        self, randomness: Randomness, *, base_s: float = BASE_S, max_s: float = MAX_S
    ) -> None:
        if not 0 < base_s <= max_s:
            raise LocalError(f"a back-off needs 0 < base ≤ max, not {base_s} and {max_s} s")
        self._randomness = randomness
        self._base_s = base_s
        self._max_s = max_s
        self._failures = 0

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    def failure(self) -> float:
        """One more failure: the seconds to wait before the next attempt."""
        self._failures += 1
        # The exponent is held down because 2.0 ** 1024 overflows after some weeks of failures.
        bound_s = min(self._max_s, self._base_s * 2.0 ** min(self._failures, 64))
        return bound_s * (1.0 + fraction(self._randomness)) / 2.0

    def success(self) -> None:
        """The flow proved good: it registered and, where pings are sent, a pong came."""
        self._failures = 0
