"""The ticket: what a new phone finds on its card, whom to belong to and how to join the network.

Signed by the operator, with a token for one enrolment; never a secret of a trunk. On a phone that
belongs to nobody yet the ticket names its operator's keys itself: who holds the card decides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec

from offhook.base.schema.document_fields import (
    DeviceId,
    HttpsPlace,
    UnixTime,
    check_format,
    octets_list,
    take_secrets,
    typed,
)
from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.schema.envelope import (
    KEY_OCTETS,
    Verify,
    open_envelope,
    parse_json,
    unproven_payload,
)
from offhook.base.schema.network_settings import NetworkSettings
from offhook.base.schema.section import Section, key
from offhook.base.secret import Secret

TICKET: Final = "application/vnd.offhook.ticket+json"
TICKET_FILE: Final = "offhook-ticket.json"
"""The ticket's name on the FAT partition or stick."""
TOKEN_OCTETS: Final = 16
TOKEN_NAME: Final = "token"  # noqa: S105  a name among the ticket's secrets


class Enrolment(Section, frozen=True):
    """Where a phone enrols and where its bundles come from."""

    by: Annotated[
        Literal["card", "est"],
        key(
            "By files on the card or stick, in two trips, or at an EST server (RFC 7030).",
            example="card",
        ),
    ] = "card"
    url: Annotated[
        HttpsPlace | None,
        key("The EST server, with est.", example="https://est.example.com/.well-known/est"),
    ] = None
    bundles: Annotated[
        HttpsPlace | None,
        key(
            "The folder of a web server where bundles lie. Left out: on the card.",
            example="https://files.example.com/phones",
        ),
    ] = None


class TicketBody(Section, frozen=True):
    """The ticket's payload without its secrets."""

    format: Annotated[int, key("Version of the document.", example=1)]
    device: Annotated[DeviceId, key("The device it is for.", example="desk-007")]
    issued: Annotated[UnixTime, key("When it was written, Unix seconds.", example=1767225600)]
    expires: Annotated[
        UnixTime, key("Until when the token is good, Unix seconds.", example=1768435200)
    ]
    operator: Annotated[
        tuple[str, ...],
        key("The operator's signing keys, base64.", example=["…"], min_length=1, max_length=4),
    ]
    anchors: Annotated[
        tuple[str, ...],
        key(
            "Roots of the operator's CA, DER in base64.", example=["…"], min_length=1, max_length=8
        ),
    ]
    network: Annotated[
        NetworkSettings, key("How to join the network.", example={"wired": {"vlan": 20}})
    ] = NetworkSettings()
    enrolment: Annotated[Enrolment, key("Where to enrol.", example={"by": "card"})] = Enrolment()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that was checked. `token` has 16 octets; `network_secrets` by name."""

    body: TicketBody
    token: Secret
    network_secrets: Mapping[str, Secret]
    operator_keys: tuple[bytes, ...]
    anchors: tuple[bytes, ...]

    @property
    def device(self) -> str:
        """The device it is for."""
        return self.body.device


def ticket_content(ticket: Ticket) -> dict[str, Any]:
    """The payload's content; Secrets stay Secrets, under `secrets`, for the encoder to open."""
    content: dict[str, Any] = msgspec.to_builtins(ticket.body)
    content["secrets"] = {TOKEN_NAME: Secret(ticket.token.reveal().hex()), **ticket.network_secrets}
    return content


def read_ticket(
    octets: bytes,
    verify: Verify,
    wall_time: float,
    *,
    bound_to: tuple[bytes, ...] = (),
    used: Collection[str] = (),
) -> Ticket:
    """The ticket, checked: signature, time, token, and that no other secret is in it.

    `bound_to` are the keys of the operator that the phone belongs to already, `used` the
    `token_digest` of tokens that it enrolled by. Raises DocumentRefused.
    """
    keys = bound_to
    if not keys:
        unproven = parse_json(unproven_payload(octets, TICKET), "the ticket").get("operator")
        texts = tuple(unproven) if isinstance(unproven, list) else ()
        keys = octets_list(texts, "an operator's key")
    document = parse_json(open_envelope(octets, TICKET, keys, verify), "the ticket")
    secrets = take_secrets(document)
    body = typed(TicketBody, document, "the ticket")
    check_format(body.format)
    token = _token(secrets.pop(TOKEN_NAME, None))
    operator = octets_list(body.operator, "an operator's key")
    if any(len(each) != KEY_OCTETS for each in operator):
        raise DocumentRefused(Flaw.MALFORMED, "an operator's key has no 32 octets")
    if secrets.keys() != body.network.secret_names:
        raise DocumentRefused(
            Flaw.SECRETS, "a ticket carries its token and what joining the network needs, no more"
        )
    if not body.issued <= body.expires or wall_time > body.expires:
        raise DocumentRefused(Flaw.EXPIRED)
    if token_digest(token) in used:
        raise DocumentRefused(Flaw.TOKEN_REUSED)
    anchors = octets_list(body.anchors, "an anchor")
    return Ticket(body, token, secrets, operator, anchors)


def _token(text: Secret | None) -> Secret:
    """A token out of its 32 hexadecimal digits."""
    if text is not None and len(text) == 2 * TOKEN_OCTETS:
        try:
            return Secret(bytes.fromhex(text.reveal().decode("ascii")))
        except ValueError:
            pass
    raise DocumentRefused(Flaw.MALFORMED, "the token is not 128 bits in hexadecimal")


def token_digest(token: Secret) -> str:
    """By what a used token is remembered: its SHA-256. 128 random bits can't be guessed from it."""
    return hashlib.sha256(b"offhook token" + token.reveal()).hexdigest()


def enrolment_proof(token: Secret, device: str, request: bytes, recipient: str) -> str:
    """HMAC-SHA-256 by the token over device, certificate request (DER) and recipient key."""
    said = b"\0".join((b"offhook enrolment", device.encode(), recipient.encode(), request))
    return hmac.new(token.reveal(), said, hashlib.sha256).hexdigest()
