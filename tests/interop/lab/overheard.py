"""What somebody who overhears a call has of it: is any of it plain RTP, or speech?"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from tests.interop.lab.correlation import align
from tests.interop.lab.kamailio import Kamailio
from tests.interop.lab.pcap import Packet
from tests.interop.lab.rtp import (
    PCMA,
    PCMU,
    RtpFlow,
    RtpPacket,
    g711_audio,
    opus_audio,
    rtp_flows,
)
from tests.interop.lab.speech import Samples

# A short payload may shrink by chance, and comfort noise or a digit tells nobody a word.
_SHORTEST = 64
_MANY = 20
# Eight packets of ciphertext in a row don't become smaller; speech, silence and tones do.
_RUN = 8
_SMALLER = 0.98


def speech_in(packets: Iterable[Packet], *said: Samples) -> float:
    """How much any flow's payload, read as G.711 or Opus, sounds like any of `said`: 0 … 1."""
    return max(
        (
            abs(align(each, audio).coefficient)
            for flow in rtp_flows(packets)
            for audio in _read(flow)
            for each in said
        ),
        default=0.0,
    )


def _read(flow: RtpFlow) -> Iterator[Samples]:
    for law in (PCMU, PCMA):
        yield g711_audio(flow.packets, law)
    yield opus_audio(flow.packets)


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


def media_flows(packets: Iterable[Packet]) -> list[RtpFlow]:
    """The RTP flows that are more than a few packets."""
    return [flow for flow in rtp_flows(packets) if len(flow.packets) >= _MANY]


def keyed_after_ms(packets: Iterable[Packet], registrar: Kamailio) -> float | None:
    """From the last call's answer at a registrar to the first packet of the last flow to begin.

    A peer has nothing to send before it has its keys. None where nobody answered or spoke.
    """
    begun = [flow.packets[0].time for flow in media_flows(packets)]
    answers = [float(line.words[1]) for line in registrar.log("reply") if line.words[2] == "200"]
    return (max(begun) - answers[-1]) * 1000 if begun and answers else None
