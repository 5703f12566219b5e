"""coturn 4.6 as the TURN server: TLS only, long-term credentials (RFC 8656, RFC 8489 §9.2)."""

from __future__ import annotations

import socket
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.ports import HOST, free_ports
from tests.interop.lab.processes import PeerFailed, PeerProcess, wait_until

REALM: Final = "turn.test"
USER: Final = "alice"
PASSWORD: Final = "lab-t4"

_START_S = 15.0
_RELAY_PORTS = 20


class Coturn:
    """One server that runs while entered; it relays between `address` and peers, `port` is TLS.

    `certificate` should name `REALM`. Relayed addresses are on `relay_ports`.
    """

    def __init__(
        self, directory: Path, certificate: CertificateFiles, *, address: str = HOST
    ) -> None:
        self.address = address
        self.port, self._plain_port = free_ports(2)
        self.relay_ports = free_ports(_RELAY_PORTS)
        directory.mkdir(parents=True)
        self._configuration = directory / "turnserver.conf"
        self._configuration.touch(mode=0o600)
        settings = {
            "listening-ip": address,
            "relay-ip": address,
            "listening-port": self._plain_port,
            "tls-listening-port": self.port,
            "min-port": self.relay_ports.start,
            "max-port": self.relay_ports.stop - 1,
            "realm": REALM,
            "user": f"{USER}:{PASSWORD}",
            "cert": certificate.certificate,
            "pkey": certificate.key,
            "userdb": directory / "users.db",
            "pidfile": directory / "turnserver.pid",
            "log-file": "stdout",
        }
        flags = ("lt-cred-mech", "fingerprint", "no-udp", "no-tcp", "no-dtls", "no-cli")
        lines = [f"{name}={value}" for name, value in settings.items()]
        # Peers on loopback are refused otherwise.
        lines += [*flags, "allow-loopback-peers", "verbose"]
        self._configuration.write_text("\n".join(lines) + "\n")
        self._log = directory / "turnserver.log"
        self._process: PeerProcess | None = None

    def text(self) -> str:
        """Its log so far."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Runs it until it listens; raises PeerFailed if it doesn't."""
        self._process = PeerProcess(
            "turnserver", ["turnserver", "-c", str(self._configuration)], self._log
        )
        wait_until(self._listens, _START_S, lambda: f"no listener\n{self.text()[-2000:]}")

    def _listens(self) -> bool:
        if self._process is None or self._process.exit_status is not None:
            raise PeerFailed(f"turnserver ended\n{self.text()[-2000:]}")
        with socket.socket() as probe:
            return probe.connect_ex((self.address, self.port)) == 0

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.stop()
