"""Times that a person feels, through the line machine, the channel and the engine's own process.

Each is from the moment at which the line is told (what a contact's bounce takes comes before it)
to the sample handed to the card, and to the sample captured again from the null sink.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from scripts.lib.render_prompts import FOLDER, render
from tests.benchmarks.audio.figures import AUDIBLE, Array, Heard, levels_at
from tests.benchmarks.audio.phone import Phone, phone, recording
from tests.shells.audio.card_program import spread
from tests.shells.audio.sound_server import SoundServer

from offhook.base.schema.prompt_language import prompt_language

TONE: Final = "601"
WORDS: Final = "*#01"
"""The own number: words alone."""
LOUDER: Final = "#11"
"""One step louder: the new step is said."""
CLOSED_S: Final = 1.2
"""After which the card was certainly let go."""
DIAL_TONE_S: Final = 0.8
HUSHED_S: Final = 0.4
MUTED_S: Final = 0.43

DIAL_HZ: Final = 425
"""Germany's, which is the country where none is set."""
DIGIT: Final = "9"
"""The key whose own tone is farthest from dial tone."""
SILENT: Final = 500
"""Amplitude below which dial tone is gone; it is 7000 while it lasts."""
TO_CARD: Final = "to the card"
FROM_SINK: Final = "back from the sink"

Moments = dict[str, list[float]]


async def _handled(made: Phone, rounds: int) -> Moments:
    """Lift with the card closed, press a digit, dial codes, mute in a call; when each was done."""
    done: Moments = {name: [] for name in ("lifted", "digit", "words", "confirmed", "muted")}
    for _ in range(rounds):
        await asyncio.sleep(CLOSED_S)
        done["lifted"].append(made.lift())
        await asyncio.sleep(DIAL_TONE_S)
        done["digit"].append(made.press(DIGIT))
        await asyncio.sleep(HUSHED_S)
        made.lay_down()
    for name, code in (("words", WORDS), ("confirmed", LOUDER)):
        for _ in range(rounds):
            await asyncio.sleep(HUSHED_S)
            made.lift()
            await asyncio.sleep(DIAL_TONE_S)
            done[name].append(await made.dial(code))
            await asyncio.sleep(DIAL_TONE_S)
            made.lay_down()
    await asyncio.sleep(HUSHED_S)
    await made.talk(TONE)
    await asyncio.sleep(1.0)
    for count in range(rounds):
        done["muted"].append(made.press("mute"))
        # Not in step with the packets.
        await asyncio.sleep(MUTED_S + count * 0.0017)
        made.press("mute")
        await asyncio.sleep(MUTED_S)
    made.lay_down()
    await asyncio.sleep(CLOSED_S)
    return done


def _waits(pairs: Sequence[tuple[float, float | None]]) -> dict[str, Any]:
    waits = [1000 * (then - at) for at, then in pairs if then is not None]
    told: dict[str, Any] = {"n": len(waits), "missing": len(pairs) - len(waits), **spread(waits)}
    return told | {"values": [round(each, 1) for each in waits]}


def _began(
    noted: dict[str, Any], done: list[float], within_s: float, *, words: bool
) -> dict[str, Any]:
    """How long until the tone, or the words, were handed over, and were back."""
    heard, begun = Heard(noted), noted["begun"]
    tones = levels_at(heard.captured, DIAL_HZ) > AUDIBLE
    there: list[tuple[float, float | None]] = []
    back: list[tuple[float, float | None]] = []
    for at in done:
        found = [
            float(moment)
            for moment, kind in begun
            if at <= moment < at + within_s and kind == words
        ]
        number = heard.given(found[0]) if found else None
        there.append((at, None if number is None else float(heard.moments[number])))
        if number is None or words:
            back.append((at, None if number is None else heard.back(number)))
        else:
            again = np.flatnonzero(tones[number:])
            back.append((at, float(heard.moments[number + again[0]]) if len(again) else None))
    return {TO_CARD: _waits(there), FROM_SINK: _waits(back)}


def _tone_ended(noted: dict[str, Any], done: list[float], within_s: float) -> dict[str, Any]:
    """How long until a chunk, and all after it, had no dial tone."""
    moments, told = noted["card_moments"], {}
    for name, track in ((TO_CARD, "played"), (FROM_SINK, "captured")):
        gone = levels_at(noted[f"card_{track}"], DIAL_HZ) < SILENT
        told[name] = _waits([(at, _for_good(moments, gone, at, at + within_s)) for at in done])
    return told


def _for_good(moments: Array, wanted: Array, since: float, until: float) -> float | None:
    """The moment from which all are wanted, to the end of this time."""
    within = (moments >= since) & (moments < until)
    times, kept = moments[within], wanted[within]
    if not len(times) or not kept[-1]:
        return None
    others = np.flatnonzero(~kept)
    return float(times[others[-1] + 1] if len(others) else times[0])


def _silent_stream(sent: Array, done: list[float]) -> dict[str, Any]:
    silent = sent[:, 1] == 0
    waits = [(at, _for_good(sent[:, 0], silent, at, at + 0.9 * MUTED_S)) for at in done]
    return {"to the stream": _waits(waits)}


async def _lived(server: SoundServer, folder: Path, rounds: int) -> Moments:
    async with phone(folder, server, FOLDER) as made:
        return await _handled(made, rounds)


def measured(server: SoundServer, rounds: int) -> dict[str, Any]:
    """Median, 99 % and extremes of each time in ms, of so many rounds."""
    render([prompt_language("en")])
    with tempfile.TemporaryDirectory() as folder:
        done = asyncio.run(_lived(server, Path(folder), rounds))
    noted = recording(server)
    return {
        "losses": sum(each["losses"] for each in noted["sounds"]),
        "off-hook to dial tone": _began(noted, done["lifted"], DIAL_TONE_S, words=False),
        "first digit to silence": _tone_ended(noted, done["digit"], 0.9 * HUSHED_S),
        "last key of *#01 to its words": _began(noted, done["words"], DIAL_TONE_S, words=True),
        "last key of #11 to its words": _began(noted, done["confirmed"], DIAL_TONE_S, words=True),
        "mute key to silence": _silent_stream(noted["sent"], done["muted"]),
    }
