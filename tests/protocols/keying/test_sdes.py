from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.protocols.keying.sdes import SkippedCrypto, format_crypto, parse_crypto
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine

CM80 = "AES_CM_128_HMAC_SHA1_80"
GCM = "AEAD_AES_256_GCM"
KEY_30 = bytes(range(1, 31))
KEY_44 = bytes(range(1, 45))
TEXT_30 = base64.b64encode(KEY_30).decode()
TEXT_44 = base64.b64encode(KEY_44).decode()


@pytest.mark.parametrize(
    ("value", "tag", "suite", "master"),
    [
        (f"1 {CM80} inline:{TEXT_30}", 1, CM80, KEY_30),
        (f"0 {CM80} inline:{TEXT_30}", 0, CM80, KEY_30),
        (f"999999999 {CM80} inline:{TEXT_30}", 999999999, CM80, KEY_30),
        (f"1 {GCM} inline:{TEXT_44}", 1, GCM, KEY_44),
        (f"1 {GCM} inline:{TEXT_44.rstrip('=')}", 1, GCM, KEY_44),
        (f"1 {CM80} inline:{TEXT_30}|2^31", 1, CM80, KEY_30),
        (f"1 {CM80} inline:{TEXT_30}|2^48", 1, CM80, KEY_30),
        (f"1 {CM80} inline:{TEXT_30}|2^20", 1, CM80, KEY_30),
        (f"1 {CM80} inline:{TEXT_30}|2147483648", 1, CM80, KEY_30),
        (f"1 \t{CM80}   inline:{TEXT_30} ", 1, CM80, KEY_30),
        (f"1 {CM80} inline:{TEXT_30} WSH=64", 1, CM80, KEY_30),
        (f"1 {CM80} inline:{TEXT_30} -EXTRA=1 WSH=1024", 1, CM80, KEY_30),
    ],
)
def test_a_usable_line_is_read(value: str, tag: int, suite: str, master: bytes) -> None:
    assert parse_crypto(value) == CryptoLine(tag, SUITES[suite], Secret(master))


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("", "syntax"),
        ("1", "syntax"),
        (f"1 {CM80}", "syntax"),
        (f"x {CM80} inline:{TEXT_30}", "syntax"),
        (f"-1 {CM80} inline:{TEXT_30}", "syntax"),
        (f"1234567890 {CM80} inline:{TEXT_30}", "syntax"),
        (f"\u0661 {CM80} inline:{TEXT_30}", "syntax"),
        (f"1 {CM80} inline:{TEXT_30} caf\u00e9", "syntax"),
        (f"1 AES_CM_128_HMAC_SHA1_32 inline:{TEXT_30}", "suite-unknown"),
        (f"1 AES_CM_256_HMAC_SHA1_80 inline:{TEXT_30}", "suite-unknown"),
        (f"1 {CM80.lower()} inline:{TEXT_30}", "suite-unknown"),
        (f"1 NULL_HMAC_SHA1_80 inline:{TEXT_30}", "suite-forbidden"),
        (f"1 NULL_CIPHER_AUTH inline:{TEXT_30}", "suite-forbidden"),
        (f"1 F8_128_HMAC_SHA1_80 inline:{TEXT_30}", "suite-forbidden"),
        (f"1 {CM80} uri:{TEXT_30}", "key-method"),
        (f"1 {CM80} {TEXT_30}", "key-method"),
        (f"1 {CM80} inline:{TEXT_30};inline:{TEXT_30}", "several-keys"),
        (f"1 {CM80} inline:{TEXT_30}|2^20|1:4;inline:{TEXT_30}|2^20|2:4", "several-keys"),
        (f"1 {CM80} inline:{TEXT_30}|1066:4", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|2^31|1:4", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|2^31|2^31", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|0", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|031", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^0", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^49", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^19", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|281474976710657", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|{'9' * 3000}", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^99", "lifetime"),
        (f"1 {CM80} inline:{TEXT_44}", "key-length"),
        (f"1 {GCM} inline:{TEXT_30}", "key-length"),
        (f"1 {CM80} inline:{base64.b64encode(KEY_30[:29]).decode()}", "key-length"),
        (f"1 {CM80} inline:", "key-length"),
        (f"1 {CM80} inline:{base64.b64encode(bytes(30)).decode()}", "key-zero"),
        (f"1 {CM80} inline:{TEXT_30[:-1]}", "key-length"),
        (f"1 {CM80} inline:{TEXT_30[:-3]}", "base64"),
        (f"1 {CM80} inline:{TEXT_30[:-1]}*", "base64"),
        (f"1 {CM80} inline:{TEXT_30}=", "base64"),
        (f"1 {GCM} inline:{TEXT_44}=", "base64"),
        (f"1 {GCM} inline:={TEXT_44[1:]}", "base64"),
        (f"1 {GCM} inline:{TEXT_44[:20]}={TEXT_44[21:]}", "base64"),
        (f"1 {CM80} inline:{TEXT_30[:-1]}_", "base64"),
        (f"1 {CM80} inline:{TEXT_30} UNENCRYPTED_SRTP", "unencrypted"),
        (f"1 {CM80} inline:{TEXT_30} UNENCRYPTED_SRTCP", "unencrypted"),
        (f"1 {CM80} inline:{TEXT_30} WSH=128 UNENCRYPTED_SRTCP", "unencrypted"),
        (f"1 {CM80} inline:{TEXT_30} UNAUTHENTICATED_SRTP", "unauthenticated"),
        (f"1 {CM80} inline:{TEXT_30} KDR=1", "key-derivation-rate"),
        (f"1 {CM80} inline:{TEXT_30} FEC_ORDER=FEC_SRTP", "forward-error-correction"),
        (f"1 {CM80} inline:{TEXT_30} FEC_KEY=inline:{TEXT_30}", "forward-error-correction"),
        (f"1 {CM80} inline:{TEXT_30} WSH=63", "window-size-hint"),
        (f"1 {CM80} inline:{TEXT_30} WSH=", "window-size-hint"),
        (f"1 {CM80} inline:{TEXT_30} WSH=0128", "window-size-hint"),
        (f"1 {CM80} inline:{TEXT_30} SOMETHING", "session-parameter"),
        (f"1 {CM80} inline:{TEXT_30} unencrypted_srtp", "session-parameter"),
    ],
)
def test_an_unusable_line_is_skipped_by_its_rule(value: str, rule: str) -> None:
    skipped = parse_crypto(value)
    assert isinstance(skipped, SkippedCrypto)
    assert skipped.rule == rule
    assert TEXT_30[:8] not in skipped.reason


