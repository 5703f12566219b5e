"""The image starts, registers, calls and is called: by its pins, its sound card and the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import soxr  # type: ignore[import-not-found,import-untyped,unused-ignore]
from board.emulator.network import HOST, PHONE
from board.emulator.wiring import BELL
from tests.emulation.telephone import NUMBER, SOUND, Event, Telephone
from tests.interop.lab.baresip import Baresip
from tests.interop.lab.correlation import align
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.speech import RATE, Samples, with_silence

ARRIVED = 0.8
CARD_RATE = 48000
TICKS_PER_S = 100
"""Linux's USER_HZ, which proc_pid_stat(5) counts in."""


@contextmanager
def calling(registered: Telephone, lab: Laboratory) -> Iterator[Baresip]:
    """A call that the keypad dialled, answered; the handset is on its hook in the end."""
    with lab.telephone(lab.stock, "31", lab.french_wav) as callee:
        lifted = registered.now
        registered.lift()
        try:
            since = registered.until_line("dial tone", since=lifted)
            registered.figures["lifted to dial tone, s"] = round(since - lifted, 2)
            registered.dial("31#")
            callee.wait_established(timeout_s=60)
            registered.until_line("talking", since=since)
            yield callee
        finally:
            registered.lay_down()
    registered.until_line("on hook", since=since)


def at_card_rate(samples: Samples) -> bytes:
    made = soxr.resample(samples.astype(np.float32), RATE, CARD_RATE)
    return bytes(np.clip(np.rint(made), -32768, 32767).astype("<i2").tobytes())


def from_card_rate(pcm: bytes) -> Samples:
    heard = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32)
    made: Samples = soxr.resample(heard, CARD_RATE, RATE).astype(np.int16)
    return made


def engine_time(telephone: Telephone) -> tuple[float, float]:
    """When it is, and what the media engine took of a core until then; both s."""
    engine = telephone.hands.run("systemctl", "show", "-P", "MainPID", "offhook-engine").strip()
    told = telephone.hands.run("cat", "/proc/uptime", f"/proc/{engine}/stat")
    uptime, stat = told.splitlines()
    times = stat.rpartition(")")[2].split()[11:13]
    return float(uptime.split()[0]), sum(map(int, times)) / TICKS_PER_S


def test_it_calls_by_its_keypad_and_the_call_is_secured(
    registered: Telephone, lab: Laboratory
) -> None:
    def authenticated(event: Event) -> bool:
        reasons = event.get("call", {}).get("reasons", ())
        return any("authenticated both ways" in reason for reason in reasons)

    since = registered.now
    with calling(registered, lab) as callee:
        _, told = registered.until(authenticated, since=since)
        call = told["call"]
        registered.lay_down()
        callee.wait_closed()
    assert (call["trust"], call["keying"], call["state"]) == ("hop by hop", "sdes", "talking")


def test_both_hear_each_other(registered: Telephone, lab: Laboratory) -> None:
    hands = registered.hands
    hands.put("/run/mouth.raw", at_card_rate(with_silence(lab.english, before_s=0.5)), HOST)
    with calling(registered, lab) as callee:
        ear = hands.ask("start", command=["arecord", *SOUND, "-t", "raw", "/run/ear.raw"])
        opened = hands.run("cat", "/proc/asound/Loopback/pcm0p/sub0/hw_params")
        before, taken_before = engine_time(registered)
        hands.run("aplay", *SOUND, "-t", "raw", "/run/mouth.raw", within_s=40)
        after, taken_after = engine_time(registered)
        hands.ask("stop", process=ear)
        registered.lay_down()
        callee.wait_closed()
        heard_there = callee.heard()[-1]
    assert "period_size: 480\nbuffer_size: 4800\n" in opened
    there = align(lab.english, heard_there).coefficient
    here = align(lab.french, from_card_rate(hands.get("/run/ear.raw", HOST))).coefficient
    busy = (taken_after - taken_before) / (after - before)
    registered.figures["engine's share of a core in a call"] = round(busy, 2)
    registered.figures["correlation at the other telephone"] = round(there, 3)
    registered.figures["correlation at the ear"] = round(here, 3)
    assert min(there, here) >= ARRIVED, f"there {there:.3f}, here {here:.3f}, engine {busy:.2f}"


def test_it_is_called_rings_and_answers_by_lifting(registered: Telephone, lab: Laboratory) -> None:
    since = registered.now
    with lab.telephone(lab.stock, "31", lab.french_wav) as caller:
        caller.dial(f"sip:{NUMBER}@{lab.stock.domain.name}")
        registered.until_line("ringing", since=since)
        changes = max(registered.hands.look(BELL)[BELL][1] for _ in range(12))
        assert changes > 20, "the bell's pin doesn't sound"
        registered.lift()
        caller.wait_established(timeout_s=60)
        registered.until_line("talking", since=since)
        told = registered.hands.run("ss", "-H", "-lnup")
        caller.hang_up()
        registered.until(lambda event: event["event"] == "call over", since=since)
    registered.lay_down()
    registered.until_line("on hook", since=since)
    media = [line for line in told.splitlines() if PHONE in line]
    assert media, told
