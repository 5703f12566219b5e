from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.keying.dtls.pair import OURS, THEIRS

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.fingerprint import (
    HASHES,
    Fingerprint,
    SkippedFingerprint,
    fingerprint_of,
    format_fingerprint,
    match_fingerprint,
    parse_fingerprint,
)

HEX_32 = ":".join(f"{each:02X}" for each in range(32))


def test_what_is_written_is_the_hash_in_upper_case_with_colons() -> None:
    certificate = OURS.certificate
    digest = hashlib.sha256(certificate).hexdigest().upper()
    expected = "sha-256 " + ":".join(digest[i : i + 2] for i in range(0, 64, 2))
    assert format_fingerprint(fingerprint_of(certificate)) == expected


@pytest.mark.parametrize("name", HASHES)
def test_what_is_written_is_read(name: str) -> None:
    fingerprint = fingerprint_of(OURS.certificate, name)
    assert parse_fingerprint(format_fingerprint(fingerprint)) == fingerprint


@pytest.mark.parametrize(
    "value", [f"SHA-256 {HEX_32}", f"sha-256 {HEX_32.lower()}", f"sha-256\t {HEX_32} "]
)
def test_case_and_blanks_make_no_difference(value: str) -> None:
    assert parse_fingerprint(value) == Fingerprint("sha-256", bytes(range(32)))


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("", "syntax"),
        ("sha-256", "syntax"),
        (f"sha-256{HEX_32}", "syntax"),
        (HEX_32, "syntax"),
        (f"sha-256 {HEX_32}:", "syntax"),
        (f"sha-256 {HEX_32.replace(':', '')}", "syntax"),
        (f"sha-256 {HEX_32} x", "syntax"),
        (f"sha-256 {HEX_32}\u0661", "syntax"),
        (f"sha-256 {HEX_32[:-3]}", "length"),
        (f"sha-512 {HEX_32}", "length"),
        ("sha-256 " + ":".join(["00"] * 4000), "length"),
        ("sha-1 " + HEX_32[:59], "hash"),
        ("sha-224 " + HEX_32[:83], "hash"),
        ("md5 " + HEX_32[:47], "hash"),
        ("md2 " + HEX_32[:47], "hash"),
        (f"sha-257 {HEX_32}", "hash"),
        (f"{'x' * 65} {HEX_32}", "syntax"),
    ],
)
def test_what_can_t_be_used_is_skipped_with_its_rule(value: str, rule: str) -> None:
    skipped = parse_fingerprint(value)
    assert isinstance(skipped, SkippedFingerprint)
    assert skipped.rule == rule


@given(st.text())
def test_no_text_raises(value: str) -> None:
    assert parse_fingerprint(value) is not None


def test_an_unknown_hash_is_the_caller_s_fault() -> None:
    with pytest.raises(LocalError):
        fingerprint_of(OURS.certificate, "sha-1")


def of(certificate: bytes, *names: str) -> list[Fingerprint]:
    return [fingerprint_of(certificate, name) for name in names]


@pytest.mark.parametrize("name", HASHES)
def test_a_certificate_matches_its_own_fingerprint_alone(name: str) -> None:
    assert match_fingerprint(OURS.certificate, of(OURS.certificate, name)) is not None
    assert match_fingerprint(OURS.certificate, of(THEIRS.certificate, name)) is None


def test_one_of_several_certificates_is_enough() -> None:
    announced = of(THEIRS.certificate, "sha-256") + of(OURS.certificate, "sha-256")
    assert match_fingerprint(OURS.certificate, announced) == announced[1]


@pytest.mark.parametrize("order", [1, -1])
def test_only_the_strongest_announced_hash_counts(order: int) -> None:
    announced = of(OURS.certificate, "sha-256") + of(THEIRS.certificate, "sha-512")
    assert match_fingerprint(OURS.certificate, announced[::order]) is None
    assert match_fingerprint(THEIRS.certificate, announced[::order]) == announced[1]


def test_nothing_announced_matches_nothing() -> None:
    assert match_fingerprint(OURS.certificate, []) is None


def test_every_octet_of_the_hash_counts() -> None:
    good = fingerprint_of(OURS.certificate)
    for place in range(32):
        changed = bytearray(good.digest)
        changed[place] ^= 1
        assert match_fingerprint(OURS.certificate, [Fingerprint("sha-256", bytes(changed))]) is None
