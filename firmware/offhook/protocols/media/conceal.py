"""What is played where a frame of G.711 or G.722 is missing (after ITU-T G.711 Appendix I).

The last pitch periods again, at full level for 10 ms, then fading, and silence after 60 ms. The
first frame that comes after that is joined on without a click.
"""

from __future__ import annotations

from typing import Final

from offhook.protocols.media.pcm import crossfaded, faded, pitch_period

KEPT_MS: Final = 50
"""Of what was heard last."""
SHORTEST_MS: Final = 2.5
LONGEST_MS: Final = 15
"""The pitch periods looked for: 400 to 67 Hz."""
TEMPLATE_MS: Final = 10
CYCLE_MS: Final = 10
"""At least so much is repeated: shorter cycles make a buzz of what has no pitch."""
SEAM_MS: Final = 2.5
FULL_MS: Final = 10
FADED_MS: Final = 60


class Concealer:
    """Goes on with what was heard, at falling level; `rate` in Hz."""

    __slots__ = ("_at", "_cycle", "_history", "_per_ms", "_ran")

    def __init__(self, rate: int = 8000) -> None:
        self._per_ms = rate // 1000
        self._history = b""
        self._cycle = b""
        self._at = 0
        self._ran = 0

    def _octets(self, ms: float) -> int:
        return 2 * int(ms * self._per_ms)

    def heard(self, pcm: bytes) -> bytes:
        """These samples are played next; they come back joined to what was made up before."""
        if self._ran:
            pcm = crossfaded(self._made(min(len(pcm), self._octets(SEAM_MS))), pcm)
            self._ran = 0
        self._history = (self._history + pcm)[-self._octets(KEPT_MS) :]
        return pcm

    def conceal(self, octets: int) -> bytes:
        """That many octets of PCM in place of what is missing."""
        if not self._history:
            return bytes(octets)
        if not self._ran:
            self._begin()
        return self._made(octets)

    def _begin(self) -> None:
        period = 2 * pitch_period(
            self._history,
            int(SHORTEST_MS * self._per_ms),
            LONGEST_MS * self._per_ms,
            TEMPLATE_MS * self._per_ms,
        )
        length = period * -(-self._octets(CYCLE_MS) // period)
        seam = self._octets(SEAM_MS)
        cycle = self._history[-length:]
        before = self._history[-length - seam : -length]
        if len(before) == seam:
            # What led into the cycle leads into it again.
            cycle = cycle[:-seam] + crossfaded(cycle[-seam:], before)
        self._cycle, self._at = cycle, 0

    def _made(self, octets: int) -> bytes:
        made = bytearray()
        full, end = self._octets(FULL_MS), self._octets(FADED_MS)
        while len(made) < octets and self._ran < end:
            limit = full if self._ran < full else end
            room = min(octets - len(made), limit - self._ran, len(self._cycle) - self._at)
            piece = self._cycle[self._at : self._at + room]
            levels = [
                1.0 if at <= full else (end - at) / (end - full)
                for at in (self._ran, self._ran + room)
            ]
            made += faded(piece, levels[0], levels[1])
            self._at = (self._at + room) % len(self._cycle)
            self._ran += room
        self._ran += octets - len(made)
        return bytes(made).ljust(octets, b"\0")
