"""Where the peers are: free ports, below the range from which Linux serves clients."""

from __future__ import annotations

import os
import random
import socket
from contextlib import ExitStack

HOST = os.environ.get("OFFHOOK_LAB_HOST", "127.0.0.1")
"""Loopback, or where whoever starts the tests has a network of their own for them."""
# net.ipv4.ip_local_port_range starts at 32768: nobody's client socket lands below it.
_LOWEST, _HIGHEST = 20_000, 32_000
_given: set[int] = set()
_dice = random.SystemRandom()


class NoFreePort(RuntimeError):
    """No run of free ports of the wanted length was found."""


def free_ports(count: int = 1, *, aligned: int = 1) -> range:
    """`count` consecutive ports, free for TCP and UDP now and never given twice by this process.

    The first is a multiple of `aligned`. Raises NoFreePort.
    """
    for _ in range(200):
        first = _dice.randrange(_LOWEST, _HIGHEST - count)
        first -= first % aligned
        wanted = range(first, first + count)
        if _given.isdisjoint(wanted) and _all_bindable(wanted):
            _given.update(wanted)
            return wanted
    raise NoFreePort(f"no {count} consecutive free ports on {HOST}")


def _all_bindable(ports: range) -> bool:
    with ExitStack() as held:
        for port in ports:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                probe = held.enter_context(socket.socket(socket.AF_INET, kind))
                try:
                    probe.bind((HOST, port))
                except OSError:
                    return False
    return True
