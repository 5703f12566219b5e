from __future__ import annotations

import warnings
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from tests.protocols.keying.dtls.pair import BEGAN, OURS, THEIRS, YEAR

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.identity import make_identity


def certificate() -> x509.Certificate:
    return x509.load_der_x509_certificate(OURS.certificate)


def test_the_certificate_is_self_signed_ecdsa_on_p_256_with_sha_256() -> None:
    ours = certificate()
    key = ours.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert ours.signature_hash_algorithm is not None
    assert ours.signature_hash_algorithm.name == "sha256"
    ours.verify_directly_issued_by(ours)
    private = load_der_private_key(OURS.key.reveal(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert private.public_key() == key


def test_the_dates_are_those_that_were_passed_in() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = certificate()
        assert ours.not_valid_before_utc == datetime.fromtimestamp(BEGAN, UTC)
        assert ours.not_valid_after_utc == datetime.fromtimestamp(BEGAN + 10 * YEAR, UTC)


def test_the_certificate_names_nobody() -> None:
    ours = certificate()
    assert len(ours.extensions) == 0
    assert ours.subject.rfc4514_string() == "CN=DTLS-SRTP"


def test_two_phones_have_nothing_in_common() -> None:
    assert OURS.key != THEIRS.key
    assert OURS.fingerprint() != THEIRS.fingerprint()
    assert certificate().serial_number != (
        x509.load_der_x509_certificate(THEIRS.certificate).serial_number
    )


def test_the_key_is_not_shown() -> None:
    assert "•••" in repr(OURS)


@pytest.mark.parametrize("end", [BEGAN, BEGAN - 1])
def test_dates_the_wrong_way_round_are_the_caller_s_fault(end: float) -> None:
    with pytest.raises(LocalError):
        make_identity(BEGAN, end)
