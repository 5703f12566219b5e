"""The thread that reads and writes a card in turn, with a card that the test holds up."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from offhook.shells.audio.ahead import HELD
from offhook.shells.audio.blocking import BlockingDrive
from offhook.shells.audio.drives import Counts
from offhook.shells.audio.portaudio import CardLost, PortAudio, Terms

TERMS = Terms("still", 0, 0, 48000, 2)
ROOMY = 10 * TERMS.frames
LOUD = b"\x01" * TERMS.octets
UNWRITTEN = b"\x02" * TERMS.octets


class Stream:
    """A PyAudio stream whose time goes by as it is read; after `turns` chunks the card is gone.

    PyAudio is `silent` of a failed read where PortAudio's error has the bits of an overflow.
    """

    def __init__(self, turns: int, hold_ups: dict[int, int], *, silent: bool = False) -> None:
        self._turns, self._hold_ups, self._silent = turns, hold_ups, silent
        self._chunk = 0
        self.captured = self.playing = 0
        self.written: list[bytes] = []
        self.over = threading.Event()

    def read(self, frames: int, *, exception_on_overflow: bool) -> bytes:
        assert not exception_on_overflow
        if self._chunk >= self._turns:
            self.over.set()
            if self._silent:
                return UNWRITTEN
            raise OSError(-9999, "gone")
        late = self._hold_ups.get(self._chunk, 0)
        self._chunk += 1
        self.playing -= frames + late
        self.captured += late
        if self.playing <= 0:
            self.playing = self.captured = 0
        return LOUD

    def write(self, sound: bytes, frames: int, *, exception_on_underflow: bool) -> None:
        assert not exception_on_underflow
        assert len(sound) == 4 * frames
        self.written.append(sound)
        self.playing += frames

    def get_write_available(self) -> int:
        return -9999 if self.over.is_set() else ROOMY - self.playing

    def get_read_available(self) -> int:
        return self.captured

    def close(self) -> None:
        pass


def driven(stream: Stream, counts: Counts) -> BlockingDrive:
    host = SimpleNamespace(open=lambda *_: stream)
    return BlockingDrive(cast("PortAudio", host), TERMS, counts, 1)


def taken_until_lost(drive: BlockingDrive) -> Iterator[bytes | None]:
    with contextlib.suppress(CardLost):
        while True:
            yield drive.take()


def ran(turns: int, hold_ups: dict[int, int]) -> tuple[Stream, Counts]:
    stream, counts = Stream(turns, hold_ups), Counts()
    drive = driven(stream, counts)
    assert stream.over.wait(10)
    assert drive.close()
    return stream, counts


def test_it_begins_with_what_is_held_and_gives_a_chunk_for_each_that_it_takes() -> None:
    stream, counts = ran(50, {})
    assert stream.written[0] == bytes(HELD * TERMS.octets)
    assert [len(each) for each in stream.written[1:]] == [TERMS.octets] * 50
    assert (counts.chunks, counts.xruns, counts.dropped) == (50, 0, 0)


def test_a_card_that_ran_dry_is_given_silence_before_the_next_chunk() -> None:
    stream, counts = ran(50, {20: 5 * TERMS.frames})
    assert counts.xruns == 1
    # One more than was held until then, less the chunk that follows.
    assert stream.written[21] == bytes(HELD * TERMS.octets)
    assert stream.playing == (HELD + 1) * TERMS.frames


def test_a_card_that_goes_without_a_word_is_lost_and_what_nobody_captured_is_not_heard() -> None:
    stream, counts = Stream(2, {}, silent=True), Counts()
    drive = driven(stream, counts)
    assert stream.over.wait(10)
    assert set(taken_until_lost(drive)) <= {LOUD, None}
    assert drive.close()
    assert (counts.chunks, counts.xruns, len(stream.written)) == (2, 0, 3)


def raised() -> int:
    raise OSError(-9985, "Device unavailable")


@pytest.mark.parametrize("gone", [raised, lambda: -9985], ids=["raised", "returned"])
def test_a_card_that_goes_as_soon_as_it_is_open_counts_as_lost(
    monkeypatch: pytest.MonkeyPatch, gone: Callable[[], int]
) -> None:
    closed: list[int] = []
    monkeypatch.setattr(os, "close", closed.append)
    host = SimpleNamespace(open=lambda *_: SimpleNamespace(get_write_available=gone))
    with pytest.raises(CardLost, match="still went at once"):
        BlockingDrive(cast("PortAudio", host), TERMS, Counts(), 1)
    monkeypatch.undo()
    (wake,) = closed
    os.close(wake)
