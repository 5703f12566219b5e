"""A WAV file's rate made the session's by libsoxr, where the package `soxr` is installed.

It and numpy are loaded when a stream of other samples is opened, and not before: they cost 100 ms
and 20 MiB that a call at the card's own rate can do without.
"""

from __future__ import annotations

from typing import Any, Final

from offhook.base.errors import LocalError

REMEDY: Final = "pip install soxr"


class Resampler:
    """16-bit mono PCM of `from_rate` Hz, piece by piece, at `to_rate`.

    LocalError where soxr is missing.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        try:
            import numpy  # noqa: ICN001, PLC0415 -- see the module's docstring
            import soxr  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 -- as above
        except ImportError:
            raise LocalError(
                f"{from_rate} Hz can't be made {to_rate} Hz: the package soxr is not installed"
            ) from None
        self._numpy: Any = numpy
        self._kind: Any = soxr.ResampleStream
        self._rates = from_rate, to_rate
        self._stream: Any = self._kind(*self._rates, 1, dtype="int16")

    def convert(self, pcm: bytes, *, last: bool = False) -> bytes:
        """What these samples become, later by the filter's length; `last` gives all the rest.

        After the last ones a new stream begins.
        """
        samples = self._numpy.frombuffer(pcm, dtype="int16")
        made = self._stream.resample_chunk(samples, last=last)
        if last:
            self._stream = self._kind(*self._rates, 1, dtype="int16")
        return bytes(made.tobytes())
