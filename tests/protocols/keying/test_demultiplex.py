from __future__ import annotations

import pytest

from offhook.protocols.keying.demultiplex import Traffic, demultiplex


@pytest.mark.parametrize(
    ("first", "last", "traffic"),
    [
        (0, 3, Traffic.STUN),
        (4, 15, Traffic.UNKNOWN),
        (16, 19, Traffic.ZRTP),
        (20, 63, Traffic.DTLS),
        (64, 79, Traffic.TURN_CHANNEL),
        (80, 127, Traffic.UNKNOWN),
        (128, 191, Traffic.RTP),
        (192, 255, Traffic.UNKNOWN),
    ],
)
def test_the_first_octet_decides_as_in_figure_3(first: int, last: int, traffic: Traffic) -> None:
    for octet in range(first, last + 1):
        assert demultiplex(bytes((octet, 0, 0, 0))) is traffic


@pytest.mark.parametrize("second", range(256))
def test_the_second_octet_tells_rtcp_from_rtp(second: int) -> None:
    expected = Traffic.RTCP if 192 <= second <= 223 else Traffic.RTP
    assert demultiplex(bytes((0x80, second))) is expected


@pytest.mark.parametrize("datagram", [b"", b"\x80"])
def test_what_is_too_short_to_tell_is_unknown(datagram: bytes) -> None:
    assert demultiplex(datagram) is Traffic.UNKNOWN
