"""Room in ALSA's buffer of a card: PortAudio can be asked for it, PyAudio has no word for it.

PortAudio 19.6 (src/hostapi/alsa/pa_linux_alsa.c: DetermineFramesPerBuffer, FinishConfigure) gives a
card the suggested latency and one period. PyAudio suggests the card's lowest, which PortAudio takes
to be 384 samples: that makes two periods of a chunk, and who is late by one of them has lost sound.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Final

from offhook.shells.audio.resampler import CHUNK_MS

ROOM: Final = 10
"""Chunks that ALSA's buffer shall have, a period each. Room is no delay: what is put in it is."""
ITSELF: Final = b"hw:"
"""In the names of ALSA's cards. Plug-ins and sound servers have buffers of their own kind."""
_STRUCT_VERSION: Final = 2
"""Of the table that DeviceInfo is: another's names and numbers are elsewhere."""


class DeviceInfo(ctypes.Structure):
    """PortAudio's PaDeviceInfo (portaudio.h), whose structVersion is 2."""

    _fields_ = (
        ("structVersion", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("hostApi", ctypes.c_int),
        ("maxInputChannels", ctypes.c_int),
        ("maxOutputChannels", ctypes.c_int),
        ("defaultLowInputLatency", ctypes.c_double),
        ("defaultLowOutputLatency", ctypes.c_double),
        ("defaultHighInputLatency", ctypes.c_double),
        ("defaultHighOutputLatency", ctypes.c_double),
        ("defaultSampleRate", ctypes.c_double),
    )


def make_room(library: Any, devices: Iterable[int]) -> None:
    """Have those of these devices that are ALSA's cards opened with ROOM periods of a chunk.

    What a card can't do ALSA makes as near to it as it can; `library` is PortAudio (ctypes). Where
    its table is another than this one knows, nothing is written into it.
    """
    for device in devices:
        found = library.Pa_GetDeviceInfo(device)
        if not found or found.contents.structVersion != _STRUCT_VERSION:
            continue
        if ITSELF in (found.contents.name or b""):
            latency = (ROOM - 1) * CHUNK_MS / 1000
            found.contents.defaultLowInputLatency = latency
            found.contents.defaultLowOutputLatency = latency
            library.PaAlsa_SetNumPeriods(ROOM)


def library_of(pyaudio: ModuleType) -> Any | None:
    """The PortAudio that this PyAudio has loaded; None where it has no ALSA, or isn't found."""
    try:
        # Names are looked for in what a library was linked with, too.
        library = ctypes.CDLL(pyaudio.pa.__file__)
        library.PaAlsa_SetNumPeriods.restype = ctypes.c_int
        library.Pa_GetDeviceInfo.restype = ctypes.POINTER(DeviceInfo)
    except (AttributeError, OSError):
        return None
    return library
