"""What lies between a card's thread and ours, with no card: the test is both threads."""

from __future__ import annotations

import os
from typing import cast

import pytest

from offhook.shells.audio.drives import (
    CALM,
    LEAD,
    MOST_LEAD,
    Counts,
    Drive,
    go_first,
)
from offhook.shells.audio.portaudio import PortAudio, Terms

TERMS = Terms("still", 0, 0, 48000, 1)
CHUNK = bytes(TERMS.octets)
NO_HOST = cast("PortAudio", None)


class HandDriven(Drive):
    """A card whose thread is the test."""

    def _start(self, host: PortAudio) -> None:
        pass

    def _stop(self) -> bool:
        return True

    def step(self, count: int = 1, *, late: int = 0) -> None:
        """So many chunks; with `late`, we answer only after so many more of the card's."""
        for _ in range(count):
            for _ in range(1 + late):
                self._exchanged(CHUNK)
            while (chunk := self._captured.get()) is not None:
                self.give(chunk)

    @property
    def ready(self) -> int:
        return len(self._playing)


@pytest.fixture
def drive() -> HandDriven:
    return HandDriven(NO_HOST, TERMS, Counts(), 1)


def test_what_is_held_ready_grows_by_what_was_missed_and_no_further_than_that(
    drive: HandDriven,
) -> None:
    drive.step(10)
    assert drive.ready == 1 + LEAD
    drive.step(late=4)
    missed = drive._counts.underruns
    assert missed == 3
    drive.step(200)
    assert drive.ready == 1 + LEAD + missed
    drive.step(5, late=10)
    drive.step(2000)
    assert drive.ready == 1 + MOST_LEAD + 1
    drive.close()


def test_what_was_missed_once_costs_no_lasting_delay(drive: HandDriven) -> None:
    drive.step(10)
    drive.step(late=4)
    missed = drive._counts.underruns
    drive.step(missed * (CALM + 2))
    assert drive.ready == 1 + LEAD
    assert drive._counts.dropped == missed
    drive.step(2 * CALM)
    assert (drive._counts.underruns, drive._counts.dropped) == (missed, missed)
    drive.close()


def test_what_is_needed_again_and_again_stays_ready(drive: HandDriven) -> None:
    drive.step(10)
    drive.step(late=4)
    missed = drive._counts.underruns
    for _ in range(5):
        drive.step(CALM // 2)
        drive.step(late=4)
    assert drive._counts.underruns == missed
    assert drive._counts.dropped == 0
    drive.close()


def test_a_thread_that_goes_first_already_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda *terms: asked.append(terms))
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_FIFO)
    go_first()
    assert asked == []
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_OTHER)
    go_first()
    assert len(asked) == 1
