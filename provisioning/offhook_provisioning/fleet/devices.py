"""Devices come, are exchanged and get lost."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from offhook.base.errors import LocalError
from offhook.base.schema.bundle_content import secret_names
from offhook.base.schema.document_fields import SECRET_NAME, SECRETS
from offhook.base.secret import Secret
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.fleet.revocation import forget_keys
from offhook_provisioning.workspace.disk import PRIVATE, read
from offhook_provisioning.workspace.inventory import (
    FLEET,
    Device,
    device_text,
    read_device,
    rewritten,
    settings_of,
)
from offhook_provisioning.workspace.workspace import Workspace

_OPTIONAL: Final = ("display_name", "auth_user", "realm", "server", "service_name")
_COLUMNS: Final = ("device", "user", "domain", "account", "trunk", "password", *_OPTIONAL)
_MAC: Final = re.compile(r"([0-9a-f]{2}-?){5}[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device with one account, as `device add` and a line of CSV give it."""

    name: str
    user: str
    domain: str
    account: str = "home"
    trunk: str = "generic"
    more: Mapping[str, str] | None = None
    password: Secret | None = None

    def accounts(self) -> list[dict[str, Any]]:
        """As [[accounts]] of the phone's settings."""
        return [
            {
                "name": self.account,
                "user": self.user,
                "domain": self.domain,
                "trunk": self.trunk,
                "password": {"file": SECRETS + self.account},
                **(self.more or {}),
            }
        ]


def check(workspace: Workspace, new: NewDevice) -> bytes:
    """The device's file, as it would be. Raises LocalError for anything that is wrong with it."""
    path = workspace.device_path(new.name)
    octets = device_text(new.accounts()).encode()
    device = read_device(octets, new.name)
    settings_of(workspace.fleet, device, new.name)
    if not SECRET_NAME.fullmatch(new.account):
        raise LocalError(f"{new.account!r} is no name for an account")
    if path.is_file() and workspace.device(new.name).accounts != device.accounts:
        raise LocalError(
            f"{new.name} is there already, with other accounts: nothing was changed. "
            f"Edit devices/{new.name}.toml, then offhook-provision apply"
        )
    return octets


def add(workspace: Workspace, new: NewDevice) -> Outcome:
    """Take a device into the inventory. Raises LocalError."""
    outcome = Outcome()
    octets = check(workspace, new)
    name, path = new.name, workspace.device_path(new.name)
    if new.password is not None:
        # First, so that a device without its password is never what an interruption leaves.
        workspace.put_secret(name, new.account, new.password)
        outcome.say(f"{name}: secret {new.account} set", changed=True)
    elif workspace.find_secret(name, new.account) is None:
        outcome.warn(
            f"{name}: its password is not set: "
            f"offhook-provision secret set {new.account} --device {name}"
        )
    if path.is_file():
        outcome.say(f"{name} is there already")
        return outcome
    workspace.disk.write(path, octets)
    outcome.say(f"{name} added", changed=True)
    if _MAC.fullmatch(name):
        outcome.warn(
            f"{name} looks like a hardware address: it proves nothing, the phone's own key "
            "does. A place or an inventory number helps people more"
        )
    return outcome


def import_csv(workspace: Workspace, path: Path) -> Outcome:
    """Take in every line of a CSV file, or none: all are checked first. Raises LocalError."""
    octets = read(path)
    lines = list(_lines(octets, path))
    if any(new.password is not None for new in lines) and path.stat().st_mode & 0o077:
        raise LocalError(
            f"{path} holds passwords and others can read it: chmod 600 {path}, "
            "or leave the column out and set them one by one"
        )
    for new in lines:
        check(workspace, new)
    outcome = Outcome()
    added = 0
    for new in lines:
        there = workspace.device_path(new.name).is_file()
        if there and workspace.find_secret(new.name, new.account) is not None:
            continue
        one = add(workspace, new)
        added += one.changed
        outcome.changed = outcome.changed or one.changed
        outcome.warnings += one.warnings
    outcome.say(f"{added} of {len(lines)} devices added or completed")
    outcome.data["devices"] = [new.name for new in lines]
    return outcome


def _lines(octets: bytes, path: Path) -> Iterator[NewDevice]:
    try:
        rows = csv.DictReader(io.StringIO(octets.decode("utf-8-sig")), strict=True)
        unknown = set(rows.fieldnames or ()) - set(_COLUMNS)
        if unknown or not {"device", "user", "domain"} <= set(rows.fieldnames or ()):
            raise LocalError(
                f"{path}: the first line names the columns: device, user, domain, and any of "
                f"{', '.join(_COLUMNS[3:])}"
            )
        seen: set[str] = set()
        for number, row in enumerate(rows, 2):
            if None in row or None in row.values():
                raise LocalError(f"{path}, line {number}: another number of columns")
            name = row["device"]
            if name in seen:
                raise LocalError(f"{path}, line {number}: {name!r} stands there twice")
            seen.add(name)
            password = row.get("password")
            yield NewDevice(
                name,
                row["user"],
                row["domain"],
                row.get("account") or "home",
                row.get("trunk") or "generic",
                {each: row[each] for each in _OPTIONAL if row.get(each)},
                Secret(password) if password else None,
            )
    except (UnicodeDecodeError, csv.Error):
        # The parser's own text may repeat a line with a password.
        raise LocalError(f"{path} is no CSV file in UTF-8") from None


