"""What can be set of the handset's sound, and of where its keys, lamps and bell are."""

from __future__ import annotations

from typing import Annotated

from offhook.base.schema.fields import FilePath, Text
from offhook.base.schema.section import Section, key


class SoundSettings(Section, frozen=True):
    """What the handset is heard by."""

    card: Annotated[
        Text | None,
        key(
            "Part of the sound card's name. Left out, the system's choice.",
            example="USB Audio",
        ),
    ] = None
    side_tone: Annotated[
        bool, key("Let people hear their own voice in the ear, as telephones do.", example=False)
    ] = True
    side_tone_db: Annotated[
        float,
        key(
            "How loud the side tone is, in dB from microphone to ear; -18 is assumed, a quiet "
            "room may want less.",
            example=-18.0,
            ge=-40.0,
            le=0.0,
        ),
    ] = -18.0
    ring: Annotated[
        bool,
        key(
            "Ring through this card too; a telephone without a bell is silent otherwise.",
            example=False,
        ),
    ] = True
    prompts: Annotated[
        FilePath,
        key(
            "The folder of what the telephone says, rendered beforehand. A relative path counts "
            "from the settings' folder.",
            example="/usr/share/offhook/prompts",
        ),
    ] = "/usr/share/offhook/prompts"
    language: Annotated[
        str,
        key(
            "The language in which the telephone speaks (BCP 47).",
            example="de",
            expects="one of the languages that have been rendered",
            pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z",
        ),
    ] = "en"


class HandsetSettings(Section, frozen=True):
    """Where keys, hook, lamps and bell are."""

    profile: Annotated[
        FilePath | None,
        key(
            "The hardware profile: which pin is what. Left out, the telephone has no pins.",
            example="/usr/share/offhook/profiles/keypad-3x4.toml",
        ),
    ] = None
