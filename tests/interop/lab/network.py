"""A network of a test's own: loopback, and an address that is none (network_namespaces(7))."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from board.emulator.network import namespace

ADDRESS: Final = "192.0.2.10"
"""ICE takes no candidate from 127.0.0.1 (RFC 8445 §5.1.1.1)."""


@contextmanager
def own_network() -> Iterator[None]:
    """Whatever this thread starts meanwhile is alone in it. Needs the rights of root."""
    with namespace():
        for line in (
            "link set lo up",
            "link add lab type veth peer name far",
            f"address add {ADDRESS}/24 dev lab",
            "link set lab up",
            "link set far up",
            # linphonec takes a machine without a way out for one that lost its network.
            "route add default dev lab",
        ):
            subprocess.run(["ip", *line.split()], check=True)
        yield
