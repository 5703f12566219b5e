"""Certificates that must not be believed any more, and the list that says so."""

from __future__ import annotations

from msgspec.structs import replace

from offhook.base.errors import LocalError
from offhook_provisioning.crypto.authority import CRL_DAYS
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.workspace.keys import Keys
from offhook_provisioning.workspace.state import DeviceState
from offhook_provisioning.workspace.workspace import CRL_PLACES, Workspace

_DAY = 86_400


def forget_keys(workspace: Workspace, name: str, now: float) -> Outcome:
    """Revoke every certificate of a device, withdraw its bundle, void its ticket and its keys.

    The counter stays, so that an old bundle is never taken for a new one. Raises LocalError.
    """
    outcome = Outcome()
    state = workspace.state(name)
    revoke_serials(workspace, state.serials, now, outcome, name)
    if workspace.disk.remove_folder(workspace.root / "out" / name):
        outcome.say(f"{name}: bundle withdrawn from out/", changed=True)
    if workspace.disk.remove(workspace.token_path(name)):
        outcome.say(f"{name}: ticket void", changed=True)
    empty = DeviceState(used=state.used, serials=state.serials, counter=state.counter)
    if state != empty:
        workspace.keep(name, empty)
        outcome.say(f"{name}: its keys are forgotten", changed=True)
    return outcome


def revoke(workspace: Workspace, name: str, now: float) -> Outcome:
    """A device stays, but must enrol anew with a new ticket. Raises LocalError."""
    workspace.device(name)
    outcome = forget_keys(workspace, name, now)
    if outcome.changed:
        outcome.say("next: offhook-provision apply (new CRL), then load for a new ticket")
    else:
        outcome.say(f"{name} has no certificate, ticket or bundle")
    return outcome


def revoke_serials(
    workspace: Workspace, serials: tuple[str, ...], now: float, outcome: Outcome, name: str
) -> None:
    """Remember `serials` as revoked."""
    known = workspace.revocations
    new = [each for each in serials if each not in known.serials]
    if new:
        added = {**known.serials, **dict.fromkeys(new, int(now))}
        workspace.keep_revocations(replace(known, serials=added))
        outcome.say(f"{name}: {len(new)} certificates revoked", changed=True)


def crl_due(workspace: Workspace, now: float) -> bool:
    """Whether the list is missing, lacks something, or must be dated anew."""
    known = workspace.revocations
    there = workspace.crl
    # One that begins later is of a clock that ran ahead: nobody would take it until then.
    if there is None or there.last_update_utc.timestamp() > now:
        return True
    return set(known.listed) != set(known.serials) or now >= known.refresh_at


def write_crl(keys: Keys, now: float) -> bool:
    """Write the list where it is due; whether it was."""
    workspace = keys.workspace
    if not crl_due(workspace, now):
        return False
    known = workspace.revocations
    # The number is used up before the list is written: none is ever used twice.
    number = known.number + 1
    workspace.keep_revocations(replace(known, number=number, refresh_at=0))
    serials = {int(serial): float(when) for serial, when in known.serials.items()}
    pem = keys.authority.revocation_list(serials, number, now)
    for place in CRL_PLACES:
        workspace.disk.write(workspace.root / place, pem)
    refresh = int(now) + CRL_DAYS * _DAY * 2 // 3
    done = replace(known, number=number, listed=tuple(sorted(known.serials)), refresh_at=refresh)
    return workspace.keep_revocations(done)


def check_active(workspace: Workspace, name: str) -> None:
    """Raises LocalError unless the device is in use."""
    status = workspace.device(name).status
    if status != "active":
        raise LocalError(
            f'{name} is {status}: if it is back, write status = "active" in devices/{name}.toml, '
            "change its passwords, and reset the phone"
        )
