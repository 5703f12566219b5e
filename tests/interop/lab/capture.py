"""A capture of loopback traffic by dumpcap, limited to the ports of one test."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.interop.lab.pcap import Packet, read_pcap
from tests.interop.lab.processes import PeerProcess

_START_S = 15.0
# The kernel hands packets to dumpcap in blocks, at the latest after this time.
_SETTLE_S = 0.5


class Capture:
    """Captures while entered: UDP to or from `udp_ports`, TCP to or from `tcp_ports`."""

    def __init__(
        self, file: Path, *, udp_ports: Iterable[range] = (), tcp_ports: Iterable[int] = ()
    ) -> None:
        self.file = file
        self._filter = " or ".join(
            [f"udp portrange {ports.start}-{ports.stop - 1}" for ports in udp_ports]
            + [f"tcp port {port}" for port in tcp_ports]
        )
        self._process: PeerProcess | None = None

    def packets(self) -> list[Packet]:
        """What was captured; complete once the capture has ended."""
        return read_pcap(self.file)

    def __enter__(self) -> Self:
        self._process = PeerProcess(
            "dumpcap",
            ["dumpcap", "-q", "-P", "-i", "lo", "-f", self._filter, "-w", str(self.file)],
            self.file.with_suffix(".log"),
        )
        self._process.wait_for_text(r"File: ", _START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            time.sleep(_SETTLE_S)
            self._process.stop()
