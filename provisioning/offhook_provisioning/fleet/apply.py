"""Plan and apply: what must be done so that every phone gets what the inventory says, and doing it.

Each step is found out by comparing, never by remembering that it was begun; so a command that was
interrupted anywhere is said again, and does what is left.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from msgspec.structs import replace

from offhook.base.errors import LocalError
from offhook.base.schema.bundle import BUNDLE_FILE
from offhook.base.schema.bundle_content import Binding
from offhook_provisioning.crypto.authority import read_device_request
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.fleet.rendering import BUNDLE_DAYS, Rendered, make_bundle, render
from offhook_provisioning.fleet.revocation import crl_due, forget_keys, write_crl
from offhook_provisioning.workspace.disk import PRIVATE, read
from offhook_provisioning.workspace.keys import Keys
from offhook_provisioning.workspace.state import DeviceState
from offhook_provisioning.workspace.workspace import Workspace

_DAY = 86_400

Progress = Callable[[Iterable[str]], Iterable[str]]
"""Goes through names, showing how far it is."""


@dataclass(frozen=True, slots=True)
class _Now:
    """What every device is compared under; `time` in Unix seconds."""

    keys: Keys
    binding: Binding
    time: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done for one device; `rendered` where a bundle may have to be made."""

    name: str
    why: tuple[str, ...]
    rendered: Rendered | None = None
    retire: bool = False


def plan(keys: Keys, now: float) -> tuple[list[Wanted], Outcome]:
    """Every device with what is to be done. Raises LocalError with the defects of all of them."""
    workspace, outcome, faults = keys.workspace, Outcome(), []
    fleet, under = workspace.fleet, _Now(keys, binding_of(workspace), now)
    found = []
    waiting = []
    for name in workspace.device_names():
        try:
            device = workspace.device(name)
            if device.status != "active":
                found.append(Wanted(name, _left_of(workspace, name), retire=True))
                continue
            rendered = render(keys, fleet, device, name)
            state = workspace.state(name)
        except LocalError as error:
            faults.append(str(error))
            continue
        if not state.enrolled:
            waiting.append(name)
            continue
        found.append(Wanted(name, _due(under, name, state, rendered), rendered))
    if faults:
        raise LocalError("\n".join(faults))
    for each in found:
        for why in each.why:
            outcome.say(f"{each.name}: {why}", changed=True)
    if crl_due(workspace, now):
        outcome.say("the CRL is to be written", changed=True)
    if waiting:
        outcome.warn(
            f"not enrolled, so nothing can be sealed to them: {', '.join(waiting[:12])}"
            f"{' …' if len(waiting) > 12 else ''} (load lays a ticket and reads a request)"
        )
    outcome.data["waiting"] = waiting
    outcome.data["plan"] = {each.name: list(each.why) for each in found if each.why}
    return found, outcome


def binding_of(workspace: Workspace) -> Binding:
    """Whom phones belong to from the next bundle on."""
    return Binding(workspace.operator_keys, (workspace.anchor,))


def apply(keys: Keys, now: float, progress: Progress | None = None) -> Outcome:
    """Do what the plan says. Raises LocalError before anything is written, if the plan does."""
    workspace = keys.workspace
    wanted, planned = plan(keys, now)
    outcome = Outcome(warnings=planned.warnings, data={"waiting": planned.data["waiting"]})
    by_name = {each.name: each for each in wanted if each.why}
    signing, under = keys.signing, _Now(keys, binding_of(workspace), now)
    authority = keys.authority if by_name else None
    for name in (progress or iter)(list(by_name)):
        each = by_name[name]
        if each.retire:
            outcome.join(forget_keys(workspace, name, now))
            continue
        state = workspace.state(name)
        assert authority is not None  # noqa: S101  there is something to do
        if _certificate_due(under, state):
            csr = read_device_request(base64.b64decode(state.csr))
            chain = authority.issue(name, csr, now)
            state = _with_certificate(state, chain, now)
            workspace.keep(name, state)
            outcome.say(f"{name}: certificate issued", changed=True)
        assert each.rendered is not None  # noqa: S101  it isn't retired
        if not _bundle_due(under, name, state, each.rendered):
            continue
        # The counter is used up before the bundle is written: none is ever used twice.
        state = replace(state, counter=state.counter + 1, bundle="", content="")
        workspace.keep(name, state)
        content = each.rendered.content(state.certificate, under.binding)
        octets = make_bundle(content, name, state, signing, now)
        workspace.disk.write(_bundle_path(workspace, name), octets)
        settings = each.rendered.settings.encode()
        workspace.disk.write(_settings_path(workspace, name), settings, PRIVATE)
        workspace.keep(
            name,
            replace(
                state,
                content=keys.digest({**content, "recipient": state.recipient}),
                bundle=hashlib.sha256(octets).hexdigest(),
                refresh_at=int(now) + BUNDLE_DAYS * _DAY * 2 // 3,
            ),
        )
        outcome.say(f"{name}: bundle {state.counter} written", changed=True)
    if write_crl(keys, now):
        outcome.say("CRL written to out/crl.pem", changed=True)
    if not outcome.changed:
        outcome.say("everything is as the inventory says")
    return outcome


