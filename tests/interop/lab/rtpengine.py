"""rtpengine 10.5 in user space: the media half of a session border controller under Kamailio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.interop.lab.ports import HOST, free_ports
from tests.interop.lab.processes import PeerProcess, PeerProgram

Side = Literal["sdes", "dtls"]

_START_S = 15.0
_MEDIA_PORTS = 40
_ADDRESSES = "replace-origin replace-session-connection"
_FLAGS = {
    # With the GCM suites it leaves out the padding of its keys, which baresip then takes for short.
    "sdes": f"{_ADDRESSES} RTP/SAVP DTLS=off ICE=remove rtcp-mux-demux"
    " SDES-no-AEAD_AES_256_GCM SDES-no-AEAD_AES_128_GCM",
    "dtls": f"{_ADDRESSES} UDP/TLS/RTP/SAVP SDES-off ICE=remove rtcp-mux-offer",
}
_GENEROUS = f"{_ADDRESSES} RTP/SAVP DTLS=off ICE=remove rtcp-mux-demux"


@dataclass(frozen=True, slots=True)
class Border:
    """What a Kamailio asks of the rtpengine at `control_port`.

    Its own users are offered the keying `users`, the neighbour `neighbour`; answers come back in
    the keying of their offers.
    """

    control_port: int
    users: Side
    neighbour: Side

    @property
    def to_users(self) -> str:
        """The flags of an offer to a user."""
        return _FLAGS[self.users]

    @property
    def to_neighbour(self) -> str:
        """The flags of an offer to the neighbour: with every suite that there is."""
        return _GENEROUS if self.neighbour == "sdes" else _FLAGS["dtls"]

    @property
    def answering(self) -> str:
        """The flags of an answer."""
        return _ADDRESSES


class Rtpengine(PeerProgram):
    """One instance that runs while entered; `media_ports` are all that it relays by."""

    def __init__(self, directory: Path) -> None:
        self.control_port = free_ports().start
        self.media_ports = free_ports(_MEDIA_PORTS, aligned=2)
        directory.mkdir(parents=True)
        self._log = directory / "rtpengine.log"

    def border(self, *, users: Side, neighbour: Side) -> Border:
        return Border(self.control_port, users, neighbour)

    def start(self) -> None:
        """Runs it until it takes commands; raises PeerFailed if it doesn't."""
        options = {
            "config-file": "none",
            "table": "-1",
            "interface": HOST,
            "listen-ng": f"{HOST}:{self.control_port}",
            "port-min": self.media_ports.start,
            "port-max": self.media_ports.stop - 1,
            "log-level": "7",
        }
        self._process = PeerProcess(
            "rtpengine",
            [
                *("rtpengine", "--foreground", "--log-stderr"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            self._log,
        )
        self._process.wait_for_text("Startup complete", _START_S)
