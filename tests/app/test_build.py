from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.app.practice_desk import DOMAIN, PASSWORD

from offhook.app.build import Builder, crl_ders
from offhook.app.commands.session import read_builder
from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki


def crl(serial: int) -> x509.CertificateRevocationList:
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"authority {serial}")])
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name)
        .last_update(now)
        .next_update(now + dt.timedelta(days=7))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )


def test_lists_are_read_from_der_and_from_pem_files_with_several() -> None:
    lists = [crl(1), crl(2)]
    ders = [each.public_bytes(serialization.Encoding.DER) for each in lists]
    pems = [each.public_bytes(serialization.Encoding.PEM) for each in lists]
    assert crl_ders(ders[0]) == ders[:1]
    assert crl_ders(b"a comment\n" + b"\n".join(pems)) == ders


def test_a_broken_pem_list_is_named() -> None:
    with pytest.raises(LocalError, match=r"trust\.crls"):
        crl_ders(b"-----BEGIN X509 CRL-----\nA\n-----END X509 CRL-----\n")


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    files = make_practice_pki(tmp_path, DOMAIN)
    access = PhoneAccess(
        DOMAIN, "phone", Secret(PASSWORD), PathAddress("127.0.0.1", 5061), files.ca
    )
    return read_builder(write_phone_settings(tmp_path, access))


def test_what_the_peer_must_prove_is_the_domain_and_never_the_address(builder: Builder) -> None:
    (account,) = builder.settings.accounts
    assert account.server == "127.0.0.1:5061"
    assert builder.tls(account).service_name == DOMAIN


def test_the_identity_of_the_policy_changes_with_the_anchors(
    builder: Builder, tmp_path: Path
) -> None:
    (account,) = builder.settings.accounts
    before = builder.tls(account).policy_id
    make_practice_pki(tmp_path, DOMAIN)
    after = read_builder(tmp_path / "settings.toml")
    assert after.tls(after.settings.accounts[0]).policy_id != before


def test_a_password_that_others_can_read_is_refused_with_the_remedy(
    builder: Builder, tmp_path: Path
) -> None:
    (tmp_path / "password").chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        builder.accounts()


def test_no_part_shows_a_secret(builder: Builder) -> None:
    assert PASSWORD not in repr(builder)
    assert PASSWORD not in repr([vars(each) for each in builder.accounts()])
