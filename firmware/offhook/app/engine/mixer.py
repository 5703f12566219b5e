"""What the handset's ear gets and its mouth gives, chunk by chunk: calls, tone, speech, volume."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from typing import Final

from offhook.protocols.media.tones import ToneGenerator
from offhook.protocols.media.volume import amplified, level_db, mixed, power
from offhook.shells.audio.port import COMMON, Port
from offhook.shells.audio.resampler import CHUNK_MS

UNDER_SPEECH_DB: Final = -12.0
"""How much quieter a call plays while the telephone speaks (assumed)."""
LEVELS_EVERY: Final = 5
"""Chunks between two reports of levels, at least: more often, they would crowd out the others."""
SILENCE: Final = bytes(COMMON.octets)


class Mixer:
    """`turn` is called by the sound's thread, everything else by the engine's loop.

    The loop's wishes are carried out in order at the beginning of the next turn, so that neither
    ever waits for the other. `on_said` gets the number of what was said to its end, `on_quiet`
    is called when nothing but calls is left to be heard, `on_levels` gets mouth and ear (dB): all
    by the sound's thread.
    """

    def __init__(
        self,
        on_said: Callable[[int], None],
        on_quiet: Callable[[], None],
        on_levels: Callable[[float, float], None],
    ) -> None:
        self._on_said, self._on_quiet, self._on_levels = on_said, on_quiet, on_levels
        self._wishes: deque[Callable[[], None]] = deque()
        self.ports: tuple[Port, ...] = ()
        self.muted = False
        self.ear_db = 0.0
        self._tones: list[tuple[ToneGenerator, float | None]] = []
        self._beeps: list[memoryview] = []
        self._speech = memoryview(b"")
        self._utterance: int | None = None
        self._levels = _Levels(on_levels, 0)

    @property
    def sounds(self) -> bool:
        """Whether a tone or speech is heard, or is about to be."""
        return bool(self._wishes or self._tones or self._beeps or self._utterance is not None)

    def play(self, tone: ToneGenerator, gain_db: float | None) -> None:
        """Play this tone instead of the one before; None: as loud as the ear volume says."""
        self._wishes.append(functools.partial(self._play, tone, gain_db))

    def beep(self, pcm: bytes) -> None:
        """Play these samples of COMMON's rate over whatever else is heard."""
        self._wishes.append(functools.partial(self._beeps.append, memoryview(pcm)))

    def stop_tone(self) -> None:
        """Let the tone fall."""
        if self.sounds:
            self._wishes.append(self._release)

    def say(self, utterance: int, speech: bytes) -> None:
        """Say this instead of what is being said: samples of COMMON's rate."""
        self._wishes.append(functools.partial(self._say, utterance, speech))

    def hush(self) -> None:
        """Say no more."""
        if self.sounds:
            self._wishes.append(functools.partial(self._say, None, b""))

    def watch(self, every_ms: int) -> None:
        """Tell levels so often, or as often as may be; 0: not at all."""
        every = max(LEVELS_EVERY, every_ms // CHUNK_MS) if every_ms > 0 else 0
        self._levels = _Levels(self._on_levels, every)

    def turn(self, captured: bytes) -> bytes:
        """A chunk of COMMON from the microphone (empty: it was lost); what the ear is to hear.

        A call gets silence for what was lost: nothing at all would look like a broken path.
        """
        busy = self.sounds
        while self._wishes:
            # Taken away only when it is done, for `sounds` must not miss it meanwhile.
            self._wishes[0]()
            self._wishes.popleft()
        mouth = SILENCE if self.muted or not captured else captured
        heard = SILENCE
        for port in self.ports:
            played = port.turn(mouth)
            if played:
                heard = mixed(heard, played)
        if self._utterance is not None:
            heard = mixed(amplified(heard, UNDER_SPEECH_DB), self._spoken())
        bell = self._sound_tones()
        heard = amplified(mixed(heard, bell[0]) if bell[0] else heard, self.ear_db)
        if bell[1]:
            heard = mixed(heard, bell[1])
        if busy and not self.sounds:
            self._on_quiet()
        self._levels.take(mouth, heard)
        return heard

    def _play(self, tone: ToneGenerator, gain_db: float | None) -> None:
        self._release()
        self._tones.append((tone, gain_db))

    def _release(self) -> None:
        for tone, _ in self._tones:
            tone.release()

    def _say(self, utterance: int | None, speech: bytes) -> None:
        self._utterance, self._speech = utterance, memoryview(speech)

    def _spoken(self) -> bytes:
        """The next chunk of the speech, and the word that it was the last."""
        chunk = bytes(self._speech[: COMMON.octets]).ljust(COMMON.octets, b"\0")
        self._speech = self._speech[COMMON.octets :]
        if not self._speech and self._utterance is not None:
            said, self._utterance = self._utterance, None
            self._on_said(said)
        return chunk

    def _sound_tones(self) -> tuple[bytes, bytes]:
        """The next chunk of the tones that follow the ear volume, and of those that don't."""
        following = apart = b""
        for tone, gain_db in self._tones:
            chunk = tone.next(COMMON.samples)
            if gain_db is None:
                following = mixed(following, chunk)
            else:
                apart = mixed(apart, amplified(chunk, gain_db))
        for beep in self._beeps:
            following = mixed(following, bytes(beep[: COMMON.octets]))
        self._beeps[:] = [beep[COMMON.octets :] for beep in self._beeps]
        self._beeps[:] = [beep for beep in self._beeps if beep]
        self._tones = [each for each in self._tones if not each[0].finished]
        return following, apart


class _Levels:
    """Means of mouth and ear over some chunks."""

    def __init__(self, tell: Callable[[float, float], None], every: int) -> None:
        self._tell, self._every = tell, every
        self._count = 0
        self._mouth = self._ear = 0.0

    def take(self, mouth: bytes, ear: bytes) -> None:
        if not self._every:
            return
        self._mouth += power(mouth)
        self._ear += power(ear)
        self._count += 1
        if self._count >= self._every:
            self._tell(level_db(self._mouth / self._count), level_db(self._ear / self._count))
            self._count = 0
            self._mouth = self._ear = 0.0
