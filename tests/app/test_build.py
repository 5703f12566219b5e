from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.app.practice_desk import DOMAIN, PASSWORD

from offhook.app.build import Builder, crl_ders, media_policy
from offhook.app.commands.session import read_builder
from offhook.base.errors import LocalError
from offhook.base.schema.trunk_profile import TrunkProfile
from offhook.base.schema.walker import walk
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.sdp.negotiation import MediaPolicy, Minimum
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


@pytest.mark.parametrize(
    ("terms", "policy"),
    [
        ({}, MediaPolicy(dtls=True, zrtp=True)),
        ({"keyings": ["sdes"]}, MediaPolicy()),
        ({"keyings": ["dtls-srtp"]}, MediaPolicy(sdes=None, dtls=True)),
        (
            {"minimum": "end to end", "keyings": ["zrtp"]},
            MediaPolicy(sdes=None, zrtp=True, minimum=Minimum.END_TO_END),
        ),
        (
            {"suites": ["AES_CM_128_HMAC_SHA1_32"], "short_tags": True, "keyings": ["sdes"]},
            MediaPolicy(sdes=SdesPolicy(("AES_CM_128_HMAC_SHA1_32",), short_tags=True)),
        ),
        (
            {"rtcp_mux": False, "ptime_ms": 40, "keyings": ["sdes"]},
            MediaPolicy(rtcp_mux=False, ptime_ms=40),
        ),
    ],
)
def test_a_trunks_terms_become_the_policy_of_its_calls(
    terms: dict[str, object], policy: MediaPolicy
) -> None:
    assert media_policy(walk(TrunkProfile, terms), ("PCMA", "PCMU")) == policy


def test_a_password_that_others_can_read_is_refused_with_the_remedy(
    builder: Builder, tmp_path: Path
) -> None:
    (tmp_path / "password").chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        builder.accounts(builder.keepsakes().of_calls)


def test_no_part_shows_a_secret(builder: Builder) -> None:
    assert PASSWORD not in repr(builder)
    assert PASSWORD not in repr(
        [vars(each) for each in builder.accounts(builder.keepsakes().of_calls)]
    )
