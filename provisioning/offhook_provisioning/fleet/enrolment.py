"""Tickets are written, and requests that phones made with them are taken."""

from __future__ import annotations

import base64
import secrets

from msgspec.structs import replace

from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.schema.enrolment_request import check_proof, read_request
from offhook.base.schema.ticket import (
    TICKET,
    TOKEN_OCTETS,
    Ticket,
    TicketBody,
    read_ticket,
    ticket_content,
    token_digest,
)
from offhook.base.secret import Secret
from offhook_provisioning.crypto.authority import CLOCKS_DIFFER, read_device_request
from offhook_provisioning.crypto.signing import signed, verify
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.fleet.revocation import (
    check_active,
    forget_keys,
    revoke_serials,
)
from offhook_provisioning.workspace.keys import Keys
from offhook_provisioning.workspace.state import DeviceState, TicketState

_DAY = 86_400


def write_ticket(keys: Keys, name: str, now: float, *, anew: bool = False) -> bytes:
    """A device's ticket; the same octets again while its token is good and unused.

    `anew`: a new one in any case; what the device had is revoked. Raises LocalError.
    """
    workspace = keys.workspace
    check_active(workspace, name)
    if anew:
        forget_keys(workspace, name, now)
    fleet, state = workspace.fleet, workspace.state(name)
    issued, token = _running(keys, name, state, now)
    if issued is None:
        token = Secret(secrets.token_bytes(TOKEN_OCTETS))
        workspace.keep_token(name, token)
        expires = int(now) + fleet.ticket.days * _DAY
        issued = TicketState(digest=token_digest(token), issued=int(now), expires=expires)
        workspace.keep(name, replace(state, ticket=issued))
    body = TicketBody(
        format=1,
        device=name,
        issued=issued.issued,
        expires=issued.expires,
        operator=tuple(map(_text, workspace.operator_keys)),
        anchors=(_text(workspace.anchor),),
        network=fleet.ticket.network,
        enrolment=fleet.ticket.enrolment,
    )
    needed = {each: keys.secret(name, each) for each in body.network.secret_names}
    octets = signed(TICKET, ticket_content(Ticket(body, token, needed, (), ())), keys.signing)
    read_ticket(octets, verify, now)
    return octets


def _running(
    keys: Keys, name: str, state: DeviceState, now: float
) -> tuple[TicketState | None, Secret]:
    """The newest ticket with its token, if it can still be used."""
    ticket, path = state.ticket, keys.workspace.token_path(name)
    if ticket is not None and path.is_file() and ticket.digest not in state.used:
        token = keys.token(name)
        # One that begins later is of a clock that ran ahead, and would be good for too long.
        good = ticket.issued - CLOCKS_DIFFER <= now < ticket.expires
        if good and token_digest(token) == ticket.digest:
            return ticket, token
    return None, Secret(b"")


def take_request(keys: Keys, octets: bytes, now: float, *, only: str | None = None) -> Outcome:
    """Enrol the phone that wrote a request: its two keys are known from now on.

    `only`: the device it must be. Raises DocumentRefused or LocalError, with nothing changed.
    """
    workspace, outcome = keys.workspace, Outcome()
    request = read_request(octets)
    name = request.device
    if only is not None and name != only:
        raise DocumentRefused(Flaw.WRONG_DEVICE, f"of {name}, not of {only}")
    check_active(workspace, name)
    state = workspace.state(name)
    csr = _text(request.csr)
    if state.recipient == request.recipient and state.csr == csr:
        workspace.disk.remove(workspace.token_path(name))
        outcome.say(f"{name} is enrolled already with these keys")
        return outcome
    if state.ticket is None:
        raise DocumentRefused(Flaw.WRONG_TOKEN, f"{name} has no ticket")
    if state.ticket.digest in state.used:
        raise DocumentRefused(Flaw.TOKEN_REUSED)
    if now > state.ticket.expires:
        raise DocumentRefused(Flaw.EXPIRED, "its ticket")
    check_proof(request, keys.token(name))
    read_device_request(request.csr)
    revoke_serials(workspace, state.serials, now, outcome, name)
    enrolled = replace(
        state,
        used=(*state.used, state.ticket.digest),
        recipient=request.recipient,
        csr=csr,
        certificate=(),
        renew_at=0,
        content="",
        bundle="",
    )
    workspace.keep(name, enrolled)
    workspace.disk.remove(workspace.token_path(name))
    outcome.say(f"{name} enrolled with its own keys", changed=True)
    return outcome


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
