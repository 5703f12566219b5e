"""What somebody who overhears a call has of it: is any of it plain RTP, or speech?"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from tests.interop.lab.correlation import align
from tests.interop.lab.pcap import Packet
from tests.interop.lab.rtp import PCMA, PCMU, RtpFlow, RtpPacket, g711_audio, rtp_flows
from tests.interop.lab.speech import Samples

# A short payload may shrink by chance, and comfort noise or a digit tells nobody a word.
_SHORTEST = 64
# Eight packets of ciphertext in a row don't become smaller; speech, silence and tones do.
_RUN = 8
_SMALLER = 0.98


def speech_in(packets: Iterable[Packet], *said: Samples) -> float:
    """How much any flow's payload, read as G.711, sounds like anything of `said`: 0 … 1."""
    return max(
        (
            abs(align(each, g711_audio(flow.packets, law)).coefficient)
            for flow in rtp_flows(packets)
            for law in (PCMU, PCMA)
            for each in said
        ),
        default=0.0,
    )


def plain_rtp(packets: Iterable[Packet]) -> list[RtpPacket]:
    """The RTP packets whose payload has too much order to be ciphertext, whatever the codec."""
    return [packet for flow in rtp_flows(packets) for packet in _plain(flow)]


def _plain(flow: RtpFlow) -> list[RtpPacket]:
    long = [packet for packet in flow.packets if len(packet.payload) >= _SHORTEST]
    found: list[RtpPacket] = []
    for begin in range(0, len(long), _RUN):
        run = long[begin : begin + _RUN]
        joined = b"".join(packet.payload for packet in run)
        if len(zlib.compress(joined, 9)) < _SMALLER * len(joined):
            found += run
    return found


def first_media(packets: Iterable[Packet]) -> dict[tuple[int, int], float]:
    """When each flow's first RTP packet was on the wire, Unix time, by its two ports."""
    return {
        (flow.source.port, flow.destination.port): flow.packets[0].time
        for flow in rtp_flows(packets)
    }
