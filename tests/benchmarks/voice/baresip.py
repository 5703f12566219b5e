"""baresip 1.1.0 of Debian 13, in its own root, as a telephone of the voice report."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.benchmarks.voice import debian13
from tests.benchmarks.voice.clocks import (
    Clock,
    FileTimes,
    clock_of_whole_read,
    clock_of_writes,
)
from tests.benchmarks.voice.seat import Seat, octets_per_s
from tests.interop.lab.ctrl_tcp import Control
from tests.interop.lab.laboratory import PASSWORDS
from tests.interop.lab.ports import LOOPBACK, free_ports
from tests.interop.lab.processes import PeerProcess

_QUIT_S = 4.0
_RTP_PORTS = 10
_PERIOD_S = 0.020

_CONFIGURATION = """poll_method epoll
sip_listen {host}:{sip_port}
sip_certificate {certificate}
sip_cafile {root}
sip_verify_server yes
call_local_timeout 120
call_max_calls 4
audio_path {place}
audio_player aufile,{sink}
audio_source aufile,{source}
audio_alert aufile,{place}/alert.wav
audio_buffer 20-160
jitter_buffer_type fixed
jitter_buffer_delay 5-10
rtp_ports {first_rtp}-{last_rtp}
rtcp_mux no
rtp_stats yes
net_interface {host}
module_path /usr/lib/baresip/modules
module opus.so
module g722.so
module g711.so
module aufile.so
module srtp.so
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control_port}
opus_bitrate 48000
opus_inbandfec yes
opus_packet_loss 10
menu_bell no
"""


class Baresip:
    """One telephone with its folder; buffers as in its own example configuration."""

    name: ClassVar[str] = "baresip"
    stereo: ClassVar[frozenset[str]] = frozenset({"Opus"})

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self._process: PeerProcess | None = None
        self._control: Control | None = None

    @staticmethod
    def version() -> str:
        return debian13.version("baresip-core")

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("it was not started")
        return self._process.pid

    @property
    def _controlled(self) -> Control:
        if self._control is None:
            raise RuntimeError("it was not started")
        return self._control

    def start(self) -> None:
        seat, place = self.seat, self.seat.place
        control_port = self._configure()
        self._process = PeerProcess(
            f"baresip {seat.user}",
            debian13.entering(seat.lab.directory, ["baresip", "-v", "-f", str(place)]),
            place / "baresip.log",
        )
        self._control = Control(control_port)
        seat.lab.stock.wait_for("registered", seat.user)

    def _configure(self) -> int:
        seat, place = self.seat, self.seat.place
        place.mkdir()
        domain = seat.lab.stock.domain
        rtp = free_ports(_RTP_PORTS, aligned=2)
        control_port = free_ports().start
        (place / "config").write_text(
            _CONFIGURATION.format(
                host=LOOPBACK,
                place=place,
                sip_port=free_ports(2).start,
                certificate=seat.lab.authority.client(seat.user, domain.name).combined,
                root=seat.lab.authority.root,
                source=seat.source,
                sink=seat.sink,
                first_rtp=rtp.start,
                last_rtp=rtp.stop - 1,
                control_port=control_port,
            )
        )
        (place / "contacts").touch()
        accounts = place / "accounts"
        accounts.touch(mode=0o600)
        parameters = [
            f"auth_user={seat.user}",
            f"auth_pass={PASSWORDS[seat.user]}",
            f'outbound="sip:{LOOPBACK}:{domain.port};transport=tls"',
            f"audio_codecs={seat.codec.baresip}",
            *("regint=600", "answermode=auto", "ptime=20", "mediaenc=srtp-mand"),
        ]
        address = f"<sip:{seat.user}@{domain.name};transport=tls>"
        accounts.write_text(f"{address};{';'.join(parameters)}\n")
        return control_port

    def dial(self) -> None:
        if self.seat.calls is not None:
            self._controlled.command("dial", self.seat.calls)

    def hang_up(self) -> None:
        self._controlled.command("hangup")

    def stop(self) -> dict[str, Any]:
        if self._control is not None:
            self._control.quit(_QUIT_S)
        if self._process is not None:
            self._process.stop()
        return {}

    def mouth(self, times: FileTimes) -> Clock:
        """It reads the whole file when the call begins, and starts its clock then."""
        return clock_of_whole_read(times.read[self.seat.source.name])

    def ear(self, times: FileTimes) -> Clock:
        sink = self.seat.sink
        return clock_of_writes(times.written[sink.name], octets_per_s(sink), _PERIOD_S)
