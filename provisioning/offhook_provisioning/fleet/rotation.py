"""Keys are exchanged for new ones: the operator's with an overlap, certificates at once."""

from __future__ import annotations

from msgspec.structs import replace

from offhook.base.errors import LocalError
from offhook_provisioning.crypto.signing import SigningKey
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.workspace.keys import Keys, operator_file
from offhook_provisioning.workspace.workspace import Workspace


def begin_operator(keys: Keys) -> Outcome:
    """A second signing key: every document is signed by both, and phones learn the new one."""
    workspace, outcome = keys.workspace, Outcome()
    marked = workspace.marked
    if len(marked.operator) > 1:
        outcome.say(
            "there are two signing keys already: apply, and once all phones have theirs, "
            "rotate operator --finish"
        )
        return outcome
    new = SigningKey.generate()
    keys.keep(operator_file(new.public), new.octets)
    workspace.mark(replace(marked, operator=(*marked.operator, new.public.hex())))
    outcome.say("a second signing key signs too from now on", changed=True)
    outcome.say(
        "next: offhook-provision backup, then apply; rotate operator --finish once every "
        "phone has taken a bundle"
    )
    return outcome


def finish_operator(keys: Keys) -> Outcome:
    """The older signing key goes. A phone that took no bundle meanwhile must be reset."""
    workspace, outcome = keys.workspace, Outcome()
    marked = workspace.marked
    if len(marked.operator) < 2:
        outcome.say("there is one signing key, and none to be taken away")
        return outcome
    old, *left = marked.operator
    workspace.mark(replace(marked, operator=tuple(left)))
    workspace.disk.remove(workspace.root / operator_file(bytes.fromhex(old)))
    outcome.say("the older signing key is gone", changed=True)
    outcome.warn(
        "a phone that took no bundle since `rotate operator` knows only that key: "
        "reset it, and enrol it by a new ticket"
    )
    outcome.say("next: offhook-provision apply")
    return outcome


def renew_certificates(workspace: Workspace, names: list[str]) -> Outcome:
    """New certificates for the same keys at the next apply. Raises LocalError."""
    outcome = Outcome()
    for name in names:
        if not workspace.state(name).enrolled:
            raise LocalError(f"{name} is not enrolled: lay a ticket by offhook-provision load")
    for name in names:
        state = workspace.state(name)
        if workspace.keep(name, replace(state, renew_at=0)):
            outcome.say(f"{name}: certificate to be renewed", changed=True)
    outcome.say("next: offhook-provision apply")
    return outcome
