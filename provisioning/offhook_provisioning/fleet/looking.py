"""What there is: where each phone stands, what will expire, and a copy for a web server."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509

from offhook.base.errors import LocalError
from offhook.base.schema.bundle import BUNDLE_FILE
from offhook_provisioning.fleet.devices import listing
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.fleet.rendering import BUNDLE_DAYS
from offhook_provisioning.fleet.revocation import crl_due
from offhook_provisioning.workspace.disk import Disk, read
from offhook_provisioning.workspace.making import fingerprint
from offhook_provisioning.workspace.workspace import Workspace

_DAY = 86_400


def status(workspace: Workspace, now: float) -> Outcome:
    """The workspace and each device; whether secrets changed only plan tells. Raises LocalError."""
    outcome = Outcome()
    signing = len(workspace.operator_keys)
    outcome.say(f"fleet: {workspace.fleet.name}")
    outcome.say(f"operator's keys: {fingerprint(workspace)}{' (two, overlapping)' * (signing > 1)}")
    try:
        ends = workspace.chain[0].not_valid_after_utc
        outcome.say(f"CA: {workspace.chain[0].subject.rfc4514_string()}, until {ends:%Y-%m-%d}")
    except LocalError as error:
        outcome.warn(str(error))
    revoked = len(workspace.revocations.serials)
    outcome.say(f"revoked certificates: {revoked}")
    if revoked and crl_due(workspace, now):
        outcome.warn("the CRL is not up to date: offhook-provision apply")
    outcome.data.update({"operator_keys": signing, "revoked": revoked})
    outcome.join(listing(workspace, now))
    return outcome


def expiry(workspace: Workspace, days: int, now: float) -> Outcome:
    """What ends within so many days, soonest first; `changed` says that something does."""
    outcome = Outcome()
    found = sorted((ends, what) for what, ends in _ends(workspace) if ends < now + days * _DAY)
    for ends, what in found:
        when = f"{dt.datetime.fromtimestamp(ends, dt.UTC):%Y-%m-%d}"
        outcome.say(f"{when}  {what}{', which is over' if ends < now else ''}", changed=True)
    if not found:
        outcome.say(f"nothing ends within {days} days")
    else:
        outcome.say("apply renews what is its own two thirds through; a CA or ticket it does not")
    outcome.data["expiring"] = [{"what": what, "unix": int(ends)} for ends, what in found]
    return outcome


def _ends(workspace: Workspace) -> Iterator[tuple[str, float]]:
    for certificate in workspace.chain:
        name = certificate.subject.rfc4514_string()
        yield f"CA certificate {name}", certificate.not_valid_after_utc.timestamp()
    crl = workspace.crl
    if crl is not None and crl.next_update_utc is not None:
        yield "CRL", crl.next_update_utc.timestamp()
    for name, device in workspace.devices():
        state = workspace.state(name)
        if device.status != "active":
            continue
        if state.certificate:
            own = x509.load_der_x509_certificate(base64.b64decode(state.certificate[0]))
            yield f"certificate of {name}", own.not_valid_after_utc.timestamp()
        if state.bundle:
            yield f"bundle of {name}", state.refresh_at + BUNDLE_DAYS * _DAY / 3
        if state.ticket is not None and state.ticket.digest not in state.used:
            yield f"ticket of {name}", state.ticket.expires


def export(workspace: Workspace, target: Path) -> Outcome:
    """Copy out/ to the folder of a web server, as it is: no more and no less. Raises LocalError.

    Only what an earlier export wrote is ever removed.
    """
    outcome, disk = Outcome(), Disk()
    source = workspace.root / "out"
    if target.resolve().is_relative_to(workspace.root.resolve()):
        raise LocalError("the copy would lie in the workspace itself: name a place elsewhere")
    wanted = {
        path.relative_to(source): read(path)
        for path in sorted(source.rglob("*"))
        if path.is_file() and path.name in (BUNDLE_FILE, "crl.pem")
    }
    for device in workspace.device_names():
        if workspace.state(device).bundle and Path(device, BUNDLE_FILE) not in wanted:
            raise LocalError(
                f"the bundle of {device} is not in out/ (a backup does not hold it): nothing was "
                "changed. offhook-provision apply makes it anew, then say this again"
            )
    for name, octets in wanted.items():
        if disk.write(target / name, octets):
            outcome.say(f"{name} copied", changed=True)
    for path in sorted(target.glob(f"*/{BUNDLE_FILE}")):
        if path.relative_to(target) not in wanted and disk.remove(path):
            outcome.say(f"{path.relative_to(target)} withdrawn", changed=True)
    if not outcome.changed:
        outcome.say(f"{target} is up to date")
    data: dict[str, Any] = {"files": [name.as_posix() for name in wanted]}
    outcome.data.update(data)
    return outcome
