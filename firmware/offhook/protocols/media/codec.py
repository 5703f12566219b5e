"""The one interface behind which every voice codec stands.

A *tick* is a unit of the RTP timestamp, a *sample* one of PCM: they differ for G.722, whose clock
runs at half its sampling rate (RFC 3551 §4.5.2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod


class Codec(ABC):
    """One direction of one stream: encoder and decoder have their own state."""

    encoding: str
    """The name in `a=rtpmap`."""
    clock_rate: int
    """RTP ticks in a second."""
    pcm_rate: int
    """Samples in a second: 16 bits, mono."""
    packets_ms: tuple[int, ...]
    """How long a packet of ours can be, rising."""

    @property
    def samples_per_tick(self) -> int:
        """How many samples pass in one RTP tick."""
        return self.pcm_rate // self.clock_rate

    def packet_ms(self, wish_ms: int) -> int:
        """The longest packet that is no longer than wished, else the shortest."""
        fitting = [each for each in self.packets_ms if each <= wish_ms]
        return fitting[-1] if fitting else self.packets_ms[0]

    @abstractmethod
    def encode(self, pcm: bytes) -> bytes:
        """The payload of one packet's samples."""

    @abstractmethod
    def ticks(self, payload: bytes) -> int:
        """How long this payload lasts; 0 where it can't be one."""

    @abstractmethod
    def decode(self, payload: bytes) -> bytes:
        """The samples of this payload. PeerError where it is none; the state is as before then."""

    @abstractmethod
    def conceal(self, samples: int) -> bytes:
        """As many samples in the place of what is missing: like what was before, then fading."""

    def recover(self, following: bytes, samples: int) -> bytes | None:  # noqa: ARG002  # most can't
        """The missing samples out of what the packet after them says of them, or None."""
        return None
