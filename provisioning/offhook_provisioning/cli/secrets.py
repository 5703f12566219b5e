"""offhook-provision secret: passwords and passphrases, never as an argument."""

from __future__ import annotations

from typing import Annotated

import typer

from offhook.base.errors import LocalError
from offhook_provisioning.cli.command import GivenSecret, InWorkspace, command
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.workspace.inventory import FLEET

app = typer.Typer(
    help="Passwords of trunks, passphrases of networks: by prompt, file, descriptor or command.",
    no_args_is_help=True,
)


@command(app, "set")
def set_secret(
    ask: InWorkspace,
    given: GivenSecret,
    name: Annotated[str, typer.Argument(help="NAME in secrets/NAME of the settings.")],
    device: Annotated[
        str | None, typer.Option(help="For this device; left out: for the whole fleet.")
    ] = None,
) -> Outcome:
    """Keep a secret, sealed in private/secrets. No passphrase is needed for that."""
    outcome = Outcome()
    with ask.workspace() as workspace:
        if device is not None:
            workspace.device(device)
        scope = device or FLEET
        workspace.secret_path(scope, name)
        workspace.put_secret(scope, name, given.read(f"Secret {name}", twice=True))
    outcome.say(f"secret {name} of {device or 'the fleet'} set", changed=True)
    outcome.say("next: offhook-provision apply")
    return outcome


@command(app, "list")
def list_secrets(ask: InWorkspace) -> Outcome:
    """Names of the secrets that are set, by device. Never what they are."""
    outcome = Outcome()
    with ask.workspace() as workspace:
        for scope, name in workspace.secrets():
            outcome.say(f"{'the fleet' if scope == FLEET else scope}: {name}")
    outcome.data["count"] = len(outcome.lines)
    return outcome


@command(app, "remove")
def remove_secret(
    ask: InWorkspace,
    name: Annotated[str, typer.Argument(help="Its name.")],
    device: Annotated[str | None, typer.Option(help="Of this device; left out: the fleet's.")] = (
        None
    ),
) -> Outcome:
    """Remove a secret that no setting names any more."""
    outcome = Outcome()
    with ask.workspace() as workspace:
        path = workspace.secret_path(device or FLEET, name)
        if not workspace.disk.remove(path):
            raise LocalError("there is no such secret: offhook-provision secret list")
    outcome.say(f"secret {name} removed", changed=True)
    return outcome
