"""What an Opus packet says of itself before it is decoded (RFC 6716 §3, §4.2.3 and §4.2.4)."""

from __future__ import annotations

from typing import Final

CLOCK_RATE: Final = 48000
LONGEST: Final = CLOCK_RATE * 120 // 1000
"""Ticks of the longest packet (R5 of §3.4)."""
MAX_FRAME_OCTETS: Final = 1275

_TICKS_PER_MS: Final = CLOCK_RATE // 1000
_SILK: Final = tuple(each * _TICKS_PER_MS for each in (10, 20, 40, 60))
_HYBRID: Final = _SILK[:2]
_CELT: Final = (120, 240, 480, 960)
FRAMES: Final = 3 * _SILK + 2 * _HYBRID + 4 * _CELT
"""Ticks of a frame by the five bits of the configuration number (§3.1, table 2)."""
CELT_ONLY: Final = 16
"""From this configuration number on there is no SILK layer, hence no FEC."""


def frame_ticks(packet: bytes) -> int:
    """The length of each frame of a packet that is not empty."""
    return FRAMES[packet[0] >> 3]


def packet_ticks(packet: bytes) -> int:
    """The length of the whole; 0 where it has none or is longer than allowed."""
    if not packet:
        return 0
    count = (1, 2, 2, 0)[packet[0] & 3]
    if not count and len(packet) > 1:
        count = packet[1] & 0x3F
    ticks = count * frame_ticks(packet)
    return ticks if ticks <= LONGEST else 0


def has_fec(packet: bytes) -> bool:
    """Whether the first frame also holds the one before it: the LBRR flags of its SILK layer.

    Flags are the first bits of the frame (§4.2.3): for each channel a VAD flag per 20 ms, then one
    LBRR flag.
    """
    if not packet or packet[0] >> 3 >= CELT_ONLY:
        return False
    start = _first_frame(packet)
    if start is None or start >= len(packet):
        return False
    vad_flags = max(1, frame_ticks(packet) // 960)
    flags = packet[start] >> (7 - vad_flags) & 1
    if packet[0] & 4:
        flags |= packet[start] >> (6 - 2 * vad_flags) & 1
    return bool(flags)


def _first_frame(packet: bytes) -> int | None:
    """Where the first frame begins (§3.2); None where the packet is cut off before it."""
    code = packet[0] & 3
    if code < 2:
        return 1
    if code == 2:
        return _after_length(packet, 1)
    if len(packet) < 2:
        return None
    at = 2
    if packet[1] & 0x40:
        while at < len(packet) and packet[at] == 255:
            at += 1
        at += 1
    if packet[1] & 0x80:
        for _ in range((packet[1] & 0x3F) - 1):
            after = _after_length(packet, at)
            if after is None:
                return None
            at = after
    return at


def _after_length(packet: bytes, at: int) -> int | None:
    """Past the one or two octets of a frame's length (§3.2.1)."""
    if at >= len(packet):
        return None
    return at + (1 if packet[at] < 252 else 2)
