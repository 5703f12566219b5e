"""What brings phones their documents: load, plan, diff, apply, export; and what takes them away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from offhook.base.errors import LocalError
from offhook_provisioning.cli.clock import wall_time
from offhook_provisioning.cli.command import InWorkspace, WithKeys, command
from offhook_provisioning.cli.terms import DeviceName
from offhook_provisioning.fleet import apply as applying
from offhook_provisioning.fleet import load as loading
from offhook_provisioning.fleet import looking, revocation, rotation
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.media.medium import FatPartition, Folder, Medium, card

Rotated = Literal["operator", "certificates"]


def add_to(app: typer.Typer) -> None:
    """These commands, in the order of help."""
    for each in (load, plan, diff, apply, status, export, expiry, rotate, revoke):
        command(app)(each)


def load(
    ask: WithKeys,
    name: DeviceName,
    image: Annotated[Path | None, typer.Option(help="An image's file, unpacked.")] = None,
    card_device: Annotated[
        Path | None, typer.Option("--card", help="A card's device, not mounted: /dev/mmcblk0.")
    ] = None,
    usb: Annotated[Path | None, typer.Option(help="The folder where a stick is mounted.")] = None,
    new: Annotated[
        bool,
        typer.Option("--new", help="A new ticket in any case; the device's old keys are revoked."),
    ] = False,
) -> Outcome:
    """Lay a phone's ticket; or read the request that it left, and lay its bundle."""

    def medium() -> Medium:
        if sum(each is not None for each in (image, card_device, usb)) != 1:
            raise LocalError("name one of --image, --card and --usb")
        if usb is not None:
            return Folder(usb)
        return FatPartition(image) if image is not None else card(card_device or Path())

    where = medium()
    with ask.unlocked() as keys:
        return loading.load(keys, name, where, wall_time(), anew=new)


def plan(ask: WithKeys) -> Outcome:
    """Say what apply would do, and do nothing. Exit status 2 where there is something."""
    with ask.unlocked() as keys:
        _, outcome = applying.plan(keys, wall_time())
    if not outcome.changed:
        outcome.say("everything is as the inventory says")
    return outcome


def diff(ask: WithKeys) -> Outcome:
    """Like plan, with each phone's settings line by line. Secrets are never shown."""
    with ask.unlocked() as keys:
        return applying.diff(keys, wall_time())


def apply(ask: WithKeys) -> Outcome:
    """Issue certificates, write bundles and the CRL into out/, where something changed."""
    with ask.unlocked() as keys:
        return applying.apply(keys, wall_time(), ask.progress)


def status(ask: InWorkspace) -> Outcome:
    """The fleet, the CA, and how far each phone is."""
    with ask.workspace() as workspace:
        return looking.status(workspace, wall_time())


def export(
    ask: InWorkspace,
    target: Annotated[Path, typer.Argument(help="A web server's folder.")],
) -> Outcome:
    """Copy what is in out/ to a web server's folder, and withdraw there what is gone here."""
    with ask.workspace() as workspace:
        return looking.export(workspace, target)


def expiry(
    ask: InWorkspace,
    days: Annotated[int, typer.Option(min=0, max=4000, help="How far to look ahead.")] = 30,
) -> Outcome:
    """What ends soon: CA, certificates, bundles, tickets, CRL. Exit status 2 if anything does."""
    with ask.workspace() as workspace:
        return looking.expiry(workspace, days, wall_time())


def rotate(
    ask: WithKeys,
    what: Annotated[
        Rotated, typer.Argument(help="The operator's signing key, or certificates of phones.")
    ],
    device: Annotated[
        list[str] | None, typer.Option(help="Certificates of these devices only.")
    ] = None,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="Operator: take the older key away, once all phones know the new one."
        ),
    ] = False,
) -> Outcome:
    """Exchange a key for a new one; a trunk's password is exchanged by secret set and apply."""
    if device if what == "operator" else finish:
        raise LocalError("--finish belongs to the operator's key, --device to certificates")
    if what == "operator":
        with ask.unlocked() as keys:
            return rotation.finish_operator(keys) if finish else rotation.begin_operator(keys)
    with ask.workspace() as workspace:
        enrolled = [name for name in workspace.device_names() if workspace.state(name).enrolled]
        return rotation.renew_certificates(workspace, device or enrolled)


def revoke(ask: InWorkspace, name: DeviceName) -> Outcome:
    """Revoke a phone's certificates and withdraw its bundle; it has to enrol anew."""
    with ask.workspace() as workspace:
        return revocation.revoke(workspace, name, wall_time())
