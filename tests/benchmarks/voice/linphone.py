"""linphonec 5.1 of Debian 12, on a terminal of its own, as a telephone of the voice report."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import threading
import time
from typing import Any, ClassVar

from tests.benchmarks.voice.clocks import Clock, FileTimes, clock_of_reads, clock_of_writes
from tests.benchmarks.voice.seat import Seat, octets_per_s
from tests.interop.lab.laboratory import PASSWORDS
from tests.interop.lab.ports import HOST, free_ports

_START_S = 20.0
_QUIT_S = 5.0
_PAUSE_S = 0.3
_PERIOD_S = 0.010
_READ_AHEAD = 4096
"""Octets: mediastreamer's reader always has one more block than it plays of, as strace shows."""
_CODECS = (
    *("opus/48000/2", "G722/8000/1", "PCMU/8000/1", "PCMA/8000/1", "speex/8000/1"),
    *("speex/16000/1", "speex/32000/1", "GSM/8000/1", "iLBC/8000/1", "BV16/8000/1"),
    *("L16/44100/1", "L16/44100/2"),
)

_SETTINGS = """[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
default_proxy=0
media_encryption=srtp
media_encryption_mandatory=1
verify_server_certs=1
verify_server_cn=0
root_ca={root}
[rtp]
audio_rtp_port={rtp}
[sound]
echocancellation=0
[misc]
auto_net_state_mon=0
[auth_info_0]
username={user}
passwd={password}
realm={domain}
domain={domain}
[proxy_0]
reg_proxy=<sip:{host}:{port};transport=tls>
reg_route=<sip:{host}:{port};transport=tls;lr>
reg_identity=sip:{user}@{domain}
reg_expires=600
reg_sendregister=1
publish=0
"""


class Linphone:
    """One telephone with its home; jitter buffer and FEC as they are by default."""

    name: ClassVar[str] = "linphonec"
    stereo: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self._process: subprocess.Popen[bytes] | None = None
        self._terminal = -1
        self._reader = threading.Thread(target=self._read, daemon=True)

    @staticmethod
    def version() -> str:
        query = ["dpkg-query", "--show", "--showformat=${Version}", "linphone-cli"]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("it was not started")
        return self._process.pid

    def start(self) -> None:
        seat = self.seat
        home = seat.place
        # Without this folder it has no data base, and ends.
        (home / ".local/share/linphone").mkdir(parents=True)
        settings = self._configure()
        self._terminal, inside = pty.openpty()
        answers = ["-a"] if seat.calls is None else []
        self._process = subprocess.Popen(
            ["linphonec", "-c", str(settings), *answers],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={**os.environ, "HOME": str(home), "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(inside)
        self._reader.start()
        seat.lab.stock.wait_for("registered", seat.user, timeout_s=_START_S)
        for command in ("soundcard use files", f"record {seat.sink}", f"play {seat.source}"):
            self._say(command)

    def _configure(self) -> os.PathLike[str]:
        seat = self.seat
        domain = seat.lab.stock.domain
        text = _SETTINGS.format(
            root=seat.lab.authority.root,
            rtp=free_ports(2, aligned=2).start,
            user=seat.user,
            password=PASSWORDS[seat.user],
            domain=domain.name,
            host=HOST,
            port=domain.port,
        )
        for number, codec in enumerate(_CODECS):
            name, rate, channels = codec.split("/")
            text += f"[audio_codec_{number}]\nmime={name}\nrate={rate}\nchannels={channels}\n"
            text += f"enabled={int(codec == seat.codec.linphone)}\n"
        file = seat.place / "linphonerc"
        file.touch(mode=0o600)
        file.write_text(text)
        return file

    def _read(self) -> None:
        with (self.seat.place / "linphonec.log").open("ab") as log, contextlib.suppress(OSError):
            while True:  # until the terminal's other end is closed
                log.write(os.read(self._terminal, 65536))
                log.flush()

    def _say(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")
        time.sleep(_PAUSE_S)  # a line that comes while another is carried out is lost

    def dial(self) -> None:
        if self.seat.calls is not None:
            self._say(f"call {self.seat.calls}")

    def hang_up(self) -> None:
        self._say("terminate")

    def stop(self) -> dict[str, Any]:
        if self._process is None:
            return {}
        with contextlib.suppress(OSError):
            self._say("quit")
        try:
            self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_QUIT_S)
        os.close(self._terminal)
        return {}

    def mouth(self, times: FileTimes) -> Clock:
        source = self.seat.source
        return clock_of_reads(times.read[source.name], octets_per_s(source), _PERIOD_S, _READ_AHEAD)

    def ear(self, times: FileTimes) -> Clock:
        """It gives more than 10 ms at a time where its buffer gets shorter, or less."""
        sink = self.seat.sink
        return clock_of_writes(times.written[sink.name], octets_per_s(sink), None)
