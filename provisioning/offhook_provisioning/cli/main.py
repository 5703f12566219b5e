"""The whole command: offhook-provision. Exit status: 0 the same, 2 changed, 1 an error."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from offhook_provisioning.cli import device, distribution, secrets, wiring
from offhook_provisioning.cli.clock import wall_time
from offhook_provisioning.cli.command import CHANGED, CHANGED_INSIDE, ERROR, SAME, WithKeys, command
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.workspace import making
from offhook_provisioning.workspace.disk import Disk, read
from offhook_provisioning.workspace.lock import locked
from offhook_provisioning.workspace.workspace import CSR, MARK

app = typer.Typer(
    name="offhook-provision",
    help="Brings phones into service: inventory, tickets, bundles, certificates.\n\n"
    "Exit status: 0 nothing had to be changed, 2 something was changed (of plan, diff and expiry: "
    "something is due), 1 an error, which names its remedy.\n\n"
    "Begin with: init, device add, load.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
ca = typer.Typer(help="The CA that vouches for phones.", no_args_is_help=True)
app.add_typer(device.app, name="device")
app.add_typer(secrets.app, name="secret")
app.add_typer(ca, name="ca")


@command(app)
def init(
    ask: WithKeys,
    name: Annotated[str, typer.Option(help="Whose phones they are: a company's name.")],
    company_ca: Annotated[
        bool,
        typer.Option(
            "--company-ca",
            help="The CA's certificate comes from the company's: writes public/ca.csr.pem, "
            "and waits for ca install.",
        ),
    ] = False,
) -> Outcome:
    """Make a workspace: inventory, the operator's signing key, CA; its keys behind a passphrase."""
    outcome = Outcome()
    if (ask.root / MARK).is_file():
        outcome.say(f"{ask.root} is a workspace already: nothing was changed")
        return outcome
    now = wall_time()
    passphrase = ask.passphrase.read("New passphrase for the workspace", twice=True)
    Disk().folder(ask.root)
    with locked(ask.root):
        made = making.make(ask.root, name, passphrase, now, company=company_ca, disk=Disk())
    outcome.say(f"workspace made in {ask.root}", changed=True)
    outcome.say(f"operator's keys: {making.fingerprint(made)}")
    if company_ca:
        outcome.say(f"next: have {ask.root / CSR} signed as a CA (pathlen 0), then ca install FILE")
    outcome.say("next: trunk anchors and country in fleet.toml, then device add")
    outcome.warn(
        "never lose private/identity.age and its passphrase: without them each phone must be "
        "reset and enrolled anew. Make a backup now: offhook-provision backup FILE"
    )
    return outcome


@command(app)
def backup(
    ask: WithKeys,
    target: Annotated[Path, typer.Argument(help="The file to write, outside of the workspace.")],
) -> Outcome:
    """Write the whole workspace into one file, encrypted by the workspace's passphrase."""
    outcome = Outcome()
    with ask.workspace() as workspace:
        passphrase = ask.passphrase.read("Passphrase of the workspace")
        count = making.backup(workspace, target, passphrase)
    outcome.say(f"{count} files in {target}, read back", changed=True)
    outcome.say("keep it apart from the passphrase; make a new one after rotate and enrolments")
    return outcome


@command(app)
def restore(
    ask: WithKeys,
    source: Annotated[Path, typer.Argument(help="A file that backup wrote.")],
) -> Outcome:
    """Make a workspace out of a backup, in an empty folder."""
    outcome = Outcome()
    passphrase = ask.passphrase.read("Passphrase of the backup")
    Disk().folder(ask.root)
    with locked(ask.root):
        count = making.restore(source, ask.root, passphrase, Disk())
    outcome.say(f"{count} files restored in {ask.root}, keys opened", changed=True)
    outcome.warn(
        "bundles that were made after this backup have higher numbers: phones that took them "
        "refuse ours as replayed until ours are higher. Enrol such a phone anew (load --new)"
    )
    return outcome


@command(ca, "install")
def ca_install(
    ask: WithKeys,
    chain: Annotated[
        Path, typer.Argument(help="The CA's certificate and those above it, PEM, root last.")
    ],
) -> Outcome:
    """Take in the certificate that the company's CA issued for public/ca.csr.pem."""
    outcome = Outcome()
    with ask.unlocked() as keys:
        changed = making.install_chain(keys, read(chain), wall_time())
    outcome.say("the CA's chain is installed", changed=changed)
    return outcome


distribution.add_to(app)
command(app)(wiring.wiring)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    # What a crash would write to the disk could hold keys.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        app(args=None if arguments is None else list(arguments), prog_name="offhook-provision")
    except SystemExit as ended:
        return {CHANGED_INSIDE: CHANGED, SAME: SAME, None: SAME}.get(
            ended.code if not isinstance(ended.code, str) else ERROR, ERROR
        )
    return SAME


if __name__ == "__main__":
    sys.exit(main())