def test_a_key_is_written_padded() -> None:
    line = CryptoLine(7, SUITES[GCM], Secret(KEY_44))
    assert format_crypto(line) == f"7 {GCM} inline:{TEXT_44}"
    assert TEXT_44.endswith("=")


@pytest.mark.parametrize("tag", [-1, 1_000_000_000])
def test_a_tag_out_of_range_is_not_written(tag: int) -> None:
    with pytest.raises(LocalError, match="one to nine digits"):
        format_crypto(CryptoLine(tag, SUITES[CM80], Secret(KEY_30)))


def test_a_key_of_the_wrong_length_is_not_written() -> None:
    with pytest.raises(LocalError, match="takes 44 octets of key and salt, not 30"):
        format_crypto(CryptoLine(1, SUITES[GCM], Secret(KEY_30)))


@given(
    tag=st.integers(0, 999_999_999),
    suite=st.sampled_from(sorted(SUITES)),
    seed=st.binary(min_size=44, max_size=44).filter(lambda octets: any(octets[:30])),
    padded=st.booleans(),
)
def test_what_is_written_is_read_back(tag: int, suite: str, seed: bytes, padded: bool) -> None:
    line = CryptoLine(tag, SUITES[suite], Secret(seed[: SUITES[suite].master_length]))
    text = format_crypto(line)
    assert parse_crypto(text if padded else text.rstrip("=")) == line


@given(st.text() | st.from_regex(r"[0-9]{1,9} [A-Z0-9_]{1,30} inline:[!-~]{0,70}( [!-~]+)?"))
def test_no_text_makes_it_raise(value: str) -> None:
    parse_crypto(value)
