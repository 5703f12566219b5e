"""Network namespaces of this thread's own with wires between them (namespaces(7), veth(4)).

A socket stays where it was opened, so one event loop can hold both ends of the wire.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_CLONE_NEWNET: Final = 0x40000000
MULTICAST: Final = "route add 224.0.0.0/4 dev wire"
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace; `with` it, this thread is inside."""

    def __init__(self) -> None:
        before = _open_current()
        try:
            _checked(_LIBC.unshare(_CLONE_NEWNET))
            self._own = _open_current()
            ip("link set lo up")
        finally:
            _checked(_LIBC.setns(before, _CLONE_NEWNET))
            os.close(before)
        self._outside: list[int] = []

    @property
    def file(self) -> str:
        """A path by which other programs find it."""
        return f"/proc/{os.getpid()}/fd/{self._own}"

    def __enter__(self) -> Self:
        self._outside.append(_open_current())
        _checked(_LIBC.setns(self._own, _CLONE_NEWNET))
        return self

    def __exit__(self, *_: object) -> None:
        before = self._outside.pop()
        _checked(_LIBC.setns(before, _CLONE_NEWNET))
        os.close(before)

    def close(self) -> None:
        """Let it end with the last socket and process inside."""
        os.close(self._own)


@dataclass(frozen=True, slots=True)
class Wire:
    """The phone's namespace and the peer's, and their addresses on the wire."""

    phone: Namespace
    peer: Namespace
    phone_host: str = "10.45.0.1"
    peer_host: str = "10.45.0.2"
    phone_host6: str = "fd45::1"
    peer_host6: str = "fd45::2"


@contextmanager
def wire() -> Iterator[Wire]:
    """Both namespaces, joined; PermissionError without the rights of root."""
    with ExitStack() as ending:
        phone, peer = Namespace(), Namespace()
        ending.callback(phone.close)
        ending.callback(peer.close)
        made = Wire(phone, peer)
        with phone:
            ip(f"link add wire type veth peer name wire netns {peer.file}")
            address("wire", made.phone_host, made.phone_host6)
            ip(MULTICAST)
            ending.callback(_delete, phone, "wire")
        with peer:
            address("wire", made.peer_host, made.peer_host6)
            ip(MULTICAST)
        _wait_for_way(phone, made.phone_host, peer, made.peer_host)
        _wait_for_way(phone, made.phone_host6, peer, made.peer_host6)
        yield made


@dataclass(frozen=True, slots=True)
class Street:
    """A phone's house, a middle and a peer's: no way from one house to the other but by the middle.

    The phone's wire ends at `inner_host` of the middle, the peer's at `outer_host`.
    """

    phone: Namespace
    middle: Namespace
    peer: Namespace
    phone_host: str = "10.45.0.1"
    inner_host: str = "10.45.0.2"
    outer_host: str = "10.46.0.1"
    peer_host: str = "10.46.0.2"

    def translate(self) -> None:
        """From now on the middle forwards for the phone, as a NAT does (RFC 4787)."""
        with self.phone:
            ip(f"route add default via {self.inner_host}")
        with self.middle:
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            rules = (
                "add table ip nat",
                "add chain ip nat after { type nat hook postrouting priority 100; }",
                "add rule ip nat after oifname outer masquerade",
            )
            subprocess.run(("nft", "; ".join(rules)), check=True)

    def open_port(self, port: int) -> None:
        """Let in what comes from anybody to that port outside: a full-cone NAT (RFC 4787 §5)."""
        rules = (
            "add chain ip nat before { type nat hook prerouting priority -100; }",
            f"add rule ip nat before iifname outer udp dport {port} dnat to {self.phone_host}",
        )
        with self.middle:
            subprocess.run(("nft", "; ".join(rules)), check=True)


@contextmanager
def street() -> Iterator[Street]:
    """Three namespaces, joined; PermissionError without the rights of root."""
    with ExitStack() as ending:
        phone, middle, peer = Namespace(), Namespace(), Namespace()
        for each in (phone, middle, peer):
            ending.callback(each.close)
        made = Street(phone, middle, peer)
        with middle:
            for link, house, host in (
                ("inner", phone, made.inner_host),
                ("outer", peer, made.outer_host),
            ):
                ip(f"link add {link} type veth peer name wire netns {house.file}")
                ending.callback(_delete, middle, link)
                address(link, host)
        with phone:
            address("wire", made.phone_host)
        with peer:
            address("wire", made.peer_host)
        _wait_for_way(phone, made.phone_host, middle, made.inner_host)
        _wait_for_way(peer, made.peer_host, middle, made.outer_host)
        yield made


def address(link: str, host: str, host6: str = "") -> None:
    """Give a link of the current namespace its addresses, and set it up."""
    ip(f"addr add {host}/24 dev {link}")
    if host6:
        ip(f"addr add {host6}/64 dev {link} nodad")
    ip(f"link set {link} addrgenmode none up")


def ip(words: str) -> None:
    """Run ip(8) in the current namespace."""
    subprocess.run(("ip", *words.split()), check=True)


def _wait_for_way(here: Namespace, host: str, there: Namespace, other_host: str) -> None:
    """Until datagrams pass both ways: a new link and its first neighbours take up to a second."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with here:
        one = socket.socket(family, socket.SOCK_DGRAM)
    with there:
        other = socket.socket(family, socket.SOCK_DGRAM)
    with one, other:
        one.bind((host, 0))
        other.bind((other_host, 0))
        for sending, receiving in ((one, other), (other, one)):
            receiving.settimeout(0.02)
            deadline = time.monotonic() + 10
            while True:
                with contextlib.suppress(OSError):
                    sending.sendto(b"x", receiving.getsockname())
                with contextlib.suppress(TimeoutError):
                    receiving.recv(1)
                    break
                if time.monotonic() > deadline:
                    raise AssertionError(f"nothing passes between {host} and {other_host}")


def _delete(inside: Namespace, link: str) -> None:
    with inside:
        ip(f"link delete {link}")


def _open_current() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise PermissionError(number, os.strerror(number))
