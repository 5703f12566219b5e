"""What the line wants heard, as the engine's commands, and what the engine tells of the handset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.key_tones import key_tone
from offhook.base.schema.prompt_language import PromptLanguage
from offhook.base.schema.ring import ring_cadence
from offhook.base.schema.tone_plan import TonePlan, ToneSegment, ToneShape
from offhook.base.vocabulary import Ring
from offhook.phone.line import actions as do
from offhook.phone.line.memory import Memory
from offhook.phone.prompts.composer import PromptComposer
from offhook.protocols.media import handset_messages as ask
from offhook.protocols.media.volume import ear_gain_db, ringer_gain_db

LEVELS_MS: Final = 100
"""How often levels are told, where somebody looks at them."""
BELL_HZ: Final = 1100
"""Assumed: where small loudspeakers are loud and old ears still good."""
BELL_BEATS_HZ: Final = 20
"""As often as an exchange's current moves the clapper."""
BELL_DBM0: Final = -6.0


@dataclass(frozen=True, slots=True)
class VoiceTerms:
    """How this telephone sounds."""

    tones: TonePlan
    language: PromptLanguage
    side_tone_db: float | None
    bells: Mapping[Ring, ToneShape] = field(default_factory=dict)
    """How it rings through the handset's sound, where it does."""


def bells(country: str) -> dict[Ring, ToneShape]:
    """Rings for a loudspeaker, in the cadence of the country's (ISO 3166-1) exchanges.

    Raises LocalError for a country whose tones aren't known.
    """
    return {
        ring: ToneShape(
            cadence=tuple(
                ToneSegment(ms=ms) if index % 2 else ToneSegment((BELL_HZ,), ms, BELL_BEATS_HZ)
                for index, ms in enumerate(ring_cadence(ring, country))
            ),
            level_dbm0=BELL_DBM0,
        )
        for ring in Ring
    }


@dataclass(slots=True)
class _Wanted:
    """What the engine is to do now: told anew to one that was started anew."""

    opened: bool = False
    muted: bool = False
    ear_step: int = 0
    tone: ask.PlayTone | None = None
    bell: ask.PlayTone | None = None
    said: ask.Say | None = None
    again: bool = False
    """Whether it is said to one more engine: to the third one no more, for it may be the cause."""
    levels: bool = False


@dataclass(slots=True)
class Voice:
    """The handset's sound as the signalling side sees it.

    `post` hands a command to the engine; `on_spoken` gets the number of what was said to its end,
    and the reason where it could not be said.
    """

    post: Callable[[ask.HandsetCommand], None]
    terms: VoiceTerms
    memory: Memory
    on_spoken: Callable[[int, str], None]
    levels: ask.Levels | None = None
    """The last that were told, None while the sound is closed."""
    fault: str = ""
    """Why there is no sound card now."""
    _wanted: _Wanted = field(default_factory=_Wanted)

    def __post_init__(self) -> None:
        self._wanted.ear_step = self.memory.ear_step

    def start(self) -> None:
        """Tell an engine that was just started everything that it is to know."""
        wanted, self.levels, self.fault = self._wanted, None, ""
        self._set_volume()
        if wanted.muted:
            self.post(ask.SetMute(muted=True))
        if wanted.levels:
            self.post(ask.WatchLevels(LEVELS_MS))
        for command in (ask.OpenHandset() if wanted.opened else None, wanted.tone or wanted.bell):
            if command is not None:
                self.post(command)
        if wanted.said is not None and wanted.again:
            wanted.again = False
            self.post(wanted.said)
        elif wanted.said is not None:
            self.on_spoken(wanted.said.utterance, "the engine was started anew")
            wanted.said = None

    def watch_levels(self, *, wanted: bool) -> None:
        """Whether somebody looks at levels, from now on."""
        if wanted != self._wanted.levels:
            self._wanted.levels = wanted
            self.post(ask.WatchLevels(LEVELS_MS if wanted else 0))

    def lifted(self, *, off_hook: bool) -> None:
        """The handset is in the hand, or not: the microphone is open only there."""
        self._wanted.opened = off_hook
        self.levels = None
        self.post(ask.OpenHandset() if off_hook else ask.CloseHandset())

    def carry_out(self, action: do.Action) -> None:
        """One wish of the line's; those that are nothing to be heard change nothing."""
        match action:
            case do.PlayTone(tone=tone):
                self._wanted.tone = ask.PlayTone(self.terms.tones.tone(tone.value))
                self.post(self._wanted.tone)
            case do.StopTone():
                self._wanted.tone = None
                self.post(ask.StopTone())
            case do.KeyTone(symbol=symbol):
                self.post(ask.Beep(key_tone(symbol)))
            case do.Say():
                self._say(action)
            case do.Hush():
                self._wanted.said = None
                self.post(ask.Hush())
            case do.SetMute(muted=muted):
                self._wanted.muted = muted
                self.post(ask.SetMute(muted))
            case do.SetVolume(volume=do.Volume.EAR, step=step):
                self._wanted.ear_step = step
                self._set_volume()
            case do.StartRing() | do.StopRing():
                self._ring(action)

    def _ring(self, action: do.StartRing | do.StopRing) -> None:
        wanted, bells = self._wanted, self.terms.bells
        if isinstance(action, do.StartRing):
            gain_db = ringer_gain_db(action.volume)
            if gain_db is not None and action.ring in bells:
                wanted.bell = ask.PlayTone(bells[action.ring], gain_db)
                self.post(wanted.bell)
        elif wanted.bell is not None:
            wanted.bell = None
            self.post(ask.StopTone())

    def take(self, report: ask.HandsetReport) -> None:
        """What the engine tells of the handset."""
        match report:
            case ask.Spoken(utterance=utterance, reason=reason):
                said = self._wanted.said
                if said is not None and said.utterance == utterance:
                    self._wanted.said = None
                self.on_spoken(utterance, reason)
            case ask.Levels():
                self.levels = report
            case ask.SoundLost(reason=reason):
                self.fault = reason
            case ask.SoundFound():
                self.fault = ""

    def _say(self, action: do.Say) -> None:
        try:
            fragments = PromptComposer(self.terms.language).compose(action.sentences)
        except LocalError as error:
            self.on_spoken(action.utterance, str(error))
            return
        self._wanted.said = ask.Say(
            action.utterance,
            self.terms.language.language,
            tuple((each.name, each.pause_ms) for each in fragments),
        )
        self._wanted.again = True
        self.post(self._wanted.said)

    def _set_volume(self) -> None:
        ear_db = ear_gain_db(self._wanted.ear_step)
        self.post(ask.SetVolume(ear_db, self.terms.side_tone_db))
