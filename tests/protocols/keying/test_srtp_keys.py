from __future__ import annotations

import pytest

from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine


@pytest.mark.parametrize(
    ("name", "lengths", "aead"),
    [
        ("AEAD_AES_256_GCM", (32, 12, 16, 16), True),
        ("AEAD_AES_128_GCM", (16, 12, 16, 16), True),
        ("AES_256_CM_HMAC_SHA1_80", (32, 14, 10, 10), False),
        ("AES_CM_128_HMAC_SHA1_80", (16, 14, 10, 10), False),
        ("AES_256_CM_HMAC_SHA1_32", (32, 14, 4, 10), False),
        ("AES_CM_128_HMAC_SHA1_32", (16, 14, 4, 10), False),
    ],
)
def test_a_suite_is_as_its_rfc_has_it(
    name: str, lengths: tuple[int, int, int, int], aead: bool
) -> None:
    suite = SUITES[name]
    key, salt, tag, rtcp_tag = lengths
    assert (suite.name, suite.key_length, suite.salt_length) == (name, key, salt)
    assert (suite.tag_length, suite.rtcp_tag_length, suite.aead) == (tag, rtcp_tag, aead)
    assert suite.master_length == key + salt
    assert suite.short_tag == (tag < 10)


def test_the_table_is_whole() -> None:
    assert next(iter(SUITES)) == "AEAD_AES_256_GCM"
    assert len(SUITES) == 6


def test_lines_have_the_same_key_whatever_else_they_say() -> None:
    gcm, cm = SUITES["AEAD_AES_128_GCM"], SUITES["AES_CM_128_HMAC_SHA1_80"]
    short = SUITES["AES_CM_128_HMAC_SHA1_32"]
    line = CryptoLine(1, cm, Secret(bytes(30)))
    assert line.same_key(CryptoLine(7, cm, Secret(bytes(30)), 1 << 31, b"\1"))
    assert not line.same_key(CryptoLine(1, cm, Secret(bytes(29) + b"\1")))
    assert not line.same_key(CryptoLine(1, short, Secret(bytes(30))))
    assert not line.same_key(CryptoLine(1, gcm, Secret(bytes(28))))
    assert "•••" in repr(line)
