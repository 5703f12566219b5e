"""A program of its own that runs a CardSound for a while and tells in JSON what happened.

It plays a tone, and each second a burst of noise; where the sink can be captured, both come
back: the burst tells the round trip, and holes in the tone what nobody else may tell.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import time

import numpy as np
import soxr
from numpy.typing import NDArray

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.card import CardSound

CARD_RATE = 48000
BURST_MS = 20
FARTHEST_MS = 700
TONE_HZ = 300
HOLE_MS = 1.5
NICE = -11
"""As the engine's process."""
PATIENCE_S = 20.0
"""How long a sound server may take until the first sample comes back."""

Samples = NDArray[np.float64]


def correlated(samples: Samples, piece: Samples) -> Samples:
    """The product of `piece` with `samples` at each place where it fits in whole."""
    size = 1 << (len(samples) + len(piece)).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(piece, size))
    return np.fft.irfft(spectrum, size)[: len(samples) - len(piece) + 1]


class Ear:
    """Takes and gives periods, and remembers when, and which samples."""

    def __init__(self, pcm_format: PcmFormat) -> None:
        self._format = pcm_format
        self.moments: list[float] = []
        self.captured: list[bytes] = []
        self.empty: list[float] = []
        noise = np.random.default_rng(1).uniform(-9000, 9000, pcm_format.rate * BURST_MS // 1000)
        self.burst = noise.astype(np.int16)
        self.bursts: list[int] = []
        steady = 2000 * np.sin(
            2 * np.pi * TONE_HZ * np.arange(pcm_format.samples) / pcm_format.rate
        )
        both = steady.copy()
        both[: len(self.burst)] += self.burst[: len(both)]
        self.burst = self.burst[: len(both)]
        self._silence = bytes(pcm_format.octets)
        self._choice = tuple(each.astype(np.int16).tobytes() for each in (steady, both))

    def on_period(self, captured: bytes) -> bytes:
        place = len(self.captured)
        self.moments.append(time.monotonic())
        if not captured:
            self.empty.append(self.moments[-1])
        self.captured.append(captured or self._silence)
        due = place % (1000 // self._format.period_ms) == 10
        if due:
            self.bursts.append(place * self._format.samples)
        return self._choice[due]

    def round_trips_ms(self) -> list[float]:
        """By correlation with the burst; what is far from it is no return.

        At the card's rate: at the calls' own, what comes back half a sample later is hardly alike.
        """
        heard = np.frombuffer(b"".join(self.captured), np.int16).astype(float)
        rate, burst = CARD_RATE, self._at_the_cards_rate(self.burst.astype(float))
        farthest = self._format.rate * FARTHEST_MS // 1000
        found = []
        for begin in self.bursts:
            part = heard[begin : begin + farthest]
            if len(part) < farthest or not part.any():
                continue
            part = self._at_the_cards_rate(part)
            likeness = correlated(part, burst)
            place = int(np.argmax(likeness))
            piece = part[place : place + len(burst)]
            norm = np.linalg.norm(piece) * np.linalg.norm(burst)
            if norm and likeness[place] / norm > 0.7:
                found.append(place * 1000 / rate)
        return found

    def _at_the_cards_rate(self, samples: Samples) -> Samples:
        return np.asarray(soxr.resample(samples, self._format.rate, CARD_RATE, "VHQ"))

    def holes(self) -> int:
        """Runs of silence in the tone, after the second in which it begins."""
        heard = np.frombuffer(b"".join(self.captured), np.int16)[self._format.rate :]
        silent = np.concatenate([[False], np.abs(heard) < 20, [False]])
        edges = np.flatnonzero(np.diff(silent)).reshape(-1, 2)
        lengths = (edges[:, 1] - edges[:, 0]) * 1000 / self._format.rate
        return int(np.count_nonzero(lengths > HOLE_MS))


def spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    told = np.percentile(values, [0, 50, 99, 100])
    names = ("min", "median", "p99", "max")
    return {name: round(float(value), 2) for name, value in zip(names, told, strict=True)}


def late_ms(moments: list[float]) -> list[float]:
    """How long after its due time each chunk came.

    Due is every 10 ms from the earliest of each second.
    """
    late = np.array(moments[: len(moments) // 100 * 100]).reshape(-1, 100) - np.arange(100) / 100
    return [float(each) for each in ((late - late.min(axis=1, keepdims=True)) * 1000).ravel()]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device")
    parser.add_argument("--blocking", action="store_true")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--returns", type=int, default=0, help="go on until so many came back")
    parser.add_argument("--rate", type=int, default=16000)
    parser.add_argument("--period", type=int, default=20)
    chosen = parser.parse_args()

    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    pcm_format = PcmFormat(chosen.rate, chosen.period)
    ear, events = Ear(pcm_format), []
    begun = time.monotonic()

    def on_presence(found: bool, reason: str) -> None:
        events.append({"at": round(time.monotonic() - begun, 3), "found": found, "why": reason})

    sound = CardSound(chosen.device, blocking=chosen.blocking, on_presence=on_presence)
    try:
        sound.open(pcm_format, ear.on_period)
    except LocalError as error:
        sys.stdout.write(json.dumps({"error": str(error)}))
        return
    opened = time.monotonic()
    cpu = time.process_time()
    time.sleep(chosen.seconds)
    while len(ear.round_trips_ms()) < chosen.returns and time.monotonic() < opened + PATIENCE_S:
        time.sleep(0.25)
    lasted = time.monotonic() - opened
    cpu = time.process_time() - cpu
    card = sound.card
    sound.close()
    after = len(ear.captured)
    time.sleep(0.1)
    counts = dataclasses.asdict(sound.counts)
    moments = list(counts.pop("moments"))
    told = {
        "card": card,
        "open_ms": round((opened - begun) * 1000, 1),
        "first_ms": round((ear.moments[0] - opened) * 1000, 1) if ear.moments else None,
        "periods": len(ear.captured),
        "empty": len(ear.empty),
        "empty_until": round(ear.empty[-1] - begun, 3) if ear.empty else None,
        "after_close": len(ear.captured) - after,
        "round_trip_ms": spread(ear.round_trips_ms()),
        "last_round_trip_ms": ear.round_trips_ms()[-1] if ear.round_trips_ms() else None,
        "holes": ear.holes(),
        "lasted_s": round(lasted, 3),
        "returned": len(ear.round_trips_ms()),
        "chunk_interval_ms": spread([float(x) for x in np.diff(moments[50:]) * 1000]),
        "callback_late_ms": spread(late_ms(moments[100:])),
        "period_gap_ms": spread([float(x) for x in np.diff(ear.moments[5:]) * 1000]),
        "cpu_percent": round(100 * cpu / chosen.seconds, 2),
        "events": events,
        **counts,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
