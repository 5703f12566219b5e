"""Settings become what a handset is made with."""

from __future__ import annotations

from pathlib import Path

from offhook.app.build import Builder
from offhook.app.commands.session import TalkOptions
from offhook.app.engine.client import EngineOptions
from offhook.app.handset import HandsetTerms
from offhook.app.line_store import LineStore
from offhook.app.voice import VoiceTerms, bells
from offhook.base.errors import LocalError
from offhook.base.schema.feature_codes import builtin_feature_codes
from offhook.base.schema.hardware_profile import HardwareProfile, read_hardware_profile
from offhook.base.schema.prompt_language import prompt_language
from offhook.base.schema.settings import LONGEST_DOCUMENT
from offhook.base.schema.tone_plan import tone_plan
from offhook.phone.line.desk import LineTerms
from offhook.phone.line.reset import ENGINE_LOG
from offhook.shells.store.atomic import read_whole


def store_of(builder: Builder) -> Path:
    """The folder of what the phone must not forget."""
    return builder.folder / builder.settings.store.directory


def terms_of(builder: Builder, store: LineStore) -> HandsetTerms:
    """What the settings say of a handset.

    Raises LocalError for a language or a country that isn't there.
    """
    line, sound = builder.settings.line, builder.settings.sound
    return HandsetTerms(
        LineTerms(
            line.plan,
            builtin_feature_codes(),
            speed_dial=line.speed_dial,
            call_waiting=line.call_waiting,
        ),
        VoiceTerms(
            tone_plan(line.country),
            prompt_language(sound.language),
            sound.side_tone_db if sound.side_tone else None,
            bells=bells(line.country) if sound.ring else {},
        ),
        wall_time=builder.wall_clock(),
        keep=store.write,
        reset=store.erase,
    )


def engine_options(
    builder: Builder, talk: TalkOptions, prompts: Path | None, *, logged: bool
) -> EngineOptions:
    """By the files of the command line where it names some, else by the sound card.

    `prompts` is the folder of rendered prompts, None: the one of the settings. `logged`: what the
    engine logs goes into the store, for standard error is the telephone's picture.
    """
    sound = builder.settings.sound
    files = talk.play is not None or talk.record is not None
    return EngineOptions(
        play=talk.play,
        record=talk.record,
        handset="files" if files else "card",
        card=sound.card,
        prompts=prompts or builder.folder / sound.prompts,
        log=store_of(builder) / ENGINE_LOG.name if logged else None,
    )


def profile_of(builder: Builder) -> HardwareProfile:
    """The hardware profile of the settings. Raises LocalError where there is none, or a bad one."""
    named = builder.settings.handset.profile
    if named is None:
        raise LocalError(
            "the settings name no hardware profile: add [handset] with "
            'profile = "/usr/share/offhook/profiles/keypad-3x4.toml", or one of your own'
        )
    return read_hardware_profile(read_whole(builder.folder / named, LONGEST_DOCUMENT))
