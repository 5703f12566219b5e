"""A peer's ICE candidates before aioice sees one."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.vocabulary import PathAddress
from offhook.shells.net.candidates import (
    MAX_CANDIDATES,
    is_mismatched,
    is_reachable,
    read,
    usable,
)

LINE = "1 1 UDP 2130706431 10.45.0.2 8998 typ host"


@pytest.mark.parametrize(
    ("line", "host"),
    [
        (LINE, "10.45.0.2"),
        ("2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998", "192.0.2.3"),
        ("a+/9 1 udp 1 2001:DB8:0::1 1 typ relay raddr :: rport 9 generation 0", "2001:db8::1"),
        ("1 1 udp 1 0f3a4d5c-1b2c-4d5e-8f90-123456789abc.local 9000 typ host", "0f3a4d5c-1b2c"),
    ],
)
def test_what_the_standards_and_browsers_write_is_read(line: str, host: str) -> None:
    candidate = read(line)
    assert candidate is not None
    assert candidate.host.startswith(host)
    assert (candidate.component, candidate.transport) == (1, "udp")


@pytest.mark.parametrize(
    "line",
    [
        "",
        LINE.replace("1 1 UDP", "1 2 UDP"),
        LINE.replace("UDP", "TCP"),
        LINE.replace(" 8998", " 0"),
        LINE.replace(" 8998", " 65536"),
        LINE.replace("2130706431", "0"),
        LINE.replace("2130706431", "2147483648"),
        LINE.replace("2130706431", "\u0661"),
        LINE.replace("10.45.0.2", "peer.example"),
        LINE.replace("10.45.0.2", ".local"),
        LINE.replace("10.45.0.2", "010.045.000.002"),
        LINE.replace("10.45.0.2", "fe80::1%eth0"),
        LINE.replace("host", "prflx"),
        LINE.replace("1 1", "{} 1", 1),
        LINE.replace("1 1", "a" * 33 + " 1", 1),
        LINE + "\r\na=candidate:" + LINE,
        LINE + " x" * 512,
        LINE.replace(" ", "  "),
    ],
)
def test_anything_else_is_left_out(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize(
    "host",
    [
        "224.0.0.1",
        "0.0.0.0",  # noqa: S104 -- nobody binds it
        "127.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "169.254.1.1",
        "::1",
        "2001:db8::1",
        "x.local",
    ],
)
def test_no_check_goes_to_what_is_no_hosts_own_address(host: str) -> None:
    assert not is_reachable(host, ipaddress.ip_address("10.45.0.1"))


@pytest.mark.parametrize("host", ["ff02::1", "::", "::1", "::ffff:10.0.0.1", "fe80::1", "10.0.0.1"])
def test_nor_over_ipv6(host: str) -> None:
    assert not is_reachable(host, ipaddress.ip_address("2001:db8::1"))


def test_on_loopback_loopback_is_reachable() -> None:
    assert is_reachable("127.0.0.1", ipaddress.ip_address("127.0.0.7"))


def test_the_best_are_kept_each_address_once() -> None:
    told = [read(LINE.replace("2130706431", str(n)).replace("8998", str(n))) for n in range(1, 99)]
    twice = [each for each in told + told if each is not None]
    kept = usable(twice, ["fd45::1", "10.45.0.1"])
    assert [each.port for each in kept] == list(range(98, 98 - MAX_CANDIDATES, -1))


@pytest.mark.parametrize(
    ("default", "mismatched"),
    [
        (PathAddress("10.45.0.2", 8998), False),
        (PathAddress("10.45.0.2", 8999), True),
        (PathAddress("192.0.2.1", 8998), True),
        (PathAddress("0.0.0.0", 8999), False),  # noqa: S104 -- as SDP has it
        (PathAddress("192.0.2.1", 9), False),
        (PathAddress("peer.example", 8998), False),
    ],
)
def test_a_default_that_is_no_candidate_was_rewritten(
    default: PathAddress, mismatched: bool
) -> None:
    candidate = read(LINE)
    assert candidate is not None
    assert is_mismatched([candidate], default) is mismatched


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    assert read(text) is None
    for position in range(len(LINE)):
        read(LINE[:position] + text + LINE[position + 1 :])
