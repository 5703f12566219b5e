"""Which of PortAudio's devices are given more room, by its own table; and a PyAudio without one."""

from __future__ import annotations

import ctypes
from types import ModuleType, SimpleNamespace

import pytest

from offhook.shells.audio.portaudio import BEST_RATES
from offhook.shells.audio.resampler import CHUNK_MS
from offhook.shells.audio.room import ROOM, DeviceInfo, library_of, make_room

LOW = 384 / 44100


class Library:
    """Stands for PortAudio: its table of devices, and how many periods it was asked for."""

    def __init__(self, *names: bytes | None, version: int = 2) -> None:
        self.infos = [
            DeviceInfo(
                structVersion=version,
                name=name,
                defaultLowInputLatency=LOW,
                defaultLowOutputLatency=LOW,
            )
            for name in names
        ]
        self.periods = 4

    def Pa_GetDeviceInfo(self, device: int) -> object:  # noqa: N802  PortAudio's own name
        if device >= len(self.infos):
            return ctypes.POINTER(DeviceInfo)()
        return ctypes.pointer(self.infos[device])

    def PaAlsa_SetNumPeriods(self, periods: int) -> int:  # noqa: N802  PortAudio's own name
        self.periods = periods
        return 0


def lows(info: DeviceInfo) -> set[float]:
    return {info.defaultLowInputLatency, info.defaultLowOutputLatency}


@pytest.mark.parametrize("rate", BEST_RATES)
def test_portaudio_makes_ten_periods_of_a_chunk_of_what_it_is_told(rate: int) -> None:
    """As PaAlsaStreamComponent_DetermineFramesPerBuffer and _FinishConfigure reckon."""
    library = Library(b"Loopback: PCM (hw:0,0)")
    make_room(library, [0])
    (latency,) = lows(library.infos[0])
    chunk = rate * CHUNK_MS // 1000
    host = chunk + max(chunk, int(latency * rate))
    period = -(-(host // library.periods) // chunk) * chunk
    assert period == chunk
    buffer = latency * rate + period
    assert ROOM * chunk <= buffer < (ROOM + 0.5) * chunk


def test_cards_get_room_and_sound_servers_keep_what_they_have() -> None:
    library = Library(b"USB Audio: - (plughw:1,0)", b"pulse", b"default")
    make_room(library, [0, 1, 2])
    assert lows(library.infos[0]) != {LOW}
    assert lows(library.infos[1]) == lows(library.infos[2]) == {LOW}


def test_a_device_that_went_meanwhile_changes_nothing() -> None:
    library = Library()
    make_room(library, [3])
    assert library.periods == 4


def test_a_table_of_another_version_and_a_device_without_a_name_are_left_as_they_are() -> None:
    for library in (Library(b"USB Audio: - (hw:1,0)", version=3), Library(None)):
        make_room(library, [0])
        assert lows(library.infos[0]) == {LOW}
        assert library.periods == 4


def test_a_pyaudio_whose_library_is_not_to_be_found_is_left_as_it_is() -> None:
    pyaudio = ModuleType("pyaudio")
    assert library_of(pyaudio) is None
    pyaudio.__dict__["pa"] = SimpleNamespace(__file__="/nowhere/_portaudio.so")
    assert library_of(pyaudio) is None


def test_a_portaudio_without_alsa_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    pyaudio = ModuleType("pyaudio")
    pyaudio.__dict__["pa"] = SimpleNamespace(__file__="_portaudio.so")
    assert library_of(pyaudio) is None
