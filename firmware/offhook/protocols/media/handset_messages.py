"""What the engine is told and tells of the handset: its one sound, with or without a call.

Commands are carried out in order and answered only where it says so. Gains and levels are in dB.
"""

from __future__ import annotations

from dataclasses import dataclass

from offhook.base.schema.tone_plan import ToneShape


@dataclass(frozen=True, slots=True)
class OpenHandset:
    """Have the sound open until `CloseHandset`, so that nothing that is to be heard is late."""


@dataclass(frozen=True, slots=True)
class CloseHandset:
    """The microphone is closed as soon as no call and nothing to be heard needs the sound."""


@dataclass(frozen=True, slots=True)
class PlayTone:
    """Play this until `StopTone`; it replaces the tone before."""

    shape: ToneShape
    gain_db: float | None = None
    """None: as loud as the ear volume says."""


@dataclass(frozen=True, slots=True)
class StopTone:
    """No tone; it ends softly."""


@dataclass(frozen=True, slots=True)
class Beep:
    """Play what sounds once in this shape, over whatever else is heard."""

    shape: ToneShape


@dataclass(frozen=True, slots=True)
class Say:
    """Speak these fragments once, each with the silence after it in ms, then report `Spoken`.

    It replaces what is being said. What a call plays goes on, quieter.
    """

    utterance: int
    language: str
    fragments: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Hush:
    """Say no more; no `Spoken` follows."""


@dataclass(frozen=True, slots=True)
class SetMute:
    """Every call gets silence instead of what is captured, or the voice again."""

    muted: bool


@dataclass(frozen=True, slots=True)
class SetVolume:
    """From now on the ear hears this loud, and its own voice as side tone (None: not at all)."""

    ear_db: float
    side_tone_db: float | None


@dataclass(frozen=True, slots=True)
class WatchLevels:
    """Report `Levels` so often while the sound is open; 0: not at all."""

    every_ms: int


HandsetCommand = (
    OpenHandset
    | CloseHandset
    | PlayTone
    | StopTone
    | Beep
    | Say
    | Hush
    | SetMute
    | SetVolume
    | WatchLevels
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What `Say` asked for is said to its end, or can't be said, for this reason."""

    utterance: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Levels:
    """Since the last report, as power relative to a full-scale square wave (dBFS), -96 at least."""

    mouth_db: float
    """What the calls get: silence while muted."""
    ear_db: float


@dataclass(frozen=True, slots=True)
class SoundLost:
    """There is no sound card now; calls go on in silence, and it is looked for."""

    reason: str


@dataclass(frozen=True, slots=True)
class SoundFound:
    """The sound card is there, or there again."""

    name: str


HandsetReport = Spoken | Levels | SoundLost | SoundFound
