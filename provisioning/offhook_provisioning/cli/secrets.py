"""offhook-provision secret: passwords and passphrases, never as an argument."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from offhook.base.errors import LocalError
from offhook_provisioning.cli.terms import (
    Json,
    Root,
    SecretCommand,
    SecretFd,
    SecretFile,
    asked,
)
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.workspace.inventory import FLEET
from offhook_provisioning.workspace.secret_input import SecretInput

HERE = Path()
app = typer.Typer(
    help="Passwords of trunks, passphrases of networks: by prompt, file, descriptor or command.",
    no_args_is_help=True,
)


@app.command("set")
def set_secret(
    name: Annotated[str, typer.Argument(help="NAME in secrets/NAME of the settings.")],
    device: Annotated[
        str | None, typer.Option(help="For this device; left out: for the whole fleet.")
    ] = None,
    from_file: SecretFile = None,
    from_fd: SecretFd = None,
    from_command: SecretCommand = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Keep a secret, sealed in private/secrets. No passphrase is needed for that."""
    ask = asked(root, as_json)

    def work() -> Outcome:
        outcome = Outcome()
        with ask.workspace() as workspace:
            if device is not None:
                workspace.device(device)
            scope = device or FLEET
            workspace.secret_path(scope, name)
            secret = SecretInput(from_file, from_fd, from_command).read(
                f"Secret {name}", twice=True
            )
            workspace.put_secret(scope, name, secret)
        outcome.say(f"secret {name} of {device or 'the fleet'} set", changed=True)
        outcome.say("next: offhook-provision apply")
        return outcome

    ask.ends(work)


@app.command("list")
def list_secrets(root: Root = HERE, as_json: Json = False) -> None:
    """Names of the secrets that are set, by device. Never what they are."""
    ask = asked(root, as_json)

    def work() -> Outcome:
        outcome = Outcome()
        with ask.workspace() as workspace:
            folder = workspace.root / "private" / "secrets"
            for path in sorted(folder.glob("*/*.age")):
                whose = "the fleet" if path.parent.name == FLEET else path.parent.name
                outcome.say(f"{whose}: {path.stem}")
        outcome.data["count"] = len(outcome.lines)
        return outcome

    ask.ends(work)


@app.command("remove")
def remove_secret(
    name: Annotated[str, typer.Argument(help="Its name.")],
    device: Annotated[str | None, typer.Option(help="Of this device; left out: the fleet's.")] = (
        None
    ),
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Remove a secret that no setting names any more."""
    ask = asked(root, as_json)

    def work() -> Outcome:
        outcome = Outcome()
        with ask.workspace() as workspace:
            path = workspace.secret_path(device or FLEET, name)
            if not path.is_file():
                raise LocalError("there is no such secret: offhook-provision secret list")
            workspace.disk.remove(path)
        outcome.say(f"secret {name} removed", changed=True)
        return outcome

    ask.ends(work)
