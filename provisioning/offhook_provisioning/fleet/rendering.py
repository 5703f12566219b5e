"""What a device's bundle holds now, and the bundle made of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from offhook.base.errors import LocalError
from offhook.base.schema.bundle import BUNDLE, header_content
from offhook.base.schema.bundle_content import (
    DEVICE_CERTIFICATE,
    DEVICE_KEY,
    Binding,
    content_document,
    file_names,
    incomplete,
    is_trust_file,
    secret_names,
)
from offhook.base.secret import Secret
from offhook_provisioning.crypto.sealing import seal
from offhook_provisioning.crypto.signing import SigningKey, encode, signed
from offhook_provisioning.workspace.disk import read
from offhook_provisioning.workspace.inventory import Device, Fleet, settings_of
from offhook_provisioning.workspace.keys import Keys
from offhook_provisioning.workspace.state import DeviceState

BUNDLE_DAYS = 365
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Rendered:
    """Settings as text, what is beside them, and what a bundle would be made of."""

    settings: str
    secrets: dict[str, Secret]
    files: dict[str, bytes]

    def content(self, certificate: tuple[str, ...], binding: Binding) -> dict[str, Any]:
        """The content to be sealed."""
        chain = tuple(base64.b64decode(each) for each in certificate)
        return content_document(self.settings, self.secrets, self.files, chain, binding)


def render(keys: Keys, fleet: Fleet, device: Device, name: str) -> Rendered:
    """Everything that the device's settings name. Raises LocalError with what lacks."""
    settings, text = settings_of(fleet, device, name)
    secrets = {
        each: keys.secret(name, each) for each in secret_names(settings) if each != DEVICE_KEY
    }
    files = {}
    for each in file_names(settings):
        path = keys.workspace.root / each
        if is_trust_file(each) and each != DEVICE_CERTIFICATE:
            if not path.is_file():
                raise LocalError(
                    f"the settings of {name} name {each}: put that file into the workspace"
                )
            files[each] = read(path)
    lack = next(incomplete(settings, secrets.keys(), files.keys()), None)
    if lack is not None:
        raise LocalError(
            f"the settings of {name}: {lack}. Secrets stand as secrets/NAME, files as trust/NAME"
        )
    return Rendered(text, secrets, files)


def make_bundle(
    content: dict[str, Any], name: str, state: DeviceState, signing: list[SigningKey], now: float
) -> bytes:
    """The bundle with the counter that stands in `state`."""
    header = header_content(
        device=name,
        recipient=state.recipient,
        counter=state.counter,
        issued=int(now),
        expires=int(now) + BUNDLE_DAYS * _DAY,
        sealed=seal(encode(content), state.recipient),
    )
    return signed(BUNDLE, header, signing)