def diff(keys: Keys, now: float) -> Outcome:
    """What would change in each phone's settings, line by line. Raises LocalError."""
    wanted, outcome = plan(keys, now)
    for each in wanted:
        if each.rendered is None or not each.why:
            continue
        path = _settings_path(keys.workspace, each.name)
        before = read(path).decode("utf-8", "replace") if path.is_file() else ""
        names = (f"{each.name}, as applied", f"{each.name}, as planned")
        lines = difflib.unified_diff(
            before.splitlines(), each.rendered.settings.splitlines(), *names, lineterm="", n=1
        )
        shown = list(lines)
        outcome.lines += shown or [f"{each.name}: settings as before"]
    return outcome


def _due(under: _Now, name: str, state: DeviceState, rendered: Rendered) -> tuple[str, ...]:
    why = []
    if _certificate_due(under, state):
        why.append("certificate to be renewed" if state.certificate else "certificate to be issued")
    reason = _bundle_due(under, name, state, rendered)
    if reason:
        why.append(f"bundle to be made: {reason}")
    elif why:
        why.append("bundle to be made: the certificate changes")
    return tuple(why)


def _certificate_due(under: _Now, state: DeviceState) -> bool:
    if not state.certificate or under.time >= state.renew_at:
        return True
    own, *_, root = (base64.b64decode(each) for each in state.certificate)
    # One that begins later is of a clock that ran ahead: nobody would take it until then.
    begins = x509.load_der_x509_certificate(own).not_valid_before_utc.timestamp()
    return begins > under.time or root not in under.binding.anchors


def _bundle_due(under: _Now, name: str, state: DeviceState, rendered: Rendered) -> str:
    """Why a bundle is to be made, empty if none is."""
    if not state.bundle:
        return "there is none"
    content = rendered.content(state.certificate, under.binding)
    if under.keys.digest({**content, "recipient": state.recipient}) != state.content:
        return "settings, secrets or certificates changed"
    path = _bundle_path(under.keys.workspace, name)
    if not path.is_file() or hashlib.sha256(read(path)).hexdigest() != state.bundle:
        return "it is missing from out/, or was changed there"
    return "two thirds of its time are over" if under.time >= state.refresh_at else ""


def _left_of(workspace: Workspace, name: str) -> tuple[str, ...]:
    """What a device that is lost or replaced still has."""
    state = workspace.state(name)
    empty = DeviceState(used=state.used, serials=state.serials, counter=state.counter)
    withdrawn = not (workspace.root / "out" / name).exists()
    revoked = set(state.serials) <= set(workspace.revocations.serials)
    return () if state == empty and withdrawn and revoked else ("to be withdrawn and revoked",)


def _with_certificate(state: DeviceState, chain: list[bytes], now: float) -> DeviceState:
    own = x509.load_der_x509_certificate(chain[0])
    life = own.not_valid_after_utc.timestamp() - now
    return replace(
        state,
        certificate=tuple(base64.b64encode(each).decode() for each in chain),
        serials=(*state.serials, str(own.serial_number)),
        renew_at=int(now + life * 2 / 3),
    )


def _bundle_path(workspace: Workspace, name: str) -> Path:
    return workspace.root / "out" / name / BUNDLE_FILE


def _settings_path(workspace: Workspace, name: str) -> Path:
    return workspace.root / "state" / f"{name}.settings.toml"
