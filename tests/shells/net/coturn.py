"""A real coturn: STUN by UDP, TURN by TLS only, long-term credentials (RFC 8656, RFC 8489 §9.2)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from tests.certificates.forge import Issued

from offhook.base.vocabulary import PathAddress

PROGRAM: Final = "turnserver"
REALM, USER, PASSWORD = "relay.example", "phone", "to the relay"
UDP_PORT: Final = 3478
TLS_PORT: Final = 5349


def demand() -> None:
    """Skip the test where there is no coturn, or fail it where peers must not be missing."""
    if shutil.which(PROGRAM) is None:
        if os.environ.get("OFFHOOK_REQUIRE_PEERS"):
            pytest.fail("not installed: coturn")
        pytest.skip("not installed: coturn")


Running = AbstractContextManager[PathAddress]
Inside = AbstractContextManager[Any]


@contextmanager
def coturn(
    inside: Inside, host: str, certificate: Issued, folder: Path, *, relay_host: str = ""
) -> Iterator[PathAddress]:
    """The address of its TLS listener; it shows `certificate`, and its log is coturn.log.

    It runs `inside` a namespace, or where this thread is anyhow (`nullcontext()`).
    """
    (folder / "turn.crt").write_bytes(certificate.sent_pem)
    (folder / "turn.key").write_bytes(certificate.key_pem)
    log = folder / "coturn.log"
    with inside, log.open("wb") as told:
        process = subprocess.Popen(
            (
                PROGRAM,
                *("-n", "--no-cli", "--no-dtls", "--no-tcp", "--no-software-attribute"),
                *("--log-file", "stdout", "--simple-log", "--verbose"),
                *("--listening-ip", host, "--relay-ip", relay_host or host),
                *("--listening-port", str(UDP_PORT), "--tls-listening-port", str(TLS_PORT)),
                *("--min-port", "50000", "--max-port", "50099"),
                *("--lt-cred-mech", "--realm", REALM, "--user", f"{USER}:{PASSWORD}"),
                *("--cert", str(folder / "turn.crt"), "--pkey", str(folder / "turn.key")),
                *("--pidfile", str(folder / "turn.pid")),
                *("--db", str(folder / "turn.db")),
            ),
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        _wait(inside, host, process, log)
        yield PathAddress(host, TLS_PORT)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(inside: Inside, host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        with inside, socket.socket() as probe:
            if probe.connect_ex((host, TLS_PORT)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"coturn did not start: {log.read_text(errors='replace')}")
        time.sleep(0.05)
