"""One cell of the voice report: two telephones of a kind, a codec, a condition, one call."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.voice import voices
from tests.benchmarks.voice.clocks import FileTimes
from tests.benchmarks.voice.impairment import Condition
from tests.benchmarks.voice.listening import Heard, listen
from tests.benchmarks.voice.relay import RunningRelay
from tests.benchmarks.voice.seat import Codec, Phone, Seat
from tests.interop.lab import wideband
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.processes import PeerFailed, wait_until
from tests.interop.lab.speech import Samples

LEAD_S = 3.0
"""Silence before the speech: a buffer may find its size meanwhile."""
TAIL_S = 30.0
"""And after it: baresip hangs up at the end of its file."""
_ANSWER_S = 20.0
_LAST_S = 2.5
_USERS = ("alice", "bob")


@dataclass(frozen=True, slots=True)
class Cell:
    """What is measured; `segments` of 8 s each way."""

    kind: type[Phone]
    codec: Codec
    condition: Condition
    segments: int = voices.SEGMENTS

    @property
    def name(self) -> str:
        return f"{self.kind.name}, {self.codec.name}, {self.condition.name}"


def measure(cell: Cell, folder: Path, seed: str) -> dict[str, Any]:
    """The cell's figures as JSON has them. Raises PeerFailed where the call did not come about."""
    ports = RunningRelay.free_ports()
    said = [voices.spoken(direction, cell.segments) for direction in (0, 1)]
    with Laboratory(folder, relay_ports=ports) as lab, RunningRelay(ports) as relay:
        sounds = folder / "sounds"
        sounds.mkdir()
        relay.start(cell.condition, seed)
        phones = [
            cell.kind(_seat(cell, lab, sounds, number, np.concatenate(each)))
            for number, each in enumerate(said)
        ]
        load = os.getloadavg()
        told, times = _call(phones, cell, sounds)
    directions = [
        _heard(phones[number], phones[1 - number], said[number], times) for number in (0, 1)
    ]
    return _figures(cell, directions, told, relay.counts, load)


def _seat(cell: Cell, lab: Laboratory, sounds: Path, number: int, said: Samples) -> Seat:
    source = wideband.write_wav(
        sounds / f"said-{number}.wav",
        said,
        rate=cell.codec.rate,
        channels=2 if cell.codec.name in cell.kind.stereo else 1,
        before_s=LEAD_S,
        after_s=TAIL_S,
    )
    calls = None if number else f"sip:{_USERS[1]}@{lab.stock.domain.name}"
    return Seat(lab, _USERS[number], cell.codec, source, sounds / f"heard-{number}.wav", calls)


def _call(phones: list[Phone], cell: Cell, sounds: Path) -> tuple[list[dict[str, Any]], FileTimes]:
    by_file = {
        file.name: phone for phone in phones for file in (phone.seat.source, phone.seat.sink)
    }

    def pid(name: str) -> int | None:
        return by_file[name].pid if name in by_file else None

    told: dict[str, dict[str, Any]] = {}

    def stop(phone: Phone) -> None:
        told[phone.seat.user] = phone.stop()

    with ExitStack() as started, FileTimes(sounds, pid) as times:
        for phone in reversed(phones):
            started.callback(stop, phone)
            phone.start()
        phones[0].dial()
        wait_until(
            lambda: all(phone.seat.sink.name in times.written for phone in phones),
            _ANSWER_S,
            "nothing was heard",
        )
        time.sleep(LEAD_S + cell.segments * voices.SEGMENT_S + _LAST_S)
        phones[0].hang_up()
        time.sleep(1)
    return [told[user] for user in _USERS], times


def _heard(speaker: Phone, listener: Phone, said: list[Samples], times: FileTimes) -> Heard:
    recorded, _ = wideband.read_wav(listener.seat.sink)
    if not recorded.any():
        raise PeerFailed(f"{listener.seat.user} heard nothing")
    return listen(
        said,
        recorded,
        lead_s=LEAD_S,
        mouth=speaker.mouth(times),
        ear=listener.ear(times),
        wide=speaker.seat.codec.wide,
    )


def _rounded(heard: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value)
        if isinstance(value, float)
        else [round(each, 3 if name == "pesq" else 1) for each in value]
        for name, value in heard.items()
    }


def _figures(
    cell: Cell,
    directions: list[Heard],
    told: list[dict[str, Any]],
    relayed: list[dict[str, Any]],
    load: tuple[float, float, float],
) -> dict[str, Any]:
    scores = [score for heard in directions for score in heard.pesq]
    delays = sorted(delay for heard in directions for delay in heard.delays_ms)
    by_card = [delay for heard in directions for delay in heard.card_delays_ms]
    return {
        "telephone": cell.kind.name,
        "codec": cell.codec.name,
        "condition": cell.condition.name,
        "pesq_median": round(statistics.median(scores), 3),
        "pesq_worst": round(min(scores), 3),
        "delay_ms_median": round(statistics.median(delays), 1) if delays else None,
        "delay_ms_p95": round(delays[int(0.95 * (len(delays) - 1))], 1) if delays else None,
        "card_delay_ms_median": round(statistics.median(by_card), 1) if by_card else None,
        "silent_ms_per_minute": round(
            statistics.mean(heard.silent_ms_per_minute for heard in directions)
        ),
        "directions": [_rounded(asdict(heard)) for heard in directions],
        "told": told,
        "relay": relayed,
        "load_average": load,
    }
