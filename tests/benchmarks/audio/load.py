"""A call with SRTP both ways over the card, alone or beside 500 SIP messages a second."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import time
import wave
from pathlib import Path
from typing import Any, Final

import numpy as np
from tests.benchmarks.audio.figures import holes, round_trips_ms
from tests.benchmarks.audio.phone import log_of, phone, recording
from tests.shells.audio.card_program import late_ms, spread
from tests.shells.audio.sound_server import SoundServer

from offhook.protocols.media.handset_messages import Hush, Say

MESSAGES_A_SECOND: Final = 500
TONE: Final = "601"
"""The practice trunk's extension that is a steady tone: no echo, as the null sink is one."""
UNDERRUN: Final = "underrun occurred"
"""What ALSA writes for each time that the card had nothing to play."""
EVERY_MS: Final = 470
RATE: Final = 16000
HOLD_UPS: Final = 5
HELD_UP_S: Final = 0.08
AFTER_S: Final = 2.5


def noise_prompts(folder: Path) -> Path:
    """A word that is a burst of noise: it is found again in what was captured."""
    folder.mkdir()
    burst = np.random.default_rng(1).uniform(-20000, 20000, RATE // 50).astype(np.int16)
    with wave.open(str(folder / "burst.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(burst.tobytes())
    (folder / "en.json").write_text(json.dumps({"fragments": {"burst": "burst.wav"}}))
    return folder


async def _talked(
    server: SoundServer, folder: Path, seconds: float, *, busy: bool, blocking: bool
) -> dict[str, Any]:
    prompts = noise_prompts(folder / "prompts")
    async with phone(folder, server, prompts, blocking=blocking) as made:
        await made.talk(TONE)
        await asyncio.sleep(1.0)
        logged = log_of(server).stat().st_size
        words = (("burst", EVERY_MS - 20),) * int(1000 * seconds / EVERY_MS)
        await made.trunk.ask(MESSAGES_A_SECOND if busy else 0)
        begun, cpu = time.monotonic(), made.cpu()
        made.telephone.post(Say(1 << 20, "en", words))
        await asyncio.sleep(seconds)
        counted = await made.trunk.ask(0)
        lasted, spent = time.monotonic() - begun, made.cpu()
        faults = log_of(server).read_text()[logged:].count(UNDERRUN)
        made.telephone.post(Hush())
        await asyncio.sleep(0.3)
        made.lay_down()
        await asyncio.sleep(1.0)
    return {
        "begun": begun,
        "alsa_underruns": faults,
        "lasted_s": round(lasted, 2),
        "asked_a_second": round(counted["asked"] / lasted, 1),
        "answered_a_second": round(counted["answered"] / lasted, 1),
        "cpu_percent": {name: round(100 * (spent[name] - cpu[name]) / lasted, 1) for name in spent},
    }


def measured(server: SoundServer, seconds: float, *, busy: bool, blocking: bool) -> dict[str, Any]:
    """One call of so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(_talked(server, Path(folder), seconds, busy=busy, blocking=blocking))
    noted = recording(server)
    begun = told.pop("begun")
    kept = (noted["card_moments"] >= begun) & (noted["card_moments"] < begun + told["lasted_s"])
    turns = (noted["engine_moments"] >= begun) & (
        noted["engine_moments"] < begun + told["lasted_s"]
    )
    played, captured = (
        noted[f"engine_{name}"].reshape(len(turns), -1)[turns].ravel()
        for name in ("played", "captured")
    )
    moments = noted["card_moments"][kept]
    late = late_ms(list(moments))
    counts = noted["sounds"][-1]
    return told | {
        "round_trip_ms": spread(round_trips_ms(played, captured)),
        "callback_late_ms": spread(late),
        "callback_late_by_ms": np.bincount(np.array(late, int), minlength=1).tolist(),
        "callback_interval_ms": spread(list(np.diff(moments) * 1000)),
        "holes_played": holes(played),
        "holes_captured": holes(captured),
        **counts,
        "engine_late": noted["sessions"],
    }


async def _survived(server: SoundServer, folder: Path, *, blocking: bool) -> dict[str, Any]:
    prompts, cpu = noise_prompts(folder / "prompts"), []
    async with phone(folder, server, prompts, blocking=blocking) as made:
        await made.talk(TONE)
        words = (("burst", EVERY_MS - 20),) * 100
        made.telephone.post(Say(1 << 20, "en", words))
        for _ in range(HOLD_UPS):
            pid = made.engine.pid
            if pid is not None:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(HELD_UP_S)
                os.kill(pid, signal.SIGCONT)
            begun = made.cpu()["engine"]
            await asyncio.sleep(AFTER_S)
            cpu.append(round(100 * (made.cpu()["engine"] - begun) / AFTER_S))
        made.telephone.post(Hush())
        made.lay_down()
        await asyncio.sleep(1.0)
    return {"cpu_percent_after": cpu}


def held_up(server: SoundServer, *, blocking: bool) -> dict[str, Any]:
    """A call whose engine is held up for HELD_UP_S some times, as by a machine that is too busy."""
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(_survived(server, Path(folder), blocking=blocking))
    noted = recording(server)
    trips = round_trips_ms(noted["engine_played"], noted["engine_captured"])
    counts = noted["sounds"][-1]
    return told | {
        "hold_ups": HOLD_UPS,
        "each_ms": round(1000 * HELD_UP_S),
        "round_trip_at_the_end_ms": round(trips[-1], 1) if trips else None,
        "losses": counts["losses"],
        "xruns": counts["xruns"],
        "underruns": counts["underruns"],
    }
