"""Speech that was rendered beforehand: fragments by name, put together into sound."""

from __future__ import annotations

import functools
import json
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from offhook.base.errors import LocalError

LONGEST_PAUSE_MS: Final = 10_000
"""Silence after one fragment."""
KEPT: Final = 64
"""Fragments that are kept ready: a few MB at 48 kHz."""


class FragmentFolder:
    """A folder of fragments, as `scripts/lib/render_prompts.py` makes it.

    Raises LocalError where the folder has no index of `language`, naming the remedy.
    """

    def __init__(self, folder: Path, language: str) -> None:
        self._folder, self._language = folder, language
        path = folder / f"{language}.json"
        if path.parent != folder:
            raise LocalError(f"{language!r} is no language")
        try:
            index = json.loads(path.read_text("utf-8"))
            self._files: dict[str, str] = dict(index["fragments"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise LocalError(
                f"{path} is no index of rendered prompts ({error}): "
                "render them by python -m scripts.lib.render_prompts"
            ) from None
        self.pcm = functools.lru_cache(KEPT)(self._read)

    def names(self) -> frozenset[str]:
        """The fragments that there are."""
        return frozenset(self._files)

    def speech(self, fragments: Iterable[tuple[str, int]], rate: int) -> bytes:
        """Fragments by name, each with the silence after it in ms, as samples at `rate` Hz.

        LocalError where a fragment can't be had, or a pause is none of 0 to LONGEST_PAUSE_MS.
        """
        fragments = tuple(fragments)
        for _, pause_ms in fragments:
            if not 0 <= pause_ms <= LONGEST_PAUSE_MS:
                raise LocalError(f"{pause_ms} ms is no pause between words")
        return b"".join(
            self.pcm(name, rate) + bytes(2 * (rate * pause_ms // 1000))
            for name, pause_ms in fragments
        )

    def _read(self, name: str, rate: int) -> bytes:
        """A fragment as 16-bit mono samples at `rate` Hz. LocalError where it can't be had."""
        file = self._files.get(name)
        if file is None or Path(file).name != file:
            raise LocalError(f"there is no fragment {name!r} in {self._language}")
        try:
            with wave.open(str(self._folder / file)) as sound:
                found = sound.getframerate()
                if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
                    raise LocalError(f"{file} is not 16-bit mono")
                samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        except (OSError, EOFError, wave.Error) as error:
            raise LocalError(f"fragment {name!r} can't be read: {error}") from None
        if found != rate:
            samples = np.asarray(soxr.resample(samples, found, rate), np.int16)
        return samples.tobytes()
