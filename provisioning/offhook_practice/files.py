"""Settings for a phone that calls the practice trunk."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress


def write_private(path: Path, octets: bytes) -> None:
    """Write a file that its owner alone can read, whatever mode it had."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)


@dataclass(frozen=True, slots=True)
class PhoneAccess:
    """What a phone needs to know of a trunk; `ca` is a PEM file."""

    domain: str
    user: str
    password: Secret
    server: PathAddress
    ca: Path


def write_phone_settings(folder: Path, access: PhoneAccess) -> Path:
    """Write settings.toml, and the password's file beside it; returns the settings' path."""
    write_private(folder / "password", access.password.reveal())
    server = access.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    settings = folder / "settings.toml"
    settings.write_text(
        "[[accounts]]\n"
        'name = "practice"\n'
        f"user = {json.dumps(access.user)}\n"
        f"domain = {json.dumps(access.domain)}\n"
        f"server = {json.dumps(f'{host}:{server.port}')}\n"
        'password = { file = "password" }\n'
        'trunk = "practice"\n'
        "\n[trust]\n"
        f"anchors = [{json.dumps(os.path.relpath(access.ca, folder))}]\n"
        '\n[store]\ndirectory = "state"\n',
        encoding="utf-8",
    )
    (folder / "state").mkdir(exist_ok=True)
    return settings
