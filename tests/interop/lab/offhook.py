"""Offhook's command line as one of the lab's telephones."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.kamailio import Kamailio
from tests.interop.lab.ports import HOST
from tests.interop.lab.processes import PeerFailed, PeerProcess
from tests.interop.lab.timing import start_to_registered_ms

_ROOT = Path(__file__).parents[3]
_END_S = 20.0


@dataclass(frozen=True, slots=True)
class Desk:
    """An account at a registrar, as Offhook's settings describe it.

    `root` is the only anchor; `port` is the registrar's; `service_name` is what its certificate
    must prove, the domain if None; `digest` are the algorithms that the account allows; `codecs`
    and `keyings` are the names of those it has, if not all; with `ice_host` it looks for its paths
    by ICE from that address.
    """

    user: str
    password: str
    domain: str
    port: int
    root: Path
    certificate: CertificateFiles | None = None
    service_name: str | None = None
    digest: tuple[str, ...] = ("SHA-256",)
    codecs: tuple[str, ...] | None = None
    keyings: tuple[str, ...] | None = None
    ice_host: str | None = None

    def settings(self, directory: Path) -> Path:
        """Writes settings.toml and its secrets; the path of the former."""
        directory.mkdir(parents=True)
        _secret(directory / "password", self.password.encode())
        lines = [
            "[[accounts]]",
            'name = "lab"',
            f'user = "{self.user}"',
            f'domain = "{self.domain}"',
            f'server = "{HOST}:{self.port}"',
            'password = { file = "password" }',
            f'service_name = "{self.service_name or self.domain}"',
            "[accounts.trunk]",
            'profile = "generic"',
            f"digest = {json.dumps(self.digest)}",
            *([f"codecs = {json.dumps(self.codecs)}"] if self.codecs else []),
            *([f"keyings = {json.dumps(self.keyings)}"] if self.keyings else []),
            "[trust]",
            f'anchors = ["{self.root}"]',
        ]
        if self.certificate is not None:
            _secret(directory / "client.key", self.certificate.key.read_bytes())
            lines += [
                f'client_certificate = "{self.certificate.certificate}"',
                'client_key = { file = "client.key" }',
            ]
        if self.ice_host is not None:
            lines += ["[media]", "ice = true", f'local_host = "{self.ice_host}"']
        lines += ["[store]", 'directory = "store"']
        file = directory / "settings.toml"
        file.write_text("\n".join(lines) + "\n")
        return file


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind: its exit status, its report (`--json`), all that it printed."""

    status: int
    report: dict[str, Any]
    printed: str


class Offhook:
    """One desk's phone; each command is a process of its own with its files in `directory`."""

    def __init__(self, desk: Desk, directory: Path) -> None:
        self.desk = desk
        self._directory = directory
        self._settings = desk.settings(directory)
        self._commands = 0

    def run(self, *arguments: str) -> OffhookCommand:
        """Starts `offhook --verbose ARGUMENTS --settings … --json`."""
        self._commands += 1
        name = f"offhook-{self._commands}-{arguments[0]}"
        return OffhookCommand(
            PeerProcess(
                name,
                [
                    *(sys.executable, "-m", "offhook.app.cli", "--verbose"),
                    *(*arguments, "--settings", str(self._settings), "--json"),
                ],
                self._directory / f"{name}.log",
                output=self._directory / f"{name}.json",
                environment={"PYTHONPATH": str(_ROOT / "firmware")},
            ),
            self._directory / f"{name}.json",
        )


class OffhookCommand:
    """A running command; it has ended when left."""

    def __init__(self, process: PeerProcess, output: Path) -> None:
        self.process = process
        self._output = output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.stop()

    def wait_registered(self, registrar: Kamailio, user: str, timeout_s: float = 15.0) -> None:
        """Waits until the registrar has this start's contact of the user."""
        start_to_registered_ms(self.process, registrar, user, timeout_s)

    def end(self, timeout_s: float = _END_S) -> Ended:
        """Waits for the command; raises PeerFailed if it doesn't end or prints no report."""
        status = self.process.wait(timeout_s)
        text = self._output.read_text()
        try:
            report = json.loads(text)
        except ValueError:
            raise PeerFailed(
                f"{self.process.name} ended with {status} and {text[:200]!r}\n{self.process.tail()}"
            ) from None
        return Ended(status, report, text + self.process.text())


def _secret(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
