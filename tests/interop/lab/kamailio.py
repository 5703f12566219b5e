"""Kamailio as registrar and proxy: one instance, or two that hand calls to each other."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.kamailio_config import LOG_MARK, main_configuration, tls_configuration
from tests.interop.lab.ports import HOST, free_ports
from tests.interop.lab.processes import PeerFailed, PeerProcess, PeerProgram, wait_until
from tests.interop.lab.rtpengine import Border

_START_S = 20.0
_SHARED_MB, _PRIVATE_MB = "32", "4"


@dataclass(frozen=True, slots=True)
class Domain:
    """One registrar's domain: `algorithm` of its digest ("MD5" or "SHA-256"), users' passwords.

    `port` serves anyone, `certificate_port` only clients with a certificate of the lab's root,
    `neighbour_port` only the neighbouring instance; `web_port` SIP in WebSockets, if
    it is to.
    """

    name: str
    algorithm: str
    users: Mapping[str, str]
    port: int
    certificate_port: int
    neighbour_port: int
    web_port: int | None = None

    @classmethod
    def on_free_ports(
        cls, name: str, algorithm: str, users: Mapping[str, str], *, web: bool = False
    ) -> Self:
        web_port = free_ports().start if web else None
        anyones, certified, neighbours = free_ports(3)
        return cls(name, algorithm, users, anyones, certified, neighbours, web_port)

    def uri(self, user: str) -> str:
        return f"sip:{user}@{self.name}"


@dataclass(frozen=True, slots=True)
class LogLine:
    """What the instance noted of one message: `what` happened, and the words that go with it."""

    what: str
    words: tuple[str, ...]


class Kamailio(PeerProgram):
    """One instance in `directory`; it starts when entered and has ended when left.

    Clients and the neighbour are verified against `root`. With `relay_ports` calls' media go by a
    relay: the caller sends to the first of them, the called to the second; with a `border`
    those between the two domains go by its rtpengine.
    """

    def __init__(
        self,
        domain: Domain,
        neighbour: Domain,
        certificate: CertificateFiles,
        root: Path,
        directory: Path,
        *,
        relay_ports: tuple[int, int] | None = None,
        border: Border | None = None,
    ) -> None:
        self.domain = domain
        self.certificate = certificate
        self._directory = directory
        directory.mkdir(parents=True)
        self._configuration = directory / "kamailio.cfg"
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(
            main_configuration(
                directory,
                domain=domain.name,
                algorithm=domain.algorithm,
                users=domain.users,
                port=domain.port,
                certificate_port=domain.certificate_port,
                neighbour_port=domain.neighbour_port,
                web_port=domain.web_port,
                neighbour_domain=neighbour.name,
                neighbours_port=neighbour.neighbour_port,
                relay_ports=relay_ports,
                border=border,
            )
        )
        (directory / "tls.cfg").write_text(
            tls_configuration(
                certificate,
                root,
                demanding_ports=(domain.certificate_port, domain.neighbour_port),
            )
        )

    def start(self) -> None:
        """Runs it in the foreground until it listens; raises PeerFailed if it doesn't."""
        self._process = PeerProcess(
            f"kamailio {self.domain.name}",
            [
                *("kamailio", "-DD", "-E"),
                *("-m", _SHARED_MB, "-M", _PRIVATE_MB),
                *("-Y", str(self._directory), "-f", str(self._configuration)),
            ],
            self._directory / "kamailio.log",
        )
        wait_until(self._listens, _START_S, lambda: f"no listener\n{self.process.tail()}")

    def log(self, what: str) -> list[LogLine]:
        """The lines so far with this first word, oldest first."""
        mark = f" {LOG_MARK} "
        noted = (line.partition(mark)[2].split() for line in self.process.text().splitlines())
        return [LogLine(words[0], tuple(words[1:])) for words in noted if words[:1] == [what]]

    def wait_for(self, what: str, *words: str, timeout_s: float = 10.0) -> LogLine:
        """The newest line `what` that begins with `words`; raises PeerFailed after the time-out."""

        def newest() -> LogLine | None:
            lines = [line for line in self.log(what) if line.words[: len(words)] == words]
            return lines[-1] if lines else None

        return wait_until(newest, timeout_s, lambda: f"no {what} {words}\n{self.process.tail()}")

    def _listens(self) -> bool:
        if self.process.exit_status is not None:
            raise PeerFailed(f"kamailio ended\n{self.process.tail()}")
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.domain.neighbour_port)) == 0
