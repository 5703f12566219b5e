"""What the image's packet filter lets in and what not: its own rules, in a network of two hosts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from board.image.tools import ROOT

RULES = ROOT / "board/rootfs/etc/nftables.conf"
PHONE, OTHER = "10.78.0.1", "10.78.0.2"
LISTEN = """
import json, select, socket, sys
ports = [int(each) for each in sys.argv[2:]]
there = {}
for port in ports:
    opened = socket.socket(type=socket.SOCK_DGRAM)
    opened.bind((sys.argv[1], port))
    there[opened] = port
print("ready", flush=True)
heard = {port: 0 for port in ports}
while ready := select.select(list(there), [], [], 1.5)[0]:
    for each in ready:
        heard[there[each]] += len(each.recv(65536))
print(json.dumps(heard))
"""
SEND = """
import socket, sys
for port in sys.argv[4:]:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.bind(("", int(sys.argv[3])))
        one.sendto(bytes(int(sys.argv[2])), (sys.argv[1], int(port)))
"""
FLOOD = """
import socket, sys
for number in range(int(sys.argv[2])):
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"flood", (sys.argv[1], 40000 + number % 1000))
"""
ECHO = """
import socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as one:
    one.settimeout(5)
    for number in range(1, int(sys.argv[2]) + 1):
        checksum = 0xFFFF - (0x0800 + number)
        one.sendto(struct.pack("!BBHHH", 8, 0, checksum, number, 0), (sys.argv[1], 0))
        print(one.recv(99)[20])
"""


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def inside(name: str, *command: str) -> str:
    return run("ip", "netns", "exec", name, *command)


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """A telephone with the packet filter, and another host on its cable."""
    phone, other = f"phone-{time.monotonic_ns()}", f"other-{time.monotonic_ns()}"
    for name in (phone, other):
        run("ip", "netns", "add", name)
    try:
        cable = ("link", "add", "v0", "netns", phone, "type", "veth", "peer", "v0", "netns", other)
        run("ip", *cable)
        for name, address in ((phone, PHONE), (other, OTHER)):
            inside(name, "ip", "addr", "add", f"{address}/24", "dev", "v0")
            inside(name, "ip", "link", "set", "v0", "up")
            inside(name, "ip", "link", "set", "lo", "up")
        inside(phone, "nft", "-f", str(RULES))
        yield phone, other
    finally:
        for name in (phone, other):
            run("ip", "netns", "delete", name)


def heard(
    phone: str, other: str, *ports: int, octets: int = 200, source: int = 0
) -> dict[int, int]:
    """How many octets came to each of these ports, of one datagram sent to each."""
    command = ("ip", "netns", "exec", phone, sys.executable, "-c", LISTEN, PHONE)
    with subprocess.Popen(
        (*command, *map(str, ports)), stdout=subprocess.PIPE, text=True
    ) as listening:
        assert listening.stdout is not None
        assert listening.stdout.readline() == "ready\n"
        terms = (PHONE, str(octets), str(source), *map(str, ports))
        inside(other, sys.executable, "-c", SEND, *terms)
        told = json.loads(listening.stdout.readline())
    return {int(port): count for port, count in told.items()}


def test_the_ports_of_a_call_are_open_and_no_others(hosts: tuple[str, str]) -> None:
    told = heard(*hosts, 39999, 40000, 40500, 40999, 41000, 5060, 68)
    assert {port for port, count in told.items() if count} == {40000, 40500, 40999}


def test_what_comes_in_fragments_is_put_together_and_judged_the_same(
    hosts: tuple[str, str],
) -> None:
    assert heard(*hosts, 40500, 50000, octets=4000) == {40500: 4000, 50000: 0}


def test_a_dhcp_server_is_heard_and_who_only_says_so_is_not(hosts: tuple[str, str]) -> None:
    assert heard(*hosts, 68, source=67) == {68: 200}
    assert heard(*hosts, 67, 69, source=67) == {67: 0, 69: 0}


def test_an_answer_to_what_went_out_comes_in(hosts: tuple[str, str]) -> None:
    phone, other = hosts
    answering = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 5300)); "
        "print('ready', flush=True); s.sendto(b'answer', s.recvfrom(99)[1])"
    )
    asking = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5); "
        f"s.sendto(b'ask', ('{OTHER}', 5300)); print(s.recv(99).decode())"
    )
    command = ("ip", "netns", "exec", other, sys.executable, "-c", answering)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        assert inside(phone, sys.executable, "-c", asking).strip() == "answer"


def test_a_flood_on_the_ports_of_calls_leaves_no_connections_behind(hosts: tuple[str, str]) -> None:
    phone, other = hosts
    counted = "/proc/sys/net/netfilter/nf_conntrack_count"
    before = int(inside(phone, "cat", counted))
    inside(other, sys.executable, "-c", FLOOD, PHONE, "2000")
    assert inside(other, sys.executable, "-c", ECHO, PHONE, "100").split() == ["0"] * 100
    assert int(inside(phone, "cat", counted)) <= before + 2
