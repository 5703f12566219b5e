"""Packet indices and replay windows of one key's sources (RFC 3711 §3.3.1, §3.3.2, appendix A)."""

from __future__ import annotations

from typing import Final

WINDOW: Final = 128
"""Indices, the highest included, of which is known which were seen; older ones count as seen."""
_MEDIAN: Final = 1 << 15
_MASK: Final = (1 << WINDOW) - 1


def estimate_index(highest: int, sequence: int) -> int:
    """The index nearest to `highest` that ends in `sequence`; -1 stands for none so far.

    Appendix A, but without a ROC below 0: where that would be nearest, it is 0.
    """
    if highest < 0:
        return sequence
    roc, last = highest >> 16, highest & 0xFFFF
    if last < _MEDIAN:
        if sequence - last > _MEDIAN and roc:
            roc -= 1
    elif last - _MEDIAN > sequence:
        roc += 1
    return roc << 16 | sequence


class ReplayWindow:
    """Which indices of one source were seen."""

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1
        self._seen = 0
        """Bit n: the index `highest` - n."""

    def is_new(self, index: int) -> bool:
        """Whether `index` is ahead of the window, or in it and not seen."""
        behind = self.highest - index
        return behind < 0 or (behind < WINDOW and not self._seen >> behind & 1)

    def add(self, index: int) -> None:
        """Take `index`, which is new and authentic, as seen."""
        ahead = index - self.highest
        if ahead > 0:
            self._seen = (self._seen << ahead if ahead < WINDOW else 0) & _MASK | 1
            self.highest = index
        else:
            self._seen |= 1 << -ahead
