"""offhook-provision device: phones come, are exchanged and get lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from offhook_provisioning.cli.clock import wall_time
from offhook_provisioning.cli.command import GivenSecret, InWorkspace, command
from offhook_provisioning.cli.terms import DeviceName
from offhook_provisioning.fleet import devices
from offhook_provisioning.fleet.outcome import Outcome

app = typer.Typer(help="Phones: add, import, list, replace, lost.", no_args_is_help=True)


@command(app)
def add(
    ask: InWorkspace,
    secret: GivenSecret,
    name: Annotated[
        str, typer.Argument(help="A new name: a place or an inventory number, such as desk-007.")
    ],
    user: Annotated[str, typer.Option(help="The number or name that the trunk gave.")],
    domain: Annotated[str, typer.Option(help="The trunk's domain.")],
    account: Annotated[str, typer.Option(help="What the account is called.")] = "home",
    trunk: Annotated[str, typer.Option(help="The trunk profile.")] = "generic",
    password_later: Annotated[
        bool, typer.Option("--password-later", help="Don't ask for the password now.")
    ] = False,
) -> Outcome:
    """Take one phone into the inventory, with its trunk account and password."""
    with ask.workspace() as workspace:
        new = devices.NewDevice(name, user, domain, account, trunk)
        # All is checked before anybody types a password.
        devices.check(workspace, new)
        if not password_later and workspace.find_secret(name, account) is None:
            password = secret.read(f"Password of {user} at {domain}", twice=True)
            new = dataclasses.replace(new, password=password)
        outcome = devices.add(workspace, new)
        if new.password is None and not password_later:
            outcome.say(f"its password was set before: secret set {account} --device {name}")
        outcome.say(f"next: offhook-provision load {name} (--image, --card or --usb)")
        return outcome


@command(app, "import")
def import_csv(
    ask: InWorkspace,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV in UTF-8; its first line names the columns: device, user, domain, and any of "
            "account, trunk, password (then mode 0600), display_name, auth_user, realm, server, "
            "service_name."
        ),
    ],
) -> Outcome:
    """Take in all phones of a CSV file, or none if one line is wrong."""
    with ask.workspace() as workspace:
        return devices.import_csv(workspace, file)


@command(app, "list")
def list_devices(ask: InWorkspace) -> Outcome:
    """Every phone, and how far it is: ticket, enrolled, bundle."""
    with ask.workspace() as workspace:
        return devices.listing(workspace, wall_time())


@command(app)
def replace(
    ask: InWorkspace,
    old: DeviceName,
    new: Annotated[str, typer.Argument(help="The name of the phone that takes its place.")],
) -> Outcome:
    """A dead phone's place is taken by another: same number, settings and password."""
    with ask.workspace() as workspace:
        return devices.replace(workspace, old, new, wall_time())


@command(app)
def lost(ask: InWorkspace, name: DeviceName) -> Outcome:
    """A phone is out of your hands: revoke, withdraw, and say what could not be reached."""
    with ask.workspace() as workspace:
        outcome = devices.lose(workspace, name, wall_time())
        outcome.say("next: offhook-provision apply (writes the new CRL)")
        return outcome
