from __future__ import annotations

import threading

import pytest

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.port import COMMON, Port

SILENCE = bytes(COMMON.octets)


class Ears:
    """Takes periods, and plays 1000 in each."""

    def __init__(self, pcm_format: PcmFormat) -> None:
        self.pcm_format, self.heard = pcm_format, list[bytes]()
        self.changes: list[bool] = []
        self.port = Port(lambda _port, opened: self.changes.append(opened))

    def open(self) -> None:
        self.port.open(self.pcm_format, self.on_period)

    def on_period(self, captured: bytes) -> bytes:
        self.heard.append(captured)
        return (1000).to_bytes(2, "little") * self.pcm_format.samples


@pytest.mark.parametrize("pcm_format", [PcmFormat(8000, 20), PcmFormat(48000, 20), COMMON])
def test_each_has_periods_of_its_own_format_at_the_pace_of_the_common_one(
    pcm_format: PcmFormat,
) -> None:
    ears = Ears(pcm_format)
    ears.open()
    played = [ears.port.turn(SILENCE) for _ in range(40)]
    assert [len(each) for each in ears.heard] == [pcm_format.octets] * (400 // pcm_format.period_ms)
    assert {len(each) for each in played[1:]} == {COMMON.octets}
    middle = int.from_bytes(played[20][480:482], "little", signed=True)
    assert middle == pytest.approx(1000, abs=5)


def test_a_closed_one_is_asked_for_nothing_and_plays_nothing() -> None:
    ears = Ears(COMMON)
    assert ears.port.turn(SILENCE) == b""
    ears.open()
    ears.port.turn(SILENCE)
    ears.port.close()
    ears.port.close()
    assert ears.port.turn(SILENCE) == b""
    assert (len(ears.heard), ears.changes) == (1, [True, False])


def test_close_waits_for_the_period_that_is_being_exchanged() -> None:
    within, may_go_on, order = threading.Event(), threading.Event(), list[str]()

    def on_period(captured: bytes) -> bytes:
        within.set()
        may_go_on.wait(10)
        order.append("exchanged")
        return captured

    port = Port(lambda _port, _opened: None)
    port.open(COMMON, on_period)
    turning = threading.Thread(target=port.turn, args=(SILENCE,))
    turning.start()
    assert within.wait(10)

    def close() -> None:
        port.close()
        order.append("closed")

    closing = threading.Thread(target=close)
    closing.start()
    may_go_on.set()
    closing.join(10)
    turning.join(10)
    assert order == ["exchanged", "closed"]


def test_a_second_opening_and_a_format_of_no_whole_chunks_are_refused() -> None:
    ears = Ears(COMMON)
    ears.open()
    with pytest.raises(LocalError):
        ears.open()
    with pytest.raises(LocalError):
        Ears(PcmFormat(8000, 25)).open()
