"""Why a ticket, a request or a bundle is refused: one table of defects, each with its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from offhook.base.errors import PeerError


class Flaw(Enum):
    """What can be wrong with a document of provisioning."""

    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    FOREIGN = "foreign"
    ALTERED = "altered"
    WRONG_DEVICE = "wrong-device"
    WRONG_RECIPIENT = "wrong-recipient"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    SETTINGS = "settings"
    SECRETS = "secrets"
    KEY_MISMATCH = "key-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    WRONG_USAGE = "wrong-usage"
    WRONG_CHAIN = "wrong-chain"
    TOKEN_REUSED = "token-reused"  # noqa: S105  a defect's name
    WRONG_TOKEN = "wrong-token"  # noqa: S105  a defect's name


@dataclass(frozen=True, slots=True)
class Told:
    """A flaw in a sentence for a person, and what mends it."""

    message: str
    remedy: str


FLAWS: Final[Mapping[Flaw, Told]] = {
    Flaw.MALFORMED: Told(
        "it is not a document that this version understands",
        "Write it again with offhook-provision; if a newer one wrote it, update the phone.",
    ),
    Flaw.UNSIGNED: Told(
        "nobody has signed it",
        "Take the file that offhook-provision wrote, and nothing in its place.",
    ),
    Flaw.FOREIGN: Told(
        "it is signed by an operator that this phone does not know",
        "Use the workspace that the phone was enrolled from, or reset the phone to bind it anew.",
    ),
    Flaw.ALTERED: Told(
        "its signature does not fit: it was changed after it was signed, or damaged",
        "Write it again with offhook-provision apply or load, and look who could change it.",
    ),
    Flaw.WRONG_DEVICE: Told(
        "it is made for another device",
        "Give each phone its own file: offhook-provision device list tells which is which.",
    ),
    Flaw.WRONG_RECIPIENT: Told(
        "it is encrypted to a key that this device does not have",
        "The phone was reset or exchanged since: enrol it again with a new ticket (load).",
    ),
    Flaw.REPLAYED: Told(
        "it is not newer than what the phone has taken already",
        "Take the newest one: offhook-provision apply, then export or load.",
    ),
    Flaw.EXPIRED: Told(
        "its time is over",
        "Write a new one with offhook-provision load or apply; if it is new, mind the clock.",
    ),
    Flaw.UNREADABLE: Told(
        "what is encrypted in it can't be opened with this device's key",
        "The phone was reset or exchanged since: enrol it again with a new ticket (load).",
    ),
    Flaw.SETTINGS: Told(
        "its settings are not valid on this version of the phone",
        "Mend what is named in fleet.toml or the device's file, then offhook-provision apply.",
    ),
    Flaw.SECRETS: Told(
        "it lacks a secret or file that its settings name, or brings one that they don't name",
        "Set the secret with offhook-provision secret set, then offhook-provision apply.",
    ),
    Flaw.KEY_MISMATCH: Told(
        "its certificate is for another key than this device's",
        "Enrol the phone again: offhook-provision load reads the request that the phone writes.",
    ),
    Flaw.CERTIFICATE_EXPIRED: Told(
        "a certificate in it is not valid at this time",
        "Renew it with offhook-provision apply; if it is new, set the phone's clock.",
    ),
    Flaw.WRONG_USAGE: Told(
        "its certificate is not for a TLS client",
        "Let the authority issue it for clientAuth, as offhook-provision does.",
    ),
    Flaw.WRONG_CHAIN: Told(
        "its certificate does not lead to an anchor of this phone",
        "Install the authority's whole chain (ca install), then offhook-provision apply; "
        "after a change of the authority the phone needs a new ticket.",
    ),
    Flaw.TOKEN_REUSED: Told(
        "its token was used before",
        "A token is good for one enrolment: write a new ticket with offhook-provision load --new, "
        "and find out who used the first one if it was not this phone.",
    ),
    Flaw.WRONG_TOKEN: Told(
        "it is not made with the token of this device's ticket",
        "Let the phone start once with the newest ticket; then read its request again.",
    ),
}


class DocumentRefused(PeerError):
    """A document is not taken, and nothing of it was used.

    `flaw` names why, `remedy` what helps, `detail` what was found (never a secret).
    """

    def __init__(self, flaw: Flaw, detail: str = "") -> None:
        told = FLAWS[flaw]
        super().__init__(f"{told.message}{f' ({detail})' if detail else ''}. {told.remedy}")
        self.flaw = flaw
        self.remedy = told.remedy
        self.detail = detail
