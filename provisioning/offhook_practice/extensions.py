"""The practice trunk's extensions, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Conduct(Enum):
    """What an extension does with a call."""

    TALK = "answers with keys, and with its sound"
    REFUSE = "answers with a final status"
    RING = "rings and never answers"
    CALL_BACK = "hangs up and calls back"
    OFFER_PLAIN = "hangs up and calls back with an offer of plain RTP"
    ANSWER_PLAIN = "answers with plain RTP"
    SILENT = "answers with keys and sends no packet"
    WRONG_KEY = "answers with keys and encrypts with others"


@dataclass(frozen=True, slots=True)
class Extension:
    """One number: `sound` is heard where it talks, `status` is the answer where it refuses."""

    number: str
    name: str
    conduct: Conduct
    told: str
    sound: str = "echo"
    status: int = 486


EXTENSIONS: Final = (
    Extension("600", "echo", Conduct.TALK, "you hear yourself"),
    Extension("601", "tone", Conduct.TALK, "you hear a steady tone", sound="tone"),
    Extension("602", "call-me-back", Conduct.CALL_BACK, "your phone rings; then you hear yourself"),
    Extension("603", "busy", Conduct.REFUSE, "busy here"),
    Extension("604", "no-answer", Conduct.RING, "it rings and nobody answers"),
    Extension(
        "605",
        "plain-offer",
        Conduct.OFFER_PLAIN,
        "calls back without encryption: your phone refuses",
    ),
    Extension(
        "606",
        "plain-answer",
        Conduct.ANSWER_PLAIN,
        "answers without encryption: your phone hangs up",
    ),
    Extension(
        "607",
        "silent",
        Conduct.SILENT,
        "answers and sends nothing: your phone says so and hangs up",
    ),
    Extension(
        "608", "wrong-key", Conduct.WRONG_KEY, "speaks with a wrong key: your phone hears nothing"
    ),
)


def find_extension(user: str | None) -> Extension | None:
    """The extension dialled by number or by name."""
    for extension in EXTENSIONS:
        if user in {extension.number, extension.name}:
            return extension
    return None
