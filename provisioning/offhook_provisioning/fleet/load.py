"""What belongs on a phone's card: a ticket at first, a bundle once the phone has asked for it."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.bundle import BUNDLE_FILE, read_header
from offhook.base.schema.enrolment_request import REQUEST_FILE
from offhook.base.schema.envelope import unproven_payload
from offhook.base.schema.ticket import TICKET, TICKET_FILE
from offhook_provisioning.crypto.signing import encode, verify
from offhook_provisioning.fleet.apply import apply
from offhook_provisioning.fleet.enrolment import take_request, write_ticket
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.fleet.revocation import check_active
from offhook_provisioning.media.medium import Medium
from offhook_provisioning.workspace.disk import read
from offhook_provisioning.workspace.keys import Keys

_SHORTEST: Final = 4
"""Octets of a secret that can be told from chance."""


def load(keys: Keys, name: str, medium: Medium, now: float, *, anew: bool = False) -> Outcome:
    """Read the phone's request if there is one, then lay what it needs next. Raises LocalError.

    `anew`: a new ticket in any case; the keys that the device had are revoked.
    """
    workspace = keys.workspace
    check_active(workspace, name)
    outcome = Outcome()
    request = None if anew else medium.read(REQUEST_FILE)
    if request is not None:
        outcome.join(take_request(keys, request, now, only=name))
    if anew or not workspace.state(name).enrolled:
        _lay_ticket(keys, name, medium, now, outcome, anew=anew)
        return outcome
    outcome.join(apply(keys, now))
    path = workspace.root / "out" / name / BUNDLE_FILE
    octets = read(path)
    header = read_header(octets, workspace.operator_keys, verify)
    if medium.write(BUNDLE_FILE, octets):
        outcome.say(f"{name}: bundle {header.counter} laid on the card", changed=True)
    if medium.remove(TICKET_FILE):
        outcome.say(f"{name}: used ticket removed from the card", changed=True)
    outcome.say("next: start the phone with this card")
    return outcome


def _lay_ticket(
    keys: Keys, name: str, medium: Medium, now: float, outcome: Outcome, *, anew: bool
) -> None:
    octets = write_ticket(keys, name, now, anew=anew)
    refuse_trunk_secrets(keys, name, octets)
    for old in (REQUEST_FILE, BUNDLE_FILE):
        if medium.remove(old):
            outcome.say(f"{name}: old {old} removed from the card", changed=True)
    if medium.write(TICKET_FILE, octets):
        outcome.say(f"{name}: ticket laid on the card", changed=True)
    else:
        outcome.say(f"{name}: its ticket is on the card")
    if keys.workspace.fleet.ticket.network.secret_names:
        outcome.warn(
            "the card holds the Wi-Fi passphrase until the phone has started once, and flash can't "
            "be wiped for certain: prefer a wired first start"
        )
    outcome.say("next: start the phone with this card, then load again to bring it its bundle")


def refuse_trunk_secrets(keys: Keys, name: str, octets: bytes) -> None:
    """Raises LocalError where a secret other than the network's stands in what is not encrypted."""
    allowed = keys.workspace.fleet.ticket.network.secret_names
    workspace = keys.workspace
    payload = unproven_payload(octets, TICKET)
    for scope, secret in workspace.secrets():
        if secret in allowed:
            continue
        path = workspace.secret_path(scope, secret)
        value = encode({"": keys.opened(str(path.relative_to(workspace.root)))}).reveal()[5:-2]
        if len(value) >= _SHORTEST and value in payload:
            raise LocalError(
                f"the ticket of {name} would show the secret {secret} of {scope}: "
                "a ticket is not encrypted. Is it the Wi-Fi passphrase too? Then change one"
            )
