"""The inventory: fleet.toml and one file for each device, without secrets, fit for git."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from offhook.base.errors import LocalError
from offhook.base.schema.bundle_content import DEVICE_CERTIFICATE, DEVICE_KEY
from offhook.base.schema.document_fields import DEVICE_NAME, SECRETS, DeviceId
from offhook.base.schema.network_settings import NetworkSettings
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.section import Defect, Section, key
from offhook.base.schema.settings import Settings, parse_toml, settings_from
from offhook.base.schema.ticket import Enrolment
from offhook.base.schema.walker import walk
from offhook_provisioning.workspace.toml_text import to_toml

FLEET: Final = "_fleet"
"""The scope of secrets that all devices share; no device can have this name."""

Status = Literal["active", "lost", "replaced"]


class TicketTerms(Section, frozen=True):
    """What stands in every ticket."""

    days: Annotated[int, key("For how many days a token is good.", example=14, ge=1, le=90)] = 14
    network: Annotated[
        NetworkSettings, key("How phones join the network.", example={"wired": {"vlan": 20}})
    ] = NetworkSettings()
    enrolment: Annotated[
        Enrolment, key("Where they enrol and get bundles.", example={"by": "card"})
    ] = Enrolment()


class Fleet(Section, frozen=True):
    """What all phones share: fleet.toml."""

    name: Annotated[
        str, key("Whose phones they are.", example="Example Ltd", min_length=1, max_length=60)
    ]
    settings: Annotated[
        dict[str, Any],
        key(
            "The phone's settings but its accounts, as `offhook settings --explain` tells them.",
            example={"trust": {"anchors": ["trust/anchors.pem"]}},
        ),
    ]
    ticket: Annotated[TicketTerms, key("What stands in every ticket.", example={"days": 14})] = (
        TicketTerms()
    )

    def check(self) -> Iterator[Defect]:
        """Accounts belong to devices."""
        if "accounts" in self.settings:
            yield Defect(
                "settings.accounts",
                [],
                "no accounts: they belong to the devices",
                "Write them into devices/NAME.toml (device add does).",
            )


class Device(Section, frozen=True):
    """One phone: devices/NAME.toml."""

    status: Annotated[
        Status, key("Whether it is in use; device lost and replace change it.", example="active")
    ] = "active"
    replaces: Annotated[
        DeviceId | None, key("The device whose place it took.", example="desk-006")
    ] = None
    accounts: Annotated[
        tuple[dict[str, Any], ...],
        key("Its accounts, as [[accounts]] of the phone's settings.", example=[{"name": "home"}]),
    ] = ()
    settings: Annotated[
        dict[str, Any],
        key(
            "Settings that this phone has instead of the fleet's.",
            example={"line": {"country": "AT"}},
        ),
    ] = {}  # noqa: RUF012  msgspec copies an empty default


def read_fleet(octets: bytes) -> Fleet:
    """fleet.toml. Raises LocalError (DocumentInvalid) with every defect."""
    return walk(Fleet, parse_toml(octets))


def read_device(octets: bytes, name: str) -> Device:
    """A device's file. Raises LocalError that names it, with every defect."""
    try:
        return walk(Device, parse_toml(octets))
    except DocumentInvalid as invalid:
        raise LocalError(f"devices/{name}.toml: {invalid}") from None


def device_text(accounts: list[dict[str, Any]]) -> str:
    """A new device's file."""
    return to_toml({"status": "active", "accounts": accounts})


def rewritten(octets: bytes, name: str, **values: str) -> bytes:
    """The file of the device `name` with other values at its top, the rest as it was written.

    Raises LocalError where it is written in a way that only a person can change.
    """
    text = octets.decode("utf-8-sig")
    for field, value in values.items():
        line = f'{field} = "{value}"'
        old = rf"""(?m)^[ \t]*(["']?){field}\1[ \t]*=[ \t]*("[^"\n]*"|'[^'\n]*')"""
        text, found = re.subn(old, line, text, count=1)
        text = text if found else f"{line}\n{text}"
    try:
        device = read_device(text.encode(), name)
        there = all(getattr(device, field) == value for field, value in values.items())
    except LocalError:
        there = False
    if not there:
        wanted = ", ".join(f'{field} = "{value}"' for field, value in values.items())
        raise LocalError(f"devices/{name}.toml can't be changed by rule: write {wanted} into it")
    return text.encode()


def check_name(name: str) -> str:
    """`name`, if it can be a device's. Raises LocalError."""
    if not DEVICE_NAME.fullmatch(name):
        raise LocalError(
            f"{name!r} is no name for a device: small letters, digits and hyphens, at most 63. "
            "A place or an inventory number is better than a hardware address"
        )
    return name


def settings_document(fleet: Fleet, device: Device) -> dict[str, Any]:
    """The settings of one phone: the fleet's, its own, its accounts, its certificate."""
    merged = _merged(fleet.settings, device.settings)
    merged["accounts"] = [dict(each) for each in device.accounts]
    trust = merged.setdefault("trust", {})
    if isinstance(trust, dict):
        trust.setdefault("client_certificate", DEVICE_CERTIFICATE)
        trust.setdefault("client_key", {"file": SECRETS + DEVICE_KEY})
    return merged


def settings_of(fleet: Fleet, device: Device, name: str) -> tuple[Settings, str]:
    """What `settings_document` gives, checked as the phone does, and as text. Raises LocalError."""
    document = settings_document(fleet, device)
    try:
        return settings_from(document), to_toml(document)
    except DocumentInvalid as invalid:
        raise LocalError(
            f"the settings of {name} (fleet.toml with devices/{name}.toml): {invalid}"
        ) from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(dict(below))
    for name, value in above.items():
        old = merged.get(name)
        both = isinstance(old, dict) and isinstance(value, Mapping)
        merged[name] = _merged(old, value) if both and old is not None else copy.deepcopy(value)
    return merged
