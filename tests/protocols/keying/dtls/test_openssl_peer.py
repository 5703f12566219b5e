"""An independent peer: the openssl program, which derives the keys a second time."""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from tests.protocols.keying.dtls.pair import OURS, THEIRS, events_of

from offhook.protocols.keying.demultiplex import Traffic, demultiplex
from offhook.protocols.keying.dtls.association import DtlsAssociation
from offhook.protocols.keying.dtls.events import DtlsFailed, DtlsKeysReady
from offhook.protocols.keying.dtls.profiles import OPENSSL_NAMES, PROFILES, exported_length
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.srtp_keys import CryptoSuite

LIMIT_S = 10
OPENSSL = shutil.which("openssl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder: Path = tmp_path_factory.mktemp("peer")
    key = load_der_private_key(THEIRS.key.reveal(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = x509.load_der_x509_certificate(THEIRS.certificate)
    (folder / "key").write_bytes(pem)
    (folder / "certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
    return ["-key", str(folder / "key"), "-cert", str(folder / "certificate")]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    assert OPENSSL is not None
    process = subprocess.Popen(
        [OPENSSL, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def exported_by(process: subprocess.Popen[bytes], limit: float) -> bytes:
    """What it prints under -keymatexport."""
    assert process.stdout is not None
    printed = b""
    while time.monotonic() < limit:
        if select.select([process.stdout], [], [], 0.1)[0]:
            more = os.read(process.stdout.fileno(), 65536)
            if not more:
                break
            printed += more
            found = re.search(rb"Keying material: ([0-9A-F]+)\s*\n", printed)
            if found:
                return bytes.fromhex(found[1].decode())
    raise AssertionError(printed.decode(errors="replace"))


def carry(association: DtlsAssociation, path: socket.socket, limit: float) -> object:
    """Carry datagrams until the association has something to tell."""
    path.settimeout(0.01)
    peer = None
    while time.monotonic() < limit:
        try:
            data, peer = path.recvfrom(4096)
        except (TimeoutError, ConnectionRefusedError):
            # As long as openssl doesn't listen yet, the path refuses.
            pass
        else:
            assert demultiplex(data) is Traffic.DTLS
            association.receive_datagram(data, time.monotonic())
        deadline = association.deadline()
        if deadline is not None and deadline <= time.monotonic():
            association.tick(time.monotonic())
        for datagram in association.datagrams_to_send():
            try:
                path.sendto(datagram, peer) if peer else path.send(datagram)
            except ConnectionRefusedError:
                continue
        for event in events_of(association):
            return event
    return None


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def options(suite: str, length: int) -> list[str]:
    return [
        "-dtls1_2",
        "-use_srtp",
        suite,
        "-keymatexport",
        "EXTRACTOR-dtls_srtp",
        "-keymatexportlen",
        str(length),
    ]


def check(event: object, exported: bytes, suite: CryptoSuite, role: Role) -> None:
    assert isinstance(event, DtlsKeysReady), event
    key, salt = suite.key_length, suite.salt_length
    client = exported[:key] + exported[2 * key : 2 * key + salt]
    server = exported[key : 2 * key] + exported[2 * key + salt :]
    assert len(client) == len(server) == suite.master_length
    ours = (event.send.master.reveal(), event.receive.master.reveal())
    assert ours == ((client, server) if role is Role.ACTIVE else (server, client))
    assert event.suite == suite


@pytest.mark.parametrize("suite", PROFILES, ids=lambda suite: suite.name)
def test_openssl_as_server_exports_the_same_keys(files: list[str], suite: CryptoSuite) -> None:
    port, limit = free_port(), time.monotonic() + LIMIT_S
    asked = options(OPENSSL_NAMES[suite.name], exported_length(suite))
    server = ["s_server", *asked, *files, "-Verify", "1", "-accept", f"127.0.0.1:{port}"]
    with started(*server) as peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as path:
        path.connect(("127.0.0.1", port))
        association = DtlsAssociation(OURS, Role.ACTIVE)
        association.set_remote([THEIRS.fingerprint()], time.monotonic())
        association.start(time.monotonic())
        event = carry(association, path, limit)
        check(event, exported_by(peer, limit), suite, Role.ACTIVE)


@pytest.mark.parametrize("suite", PROFILES, ids=lambda suite: suite.name)
def test_openssl_as_client_exports_the_same_keys(files: list[str], suite: CryptoSuite) -> None:
    limit = time.monotonic() + LIMIT_S
    asked = options(OPENSSL_NAMES[suite.name], exported_length(suite))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as path:
        path.bind(("127.0.0.1", 0))
        association = DtlsAssociation(OURS, Role.PASSIVE)
        association.set_remote([THEIRS.fingerprint()], time.monotonic())
        association.start(time.monotonic())
        to = f"127.0.0.1:{path.getsockname()[1]}"
        with started("s_client", *asked, *files, "-connect", to) as peer:
            event = carry(association, path, limit)
            check(event, exported_by(peer, limit), suite, Role.PASSIVE)


def test_openssl_without_use_srtp_gets_no_key(files: list[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as path:
        path.bind(("127.0.0.1", 0))
        association = DtlsAssociation(OURS, Role.PASSIVE)
        association.set_remote([THEIRS.fingerprint()], time.monotonic())
        association.start(time.monotonic())
        to = f"127.0.0.1:{path.getsockname()[1]}"
        with started("s_client", "-dtls1_2", *files, "-connect", to):
            event = carry(association, path, time.monotonic() + LIMIT_S)
    assert isinstance(event, DtlsFailed)
    assert event.rule == "profile"
