"""What an administrator lays down on the data partition of an emulated telephone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from board.emulator.network import HOST
from board.emulator.wiring import KEYPAD, PROFILE

_SETTINGS: Final = """\
[[accounts]]
name = "{name}"
password = {{ credential = "secrets_{name}" }}
{account}
[trust]
anchors = ["{name}.pem"]
[sound]
card = "Loopback"
[handset]
profile = "{profile}"
"""


def laid_down(name: str, account: str, anchor: Path, password: bytes) -> dict[str, bytes]:
    """The files for one account, by their path: settings, anchor, wiring, secret, source of time.

    `account` is the rest of the account's table (TOML): user, domain, server, trunk. Raises OSError
    where `anchor`, the certificate that is trusted (PEM), can't be read.
    """
    settings = _SETTINGS.format(name=name, account=account.strip(), profile=PROFILE)
    return {
        "settings/settings.toml": settings.encode(),
        f"settings/{name}.pem": anchor.read_bytes(),
        f"settings/{PROFILE}": KEYPAD.encode(),
        f"secrets/{name}": password,
        f"time/{name}.sources": f"server {HOST} iburst prefer\n".encode(),
    }
