"""baresip 1.0.0 or 1.1.0 as the other telephone: SIP/TLS, SDES or DTLS-SRTP, G.711, WAV files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.ctrl_tcp import Control, ControlEvent
from tests.interop.lab.negotiated import Negotiated
from tests.interop.lab.ports import HOST, free_ports
from tests.interop.lab.processes import PeerFailed, PeerProcess, PeerProgram
from tests.interop.lab.roots import Root
from tests.interop.lab.sip_trace import TracedMessage, traced_messages
from tests.interop.lab.speech import Samples, read_wav

_REGISTRATION = r"\[\d+ bindings?\]|reg: \S+: (?P<refusal>\d{3}.*)"
_START_S = 10.0
_QUIT_S = 4.0
_DIGIT_S = 0.4
_RTP_PORTS = 10

# ctrl_tcp and menu are needed to steer it.
_CONFIGURATION = """poll_method epoll
sip_listen {host}:{sip_port}
sip_certificate {certificate}
sip_cafile {root}
sip_verify_server yes
call_local_timeout 120
call_max_calls 4
audio_path {directory}
audio_buffer 20-160
rtp_ports {first_rtp}-{last_rtp}
rtcp_mux no
rtp_stats yes
net_interface {host}
module_path /usr/lib/baresip/modules
{sound}module srtp.so
module dtls_srtp.so
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control_port}
menu_bell no
"""

# sndfile writes what is sent and heard, aubridge is a player without a sound card: its device only
# runs when a source of the same name is opened too.
_SOUND = """audio_player aubridge,nowhere
audio_source aufile,{source}
audio_alert aubridge,alert
jitter_buffer_delay 1-5
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {directory}
"""


@dataclass(frozen=True, slots=True)
class Telephone:
    """A baresip's account: `registrar_port` on loopback is where all its requests go.

    `keying`: "srtp-mand" (SDES or nothing), "srtp" (SDES if the peer can), "dtls_srtp" or "" for
    none.
    With `home` it is the baresip of that root, which sees what is beside its folder, otherwise this
    machine's.
    `certificate` is offered to TLS servers that ask for one; `source` is a WAV of the codec's rate
    and channels. `sound` are the configuration's lines for codecs and sound, None those for G.711
    that record what is sent and heard in its folder.
    """

    user: str
    password: str
    domain: str
    registrar_port: int
    certificate: CertificateFiles
    root: Path
    source: Path
    keying: str = "srtp-mand"
    answers: bool = True
    codecs: str = "PCMU/8000/1"
    sound: str | None = None
    home: Root | None = None


class Baresip(PeerProgram):
    """One running telephone; registered when entered, gone when left."""

    def __init__(self, telephone: Telephone, directory: Path) -> None:
        self.telephone = telephone
        self.rtp_ports = free_ports(_RTP_PORTS, aligned=2)
        self.directory = directory
        sip_port = free_ports(2).start
        self._control_port = free_ports().start
        directory.mkdir(parents=True)
        (directory / "config").write_text(
            _CONFIGURATION.format(
                host=HOST,
                directory=directory,
                sip_port=sip_port,
                certificate=telephone.certificate.combined,
                root=telephone.root,
                sound=telephone.sound
                or _SOUND.format(directory=directory, source=telephone.source),
                first_rtp=self.rtp_ports.start,
                last_rtp=self.rtp_ports.stop - 1,
                control_port=self._control_port,
            )
        )
        accounts = directory / "accounts"
        accounts.touch(mode=0o600)
        accounts.write_text(self._account())
        (directory / "contacts").touch()
        self._control: Control | None = None

    @property
    def control(self) -> Control:
        if self._control is None:
            raise PeerFailed("baresip was not started")
        return self._control

    def start(self) -> None:
        """Runs it until it is registered; raises PeerFailed if it is refused or too slow."""
        # -s traces SIP, line by line as it happens: there its SRTP keys can be read.
        command = ["stdbuf", "-oL", "baresip", "-s", "-v", "-f", str(self.directory)]
        home = self.telephone.home
        self.launch(*(home.entering(self.directory.parent, command) if home else command))
        # Its event may come before anyone listens to ctrl_tcp; the log keeps it.
        outcome = self.process.wait_for_text(_REGISTRATION, _START_S)
        if outcome["refusal"]:
            raise PeerFailed(f"{self.telephone.user} was refused: {outcome['refusal']}")

    def launch(self, *command: str) -> None:
        """Runs it by this command until it can be steered; raises PeerFailed if it can't."""
        self._process = PeerProcess(
            f"baresip {self.telephone.user}", command, self.directory / "baresip.log"
        )
        try:
            self._control = Control(self._control_port)
        except PeerFailed as error:
            raise PeerFailed(f"{error}\n{self._process.tail()}") from None

    def stop(self) -> None:
        """Asks it to quit: a signal can take it seconds."""
        if self._control is not None:
            self._control.quit(_QUIT_S)
        super().stop()

    def dial(self, uri: str) -> None:
        self.control.command("dial", uri)

    def accept(self) -> None:
        self.control.command("accept")

    def hang_up(self) -> None:
        self.control.command("hangup")

    def send_digits(self, digits: str) -> None:
        """One RFC 4733 event after another, with pauses so that they stay apart."""
        for digit in digits:
            self.control.command("sndcode", digit)
            self.control.pump(_DIGIT_S)

    def digits_heard(self, count: int, timeout_s: float = 10.0) -> str:
        """The digits that came by RFC 4733 since the start, once there are `count`."""
        self.control.pump_until(
            lambda: len(self._digits()) >= count,
            timeout_s,
            lambda: f"{self.telephone.user} heard {self._digits()!r} only",
        )
        return self._digits()

    def wait_established(self, since: int = 0, timeout_s: float = 30.0) -> ControlEvent:
        return self.control.wait_for("CALL_ESTABLISHED", since=since, timeout_s=timeout_s)

    def wait_closed(self, since: int = 0, timeout_s: float = 15.0) -> ControlEvent:
        """The end of a call; the event's parameter is the reason."""
        return self.control.wait_for("CALL_CLOSED", since=since, timeout_s=timeout_s)

    def heard(self) -> list[Samples]:
        """What it decoded in each of its calls so far; complete once a call is closed."""
        return [read_wav(file) for file in sorted(self.directory.glob("dump-*-dec.wav"))]

    def negotiated(self) -> Negotiated:
        """Its last call's keying; raises PeerFailed where its log names none."""
        log = self.process.text()
        by_dtls = re.findall(r"DTLS-SRTP complete \(audio/RTP\) Profile=(\w+)", log)
        by_sdes = re.findall(r"SRTP is Enabled \(cryptosuite=(\w+)\)", log)
        if not by_dtls and not by_sdes:
            raise PeerFailed(f"nothing keyed\n{self.process.tail()}")
        return Negotiated("dtls", by_dtls[-1]) if by_dtls else Negotiated("sdes", by_sdes[-1])

    def trace(self) -> list[TracedMessage]:
        """The SIP messages that it sent and received so far."""
        return traced_messages(self.process.text(), self.telephone.registrar_port)

    def _digits(self) -> str:
        started = (event for event in self.control.events if event.type == "CALL_DTMF_START")
        return "".join(event.parameter for event in started)

    def _account(self) -> str:
        phone = self.telephone
        parameters = [
            f"auth_user={phone.user}",
            f"auth_pass={phone.password}",
            f'outbound="sip:{HOST}:{phone.registrar_port};transport=tls"',
            "regint=600",
            f"audio_codecs={phone.codecs}",
            f"answermode={'auto' if phone.answers else 'manual'}",
            "ptime=20",
        ]
        if phone.keying:
            parameters.append(f"mediaenc={phone.keying}")
        return f"<sip:{phone.user}@{phone.domain};transport=tls>;{';'.join(parameters)}\n"
