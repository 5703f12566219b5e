"""What makes a function a command: the options that it shares, its work, how it ends."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer
from rich.console import Console
from rich.progress import track

from offhook.base.errors import OffhookError
from offhook.base.schema.document_flaws import DocumentRefused
from offhook.base.schema.problem import DocumentInvalid
from offhook_provisioning.cli import terms
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.workspace.disk import DiskError, explained
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
HERE: Final = Path()

Work = Callable[..., Outcome]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command was asked with."""

    root: Path
    as_json: bool
    passphrase: SecretInput = field(default_factory=SecretInput)

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

    def ends(self, work: Callable[[], Outcome]) -> None:
        """Do the work, say what came of it, end with its status. Raises typer.Exit."""
        try:
            outcome = work()
        except OSError as error:
            self._say_error(DiskError(explained("can't go on", error)))
        except OffhookError as error:
            self._say_error(error)
        else:
            self._say(outcome)
            raise typer.Exit(CHANGED_INSIDE if outcome.changed else SAME)
        raise typer.Exit(ERROR)

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


@dataclass(frozen=True, slots=True)
class _Options:
    """A command's parameter stands for what `make` takes, and gets what `make` returns."""

    make: Callable[..., object]


def _anywhere(as_json: terms.Json = False) -> Asked:
    return Asked(HERE, as_json)


def _in_workspace(root: terms.Root = HERE, as_json: terms.Json = False) -> Asked:
    return Asked(root, as_json)


def _with_keys(
    root: terms.Root = HERE,
    passphrase_file: terms.PassphraseFile = None,
    passphrase_fd: terms.PassphraseFd = None,
    passphrase_command: terms.PassphraseCommand = None,
    as_json: terms.Json = False,
) -> Asked:
    given = SecretInput(passphrase_file, passphrase_fd, passphrase_command)
    return Asked(root, as_json, given)


def _secret(
    from_file: terms.SecretFile = None,
    from_fd: terms.SecretFd = None,
    from_command: terms.SecretCommand = None,
) -> SecretInput:
    return SecretInput(from_file, from_fd, from_command)


Anywhere = Annotated[Asked, _Options(_anywhere)]
"""Asked without a workspace: --json."""
InWorkspace = Annotated[Asked, _Options(_in_workspace)]
"""And --workspace."""
WithKeys = Annotated[Asked, _Options(_with_keys)]
"""And the places where the workspace's passphrase may come from."""
GivenSecret = Annotated[SecretInput, _Options(_secret)]
"""Where the secret that a command takes comes from."""


def command(app: typer.Typer, name: str | None = None) -> Callable[[Work], Work]:
    """Makes a function a command of `app`: its first parameter is one of those above.

    It returns what it did; saying that, and the exit status, is not its own.
    """

    def register(work: Work) -> Work:
        app.command(name)(_spread(work))
        return work

    return register


def _spread(work: Work) -> Callable[..., None]:
    """`work` with the options that its parameters stand for; its own are first in the help."""
    own = inspect.signature(work, eval_str=True)
    makers = {name: make for name, each in own.parameters.items() if (make := _maker(each))}
    options = {name: inspect.signature(make, eval_str=True) for name, make in makers.items()}
    shown = [each for name, each in own.parameters.items() if name not in makers]
    for name in reversed(options):
        shown += options[name].parameters.values()

    @functools.wraps(work)
    def run(**given: Any) -> None:
        for name, make in makers.items():
            given[name] = make(**{each: given.pop(each) for each in options[name].parameters})
        asked = given[next(iter(makers))]
        asked.ends(lambda: work(**given))

    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in shown]
    run.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]  # read by typer
    run.__annotations__ = {each.name: each.annotation for each in shown}
    return run


def _maker(parameter: inspect.Parameter) -> Callable[..., object] | None:
    found = (each for each in get_args(parameter.annotation) if isinstance(each, _Options))
    return next((each.make for each in found), None)


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"format": RESULT_FORMAT, **document}, indent=1) + "\n")


def _console(stream: Any, lines: list[str]) -> None:
    console = Console(file=stream, markup=False, highlight=False, soft_wrap=True, emoji=False)
    for line in lines:
        console.print(line)
