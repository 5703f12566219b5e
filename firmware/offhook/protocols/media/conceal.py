"""What is played where a frame is missing: the last one again, fading, then silence."""

from __future__ import annotations

from typing import Final

from offhook.protocols.media.g711 import scaled

STEP: Final = 80
"""Octets per fading step: 5 ms at 8 kHz."""
FADE_STEPS: Final = 12
"""60 ms from full level to silence (G.711 Appendix I fades over the same time)."""


class Concealer:
    """Repeats the last period heard, at falling level."""

    __slots__ = ("_faded", "_last", "_offset")

    def __init__(self) -> None:
        self._last = b""
        self._offset = 0
        self._faded = FADE_STEPS

    def heard(self, pcm: bytes) -> None:
        """These samples were played: they are what would be repeated."""
        self._last, self._offset, self._faded = pcm, 0, 0

    def conceal(self, octets: int) -> bytes:
        """That many octets of PCM in place of what is missing."""
        made = bytearray()
        while len(made) < octets and self._faded < FADE_STEPS and self._last:
            level = 1 - self._faded / FADE_STEPS
            piece = self._last[self._offset : self._offset + STEP]
            made += scaled(piece, level)
            self._offset += len(piece)
            if self._offset >= len(self._last):
                self._offset = 0
            self._faded += 1
        return bytes(made[:octets]).ljust(octets, b"\0")
