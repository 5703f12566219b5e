"""What a flow is made from: anchors, client certificate, and nothing out of the environment."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tests.certificates import forge
from tests.certificates.forge import Issued, ca_wish, issue, leaf
from tests.shells.net.tls_peer import (
    TlsPeer,
    dial,
    dialled,
    refused_unconnected,
    server_context,
    settings_for,
)

from offhook.shells.net.tls import (
    TlsRefused,
    TlsSettings,
)
from offhook.shells.net.tls_context import NO_CHECK_TIME, current_anchors, make_context

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["tls-1.2", "tls-1.3"])
GOOD = leaf()


def made(settings: TlsSettings) -> ssl.SSLContext:
    return make_context(settings, current_anchors(settings))


def test_without_a_ca_there_is_no_connection_and_the_error_says_why() -> None:
    refusal = refused_unconnected(settings_for(anchors=()))

    assert refusal.rule == "no-anchors"
    assert "no trust anchor (CA) is configured" in refusal.detail


@pytest.mark.parametrize("anchor", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nMII"])
def test_an_anchor_that_is_no_certificate_is_refused(anchor: bytes) -> None:
    assert (
        refused_unconnected(settings_for(anchors=(forge.root().pem, anchor))).rule
        == "anchors-unreadable"
    )


def test_an_anchor_that_is_no_ca_does_not_count() -> None:
    assert refused_unconnected(settings_for(anchors=(GOOD.pem,))).rule == "no-anchors"


def test_anchors_are_taken_in_pem_bundles_and_in_der() -> None:
    other = issue(ca_wish("Second of a bundle"))

    for anchors in ((other.pem + forge.root().pem,), (other.der, forge.root().der)):
        found = current_anchors(settings_for(anchors=anchors))
        assert set(found) == {other.der, forge.root().der}


def renewed_root() -> tuple[Issued, Issued]:
    """A root and its renewal: same name, same key, the first one over."""
    old = issue(ca_wish("Renewed root", end=datetime(2025, 1, 1, tzinfo=UTC)))
    return old, issue(ca_wish("Renewed root", key=old.key))


@pytest.mark.parametrize("order", [1, -1])
def test_an_expired_root_beside_its_renewal_does_no_harm(order: int) -> None:
    old, new = renewed_root()

    async def scenario() -> None:
        async with TlsPeer(server_context(leaf(issuer=new))) as peer:
            settings = settings_for(anchors=(old.pem, new.pem)[::order])
            async with dialled(peer.address, settings) as flow:
                await flow.echoed()

    asyncio.run(scenario())


def test_an_expired_root_alone_is_named_as_expired() -> None:
    old, new = renewed_root()

    async def scenario() -> None:
        async with TlsPeer(server_context(leaf(issuer=new))) as peer:
            with pytest.raises(TlsRefused) as refused:
                await dial(peer.address, settings_for(anchors=(old.pem,)))
            assert refused.value.rule == "expired"
            assert "root certificate" in refused.value.detail

    asyncio.run(scenario())


def test_openssl_does_not_judge_time() -> None:
    """The host's clock, which OpenSSL would use, lies in none of these years."""
    far = leaf(
        start=datetime(2090, 1, 1, tzinfo=UTC),
        end=datetime(2091, 1, 1, tzinfo=UTC),
        issuer=issue(ca_wish("Far root", end=datetime(2099, 1, 1, tzinfo=UTC))),
    )
    anchors = (far.above[-1].public_bytes(serialization.Encoding.PEM),)
    clock = datetime(2090, 6, 1, tzinfo=UTC).timestamp()

    async def scenario() -> None:
        async with TlsPeer(server_context(far)) as peer:
            async with dialled(peer.address, settings_for(anchors=anchors, clock=clock)) as flow:
                await flow.echoed()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("offhook.shells.net.tls_context.NO_CHECK_TIME", 0)
                with pytest.raises(TlsRefused):
                    await dial(peer.address, settings_for(anchors=anchors, clock=clock))

    asyncio.run(scenario())
    assert made(settings_for()).verify_flags & NO_CHECK_TIME


def test_the_context_offers_what_it_should_and_no_more() -> None:
    context = made(settings_for())

    assert context.minimum_version is TLS12
    assert context.maximum_version is TLS13
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    names = {cipher["name"] for cipher in context.get_ciphers()}
    assert names
    for name in names:
        assert name.startswith(("TLS_", "ECDHE-"))
        assert "GCM" in name or "POLY1305" in name


def test_sslkeylogfile_has_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))

    async def scenario() -> None:
        async with (
            TlsPeer(server_context(GOOD)) as peer,
            dialled(peer.address, settings_for()) as flow,
        ):
            await flow.echoed()

    asyncio.run(scenario())

    assert not log.exists()
    ssl.create_default_context()
    assert log.exists(), "the control: Python's default context does write there"


def test_the_systems_anchors_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = issue(ca_wish("A system's root"))
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(stranger.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    async def scenario() -> None:
        async with TlsPeer(server_context(leaf(issuer=stranger))) as peer:
            with pytest.raises(TlsRefused) as refused:
                await dial(peer.address, settings_for())
            assert refused.value.rule == "unknown-ca"

    asyncio.run(scenario())


def test_openssls_configuration_file_weakens_nothing(tmp_path: Path) -> None:
    configuration = tmp_path / "openssl.cnf"
    configuration.write_text(
        "openssl_conf = init\n[init]\nssl_conf = modules\n[modules]\nsystem_default = weak\n"
        "[weak]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n"
        "Options = UnsafeLegacyServerConnect,UnsafeLegacyRenegotiation\n"
    )
    program = """
from tests.shells.net.tls_peer import settings_for
from offhook.shells.net.tls_context import current_anchors, make_context
context = make_context(settings_for(), current_anchors(settings_for()))
print(context.minimum_version.name, context.security_level, context.options & 0x40004)
print(*sorted({cipher["name"] for cipher in context.get_ciphers()}))
"""
    environment = os.environ | {
        "OPENSSL_CONF": str(configuration),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    first, names = printed.splitlines()
    assert first == "TLSv1_2 2 0"
    assert names.split() == sorted(cipher["name"] for cipher in made(settings_for()).get_ciphers())


def test_a_suite_of_tls_13_that_is_not_on_the_list_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenSSL's configuration could let one in, such as AES-CCM with its short tag."""
    monkeypatch.setattr("offhook.shells.net.tls_stream.TLS13_CIPHERS", frozenset({"another"}))

    async def scenario() -> None:
        async with TlsPeer(server_context(GOOD, version=TLS13)) as peer:
            with pytest.raises(TlsRefused) as refused:
                await dial(peer.address, settings_for())
            assert refused.value.rule == "cipher"
            await peer.connections[-1].gone.wait()
            assert not peer.connections[-1].handshaken

    asyncio.run(scenario())
