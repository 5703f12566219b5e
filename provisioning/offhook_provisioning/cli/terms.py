"""The options that commands share, each told once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Root = Annotated[
    Path,
    typer.Option("--workspace", "-w", help="The workspace's folder.", show_default="this folder"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document (result.schema.json).")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="Read the workspace's passphrase from this file (mode 0600)."),
]
PassphraseFd = Annotated[
    int | None, typer.Option(help="Read the passphrase from this open file descriptor.")
]
PassphraseCommand = Annotated[
    str | None,
    typer.Option(help="Run this command, without a shell; what it prints is the passphrase."),
]
SecretFile = Annotated[
    Path | None, typer.Option("--from-file", help="Read the secret from this file (mode 0600).")
]
SecretFd = Annotated[
    int | None, typer.Option("--from-fd", help="Read the secret from this open file descriptor.")
]
SecretCommand = Annotated[
    str | None,
    typer.Option("--from-command", help="Run this command; what it prints is the secret."),
]
DeviceName = Annotated[str, typer.Argument(help="The device's name, as device list shows it.")]
