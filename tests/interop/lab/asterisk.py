"""Asterisk of Debian sid as an exchange of its own: SIP/TLS, SDES or DTLS-SRTP, G.711."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.interop.lab.asterisk_config import configuration
from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.negotiated import Negotiated, last_suite
from tests.interop.lab.ports import free_ports
from tests.interop.lab.processes import PeerFailed, PeerProcess, PeerProgram, wait_until
from tests.interop.lab.roots import SID
from tests.interop.lab.speech import Samples, read_wav

_START_S = 40.0
_RTP_PORTS = 20
TALK = "600"
"""Who calls this number, or is called from it, hears the source and is recorded."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a telephone has to know: the domain `name` and the `port` for TLS."""

    name: str
    port: int


class Asterisk(PeerProgram):
    """One instance that runs while entered; `keying` of every endpoint is "sdes" or "dtls".

    With `feedback` it takes the profiles of RFC 5124 only, without it the others. It speaks the
    8 kHz WAV `source` to everybody; challenges are digests by `algorithm`; it sees `shared`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        certificate: CertificateFiles,
        users: dict[str, str],
        keying: str,
        source: Path,
        shared: Path,
        feedback: bool = False,
        algorithm: str = "SHA-256",
        codecs: str = "ulaw",
    ) -> None:
        self.domain = Exchange("asterisk.test", free_ports().start)
        self.rtp_ports = free_ports(_RTP_PORTS, aligned=2)
        self.directory = directory
        self.keying = keying
        self._shared = shared
        for name in ("run", "spool", "state"):
            (directory / name).mkdir(parents=True)
        for name, text in configuration(
            directory,
            port=self.domain.port,
            certificate=certificate,
            users=users,
            keying=keying,
            feedback=feedback,
            algorithm=algorithm,
            codecs=codecs,
            rtp_ports=self.rtp_ports,
            talk=TALK,
            source=source,
        ).items():
            file = directory / name
            file.touch(mode=0o600)
            file.write_text(text)

    def start(self) -> None:
        """Runs it until it has started whole; raises PeerFailed if it doesn't."""
        command = ["asterisk", "-f", "-vvvv", "-C", str(self.directory / "asterisk.conf")]
        self._process = PeerProcess(
            "asterisk",
            SID.entering(self._shared, command),
            self.directory / "asterisk.log",
        )
        wait_until(self._booted, _START_S, lambda: f"not started\n{self.process.tail()}")
        self.command("pjsip set logger on")

    def command(self, line: str) -> str:
        """What its console answers; raises PeerFailed if there is none."""
        console = ["asterisk", "-C", str(self.directory / "asterisk.conf"), "-r", "-x", line]
        ran = subprocess.run(
            SID.joining(self.process.pid, console), capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise PeerFailed(f"{line}: {ran.stdout}{ran.stderr}\n{self.process.tail()}")
        return ran.stdout

    def wait_registered(self, user: str, timeout_s: float = 15.0) -> None:
        """Until the user has a contact here."""
        changes = re.compile(rf"(Added|Removed) contact .* AOR '{user}'")
        wait_until(
            lambda: changes.findall(self.text())[-1:] == ["Added"],
            timeout_s,
            lambda: f"{user} never registered\n{self.process.tail()}",
        )

    def call(self, user: str) -> None:
        """Calls a user who is registered here."""
        self.command(f"channel originate PJSIP/{user} extension {TALK}@lab")

    def hang_up(self) -> None:
        self.command("channel request hangup all")

    def wait_talking(self, timeout_s: float = 30.0) -> None:
        wait_until(
            lambda: "LAB talking" in self.text(),
            timeout_s,
            lambda: f"no call\n{self.process.tail()}",
        )

    def wait_idle(self, timeout_s: float = 10.0) -> None:
        """Until no call is left, so that its recording is whole."""
        wait_until(
            lambda: "0 active channels" in self.command("core show channels"),
            timeout_s,
            lambda: f"a call is left\n{self.process.tail()}",
        )

    def heard(self) -> list[Samples]:
        """What it decoded in each of its calls so far; complete once a call is closed."""
        return [read_wav(file) for file in sorted(self.directory.glob("spool/heard-*.wav"))]

    def negotiated(self) -> Negotiated:
        """Its last call's keying; raises PeerFailed where its own channel doesn't say "secure"."""
        if not self.text().rpartition("LAB secure ")[2].startswith("1"):
            raise PeerFailed(f"its media are not secured\n{self.process.tail()}")
        if self.keying == "sdes":
            return Negotiated("sdes", last_suite(self.text()))
        # It is built with this one alone, and its log doesn't name it.
        return Negotiated("dtls", "AES_CM_128_HMAC_SHA1_80")

    def _booted(self) -> bool:
        status = self.process.exit_status
        if status is not None:
            raise PeerFailed(f"Asterisk ended with {status}\n{self.process.tail()}")
        return "Asterisk Ready." in self.process.text()
