"""What every command shares: its options, how it opens the workspace, how it ends."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track

from offhook.base.errors import OffhookError
from offhook.base.schema.document_flaws import DocumentRefused
from offhook.base.schema.problem import DocumentInvalid
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.workspace.keys import Keys
from offhook_provisioning.workspace.lock import locked
from offhook_provisioning.workspace.secret_input import SecretInput
from offhook_provisioning.workspace.workspace import Workspace

SAME: Final = 0
ERROR: Final = 1
CHANGED: Final = 2
CHANGED_INSIDE: Final = 102
"""What a command ends with for CHANGED: the library's own 2 is a wrong use, which is an error."""
RESULT_FORMAT: Final = 1

Root = Annotated[
    Path,
    typer.Option("--workspace", "-w", help="The workspace's folder.", show_default="this folder"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document (result.schema.json).")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="Read the workspace's passphrase from this file (mode 0600)."),
]
PassphraseFd = Annotated[
    int | None, typer.Option(help="Read the passphrase from this open file descriptor.")
]
PassphraseCommand = Annotated[
    str | None,
    typer.Option(help="Run this command, without a shell; what it prints is the passphrase."),
]
SecretFile = Annotated[
    Path | None, typer.Option("--from-file", help="Read the secret from this file (mode 0600).")
]
SecretFd = Annotated[
    int | None, typer.Option("--from-fd", help="Read the secret from this open file descriptor.")
]
SecretCommand = Annotated[
    str | None,
    typer.Option("--from-command", help="Run this command; what it prints is the secret."),
]
DeviceName = Annotated[str, typer.Argument(help="The device's name, as device list shows it.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What every command was asked with."""

    root: Path
    as_json: bool
    passphrase: SecretInput = field(default_factory=SecretInput)

    def ends(self, work: Callable[[], Outcome]) -> None:
        """Do the work, say what came of it, end with its status. Raises typer.Exit."""
        try:
            outcome = work()
        except OffhookError as error:
            self._say_error(error)
            raise typer.Exit(ERROR) from None
        self._say(outcome)
        raise typer.Exit(CHANGED_INSIDE if outcome.changed else SAME)

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The workspace, for this command alone. Raises LocalError."""
        workspace = Workspace.at(self.root)
        with locked(self.root):
            workspace.disk.sweep(self.root)
            yield workspace

    @contextmanager
    def unlocked(self) -> Iterator[Keys]:
        """The same with its keys. Raises LocalError."""
        with self.workspace() as workspace:
            yield Keys.unlock(workspace, self.passphrase.read("Passphrase of the workspace"))

    def progress(self, names: Iterable[str]) -> Iterable[str]:
        """Shows a bar on the terminal, where there is one and no JSON is asked for."""
        listed = list(names)
        console = Console(stderr=True)
        if self.as_json or len(listed) < 5 or not console.is_terminal:
            return listed
        return track(listed, "Devices", console=console)

    def _say(self, outcome: Outcome) -> None:
        if self.as_json:
            status = "changed" if outcome.changed else "same"
            told = {"lines": outcome.lines, "warnings": outcome.warnings, "data": outcome.data}
            _print_json({"status": status, **told})
            return
        _console(sys.stdout, outcome.lines)
        _console(sys.stderr, [f"! {each}" for each in outcome.warnings])

    def _say_error(self, error: OffhookError) -> None:
        if not self.as_json:
            _console(sys.stderr, [f"offhook-provision: {error}"])
            return
        told: dict[str, Any] = {"message": str(error)}
        if isinstance(error, DocumentRefused):
            told |= {"flaw": error.flaw.value, "remedy": error.remedy}
        if isinstance(error, DocumentInvalid):
            told["problems"] = [
                {"path": each.path, "expected": each.expectation, "remedy": each.remedy}
                for each in error.problems
            ]
        _print_json({"status": "error", "lines": [], "warnings": [], "data": {}, "error": told})


def asked(
    root: Path,
    as_json: bool,
    file: Path | None = None,
    descriptor: int | None = None,
    command: str | None = None,
) -> Asked:
    """The options that every command has."""
    return Asked(root, as_json, SecretInput(file, descriptor, command))


def wall_time() -> float:
    """Unix seconds."""
    return time.time()


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"format": RESULT_FORMAT, **document}, indent=1) + "\n")


def _console(stream: Any, lines: list[str]) -> None:
    console = Console(file=stream, markup=False, highlight=False, soft_wrap=True, emoji=False)
    for line in lines:
        console.print(line)