def replace(workspace: Workspace, old: str, new: str, now: float) -> Outcome:
    """`new` takes the place of a dead phone: accounts, settings, secrets. Raises LocalError."""
    before = workspace.device(old)
    path = workspace.device_path(new)
    if before.status == "lost":
        raise LocalError(
            f"{old} was lost, so its passwords may be known: "
            f"offhook-provision device add {new} with new ones"
        )
    outcome = Outcome()
    if path.is_file() and workspace.device(new).replaces != old:
        raise LocalError(f"{new} is there already: name a device that isn't")
    for other, device in workspace.devices():
        if device.replaces == old and other != new:
            raise LocalError(
                f"{other} has the place of {old} already: offhook-provision device replace {other}"
            )
    for secret in sorted(_secrets_of(workspace, before, old)):
        source, target = workspace.secret_path(old, secret), workspace.secret_path(new, secret)
        if source.is_file() and workspace.disk.write(target, read(source), PRIVATE):
            outcome.say(f"{new}: secret {secret} taken over", changed=True)
    octets = read(workspace.device_path(old))
    text = rewritten(octets, new, status="active", replaces=old)
    if not path.is_file() and workspace.disk.write(path, text):
        outcome.say(f"{new} takes the place of {old}", changed=True)
    _retire(workspace, old, "replaced", now, outcome)
    if outcome.changed:
        outcome.warn(
            f"if {old} is not in your hands, change the trunk password too "
            f"(secret set … --device {new})"
        )
    outcome.say(f"next: offhook-provision load {new} (--image, --card or --usb)")
    return outcome


def lose(workspace: Workspace, name: str, now: float) -> Outcome:
    """A phone is out of your hands. Raises LocalError.

    Says what this command can't reach.
    """
    workspace.device(name)
    outcome = Outcome()
    _retire(workspace, name, "lost", now, outcome)
    if not outcome.changed:
        outcome.say(f"{name} was lost already, and nothing is left to be done here")
    # By what is kept, not by settings that may be wrong at this moment: of the fleet's it may have
    # any, Wi-Fi's from its ticket too.
    kept = {secret for scope, secret in workspace.secrets() if scope in (name, FLEET)}
    secrets = sorted(kept) or ["none"]
    unreached = [
        (
            f"the phone itself: it keeps its secrets ({', '.join(secrets)}) and goes on until the "
            "trunk refuses them; it is not told to forget"
        ),
        f"the trunk: change the passwords of {name} there now",
        "a web server that has copies: offhook-provision apply, export, and put the CRL there",
        "who checks the phone's certificate: it needs the new CRL (out/crl.pem, after apply)",
    ]
    for each in unreached:
        outcome.warn(f"not reached: {each}")
    outcome.data["not_reached"] = unreached
    return outcome


def _retire(workspace: Workspace, name: str, status: str, now: float, outcome: Outcome) -> None:
    # First: whatever is odd about the device's file, its certificates are revoked.
    outcome.join(forget_keys(workspace, name, now))
    path = workspace.device_path(name)
    if workspace.disk.write(path, rewritten(read(path), name, status=status)):
        outcome.say(f"{name} is {status}", changed=True)


def _secrets_of(workspace: Workspace, device: Device, name: str) -> set[str]:
    settings, _ = settings_of(workspace.fleet, device, name)
    return {each for each in secret_names(settings) if workspace.find_secret(name, each)}


def listing(workspace: Workspace, now: float) -> Outcome:
    """Every device with where it stands."""
    outcome = Outcome()
    rows = []
    for name, device in workspace.devices():
        state = workspace.state(name)
        if device.status != "active":
            stage: str = device.status
        elif state.enrolled:
            stage = f"enrolled, bundle {state.counter}" if state.bundle else "enrolled, no bundle"
        elif state.ticket is not None and state.ticket.digest not in state.used:
            over = state.ticket.expires < now
            stage = "ticket expired" if over else "ticket laid, not enrolled"
        else:
            stage = "no ticket"
        users = [str(each.get("user", "")) for each in device.accounts]
        rows.append({"device": name, "status": device.status, "stage": stage, "users": users})
        outcome.say(f"{name:24} {stage:28} {', '.join(users)}")
    if not rows:
        outcome.say("no devices yet: offhook-provision device add, or device import")
    outcome.data["devices"] = rows
    return outcome
