"""The phone's own certificate: shown to a verified server, its key never laid open."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tests.certificates import forge
from tests.certificates.forge import Issued, leaf
from tests.shells.net.tls_peer import (
    Dialled,
    TlsPeer,
    dial,
    dialled,
    refused_unconnected,
    server_context,
    settings_for,
)

from offhook.base.secret import Secret
from offhook.shells.net.tls import ClientCertificate, SessionCache, TlsRefused
from offhook.shells.net.tls_context import current_anchors, make_context

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["tls-1.2", "tls-1.3"])
GOOD = leaf()
HANDSHAKE = 22
ALERT = 21


def client_certificate(common_name: str = "phone") -> tuple[Issued, ClientCertificate]:
    issued = leaf(common_name=common_name, extended_usage=None)
    return issued, ClientCertificate(issued.sent_pem, Secret(issued.key_pem))


def demanding_context(version: ssl.TLSVersion, *, optional: bool = False) -> ssl.SSLContext:
    context = server_context(GOOD, version=version)
    context.load_verify_locations(cadata=forge.root().pem.decode())
    context.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED
    return context


def shown_name(peer: TlsPeer) -> object:
    fields = peer.connections[-1].tls.getpeercert()
    return None if not fields else fields["subject"]


@VERSIONS
def test_a_client_certificate_is_shown_to_the_verified_server(version: ssl.TLSVersion) -> None:
    _, client = client_certificate()

    async def scenario() -> None:
        async with TlsPeer(demanding_context(version)) as peer:
            settings = settings_for(client_certificate=client)
            async with dialled(peer.address, settings) as flow:
                await flow.echoed()
                assert shown_name(peer) == ((("commonName", "phone"),),)

    asyncio.run(scenario())


@VERSIONS
def test_a_new_client_certificate_serves_the_next_connection(version: ssl.TLSVersion) -> None:
    _, first = client_certificate("first")
    _, second = client_certificate("second")
    sessions = SessionCache()

    async def scenario() -> None:
        async with (
            TlsPeer(demanding_context(version)) as peer,
            dialled(peer.address, settings_for(client_certificate=first), sessions) as old,
        ):
            await old.echoed()
            async with dialled(
                peer.address, settings_for(client_certificate=second), sessions
            ) as new:
                await new.echoed()
                assert not new.connection.report.resumed
                assert shown_name(peer) == ((("commonName", "second"),),)
            await old.echoed()

    asyncio.run(scenario())


@VERSIONS
def test_a_refused_server_never_sees_the_client_certificate(version: ssl.TLSVersion) -> None:
    _, client = client_certificate()
    settings = settings_for(client_certificate=client, service="other.example.org")

    async def scenario() -> None:
        async with TlsPeer(demanding_context(version, optional=True)) as peer:
            with pytest.raises(TlsRefused):
                await dial(peer.address, settings)
            served = peer.connections[-1]
            await served.gone.wait()
            assert not served.handshaken
            assert served.received_types == [HANDSHAKE, ALERT], "a ClientHello and no more"
            with pytest.raises(ValueError, match="handshake not done"):
                served.tls.getpeercert()

    asyncio.run(scenario())


def test_a_missing_client_certificate_is_named_in_tls_12() -> None:
    async def scenario() -> None:
        async with TlsPeer(demanding_context(TLS12)) as peer:
            with pytest.raises(TlsRefused, match="client certificate"):
                await dial(peer.address, settings_for())

    asyncio.run(scenario())


def test_a_missing_client_certificate_is_named_in_tls_13() -> None:
    """In TLS 1.3 the server says so only after the client's handshake is over."""

    async def scenario() -> Dialled:
        async with TlsPeer(demanding_context(TLS13)) as peer:
            flow = await dial(peer.address, settings_for())
            await flow.ended()
            return flow

    assert "demands a client certificate" in asyncio.run(scenario()).closed[0]


def test_a_key_of_another_certificate_is_refused() -> None:
    issued, _ = client_certificate()
    other = ClientCertificate(issued.sent_pem, Secret(leaf(key=forge.new_key()).key_pem))

    refusal = refused_unconnected(settings_for(client_certificate=other))

    assert refusal.rule == "client-certificate"
    assert "mismatch" in refusal.detail


def test_an_encrypted_key_is_refused_and_no_terminal_is_asked() -> None:
    issued, client = client_certificate()
    encrypted = issued.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"pass"),
    )

    refusal = refused_unconnected(
        settings_for(client_certificate=dataclasses.replace(client, key=Secret(encrypted)))
    )

    assert refusal.rule == "client-certificate"
    assert "encrypted" in refusal.detail


def test_a_key_that_is_none_is_refused_without_showing_it() -> None:
    issued, _ = client_certificate()
    refusal = refused_unconnected(
        settings_for(client_certificate=ClientCertificate(issued.sent_pem, Secret("my password")))
    )

    assert refusal.rule == "client-certificate"
    assert "my password" not in str(refusal)


def test_the_key_is_on_no_disk_and_no_descriptor_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = client_certificate()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    opened: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, name: str, **more: object) -> None:
        opened.append(str(Path(name).readlink()))
        load(context, name, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    before = len(list(Path("/proc/self/fd").iterdir()))

    settings = settings_for(client_certificate=client)
    make_context(settings, current_anchors(settings))

    assert opened == ["/memfd:offhook-client-certificate (deleted)"]
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_settings_show_no_key() -> None:
    _, client = client_certificate()

    assert "PRIVATE KEY" not in repr(settings_for(client_certificate=client))
