from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

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


TEXTS = {
    suite.name: base64.b64encode(bytes(range(1, 1 + suite.master_length))).decode()
    for suite in SUITES.values()
}
LONG_TAGS = sorted(suite.name for suite in SUITES.values() if not suite.short_tag)
SHORT_TAGS = sorted(suite.name for suite in SUITES.values() if suite.short_tag)


def line(
    tag: int = 1, suite: str = CM80, lifetime: int | None = None, mki: bytes = b""
) -> CryptoLine:
    return CryptoLine(tag, SUITES[suite], Secret(base64.b64decode(TEXTS[suite])), lifetime, mki)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"1 {CM80} inline:{TEXT_30}", line()),
        (f"0 {CM80} inline:{TEXT_30}", line(0)),
        (f"999999999 {CM80} inline:{TEXT_30}", line(999999999)),
        *((f"1 {name} inline:{TEXTS[name]}", line(suite=name)) for name in LONG_TAGS),
        *((f"1 {name} inline:{TEXTS[name].rstrip('=')}", line(suite=name)) for name in LONG_TAGS),
        (f"1 {CM80} inline:{TEXT_30}|2^31", line(lifetime=1 << 31)),
        (f"1 {CM80} inline:{TEXT_30}|2^48", line(lifetime=1 << 48)),
        (f"1 {CM80} inline:{TEXT_30}|2^20", line(lifetime=1 << 20)),
        (f"1 {CM80} inline:{TEXT_30}|2147483648", line(lifetime=1 << 31)),
        (f"0 {GCM} inline:{TEXT_44}|2^31|1:1", line(0, GCM, 1 << 31, b"\1")),
        (f"1 {CM80} inline:{TEXT_30}|1066:4", line(mki=b"\0\0\x04\x2a")),
        (f"1 {CM80} inline:{TEXT_30}|2^20|255:1", line(lifetime=1 << 20, mki=b"\xff")),
        (f"1 {CM80} inline:{TEXT_30}|1:128", line(mki=bytes(127) + b"\1")),
        (f"1 {CM80} inline:{TEXT_30}|{256**128 - 1}:128", line(mki=b"\xff" * 128)),
        (f"1 \t{CM80}   inline:{TEXT_30} ", line()),
        (f"1 {CM80} inline:{TEXT_30} WSH=64", line()),
        (f"1 {CM80} inline:{TEXT_30} -EXTRA=1 WSH=1024", line()),
    ],
)
def test_a_usable_line_is_read(value: str, expected: CryptoLine) -> None:
    assert parse_crypto(value) == expected


@pytest.mark.parametrize("name", SHORT_TAGS)
def test_a_short_tag_is_taken_only_where_it_is_asked_for(name: str) -> None:
    value = f"1 {name} inline:{TEXTS[name]}"
    skipped = parse_crypto(value)
    assert isinstance(skipped, SkippedCrypto)
    assert skipped.rule == "suite-short-tag"
    assert parse_crypto(value, short_tags=True) == line(suite=name)


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
        (f"01 {CM80} inline:{TEXT_30}", "syntax"),
        (f"00 {CM80} inline:{TEXT_30}", "syntax"),
        (f"1 {CM80} inline:{TEXT_30}\x00", "syntax"),
        (f"1 {CM80} inline:{TEXT_30}\n2 {CM80} inline:{TEXT_30}", "syntax"),
        (f"1  inline:{TEXT_30}", "syntax"),
        (f"1 AES_CM_128_HMAC_SHA1_32 inline:{TEXT_30}", "suite-short-tag"),
        (f"1 AES_192_CM_HMAC_SHA1_80 inline:{TEXT_30}", "suite-unknown"),
        (f"1 AEAD_AES_128_GCM_8 inline:{TEXT_30}", "suite-unknown"),
        (f"1 AES_CM_256_HMAC_SHA1_80 inline:{TEXT_30}", "suite-unknown"),
        (f"1 {CM80.lower()} inline:{TEXT_30}", "suite-unknown"),
        (f"1 NULL_HMAC_SHA1_80 inline:{TEXT_30}", "suite-forbidden"),
        (f"1 NULL_CIPHER_AUTH inline:{TEXT_30}", "suite-forbidden"),
        (f"1 F8_128_HMAC_SHA1_80 inline:{TEXT_30}", "suite-forbidden"),
        (f"1 {CM80} uri:{TEXT_30}", "key-method"),
        (f"1 {CM80} {TEXT_30}", "key-method"),
        (f"1 {CM80} inline:{TEXT_30};inline:{TEXT_30}", "several-keys"),
        (f"1 {CM80} inline:{TEXT_30}|2^20|1:4;inline:{TEXT_30}|2^20|2:4", "several-keys"),
        (f"1 {CM80} inline:{TEXT_30}|2^31|2^31", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|1:4|2^31", "key-parameters"),
        (f"1 {CM80} inline:{TEXT_30}|1:4|1:4", "key-parameters"),
        (f"1 {CM80} inline:{TEXT_30}|2^31|1:4|", "key-parameters"),
        (f"1 {CM80} inline:{TEXT_30}|2^31|", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|:", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|1:", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|:4", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|0:4", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|01:4", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|-1:4", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|1:0", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|1:04", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|1:129", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|1:999999", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|256:1", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|1:4:4", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|{'9' * 309}:128", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|{'9' * 9000}:128", "master-key-identifier"),
        (f"1 {CM80} inline:{TEXT_30}|", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|0", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|031", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^0", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|3^20", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^020", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|2^-31", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|-2147483648", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|0x80000000", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}||1:4", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|1|1:4", "lifetime"),
        (f"1 {CM80} inline:{TEXT_30}|1048575", "lifetime"),
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
        (f"1 {CM80} inline:{base64.b64encode(bytes(16) + KEY_30[:14]).decode()}", "key-zero"),
        (f"1 AEAD_AES_128_GCM inline:{TEXT_30}", "key-length"),
        (f"1 AEAD_AES_128_GCM inline:{TEXT_44}", "key-length"),
        (f"1 AES_256_CM_HMAC_SHA1_80 inline:{TEXT_30}", "key-length"),
        (f"1 AES_256_CM_HMAC_SHA1_80 inline:{TEXT_44}", "key-length"),
        (f"1 {CM80} inline:{'A' * 60_000}", "key-length"),
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
    assert format_crypto(line(7, GCM)) == f"7 {GCM} inline:{TEXT_44}"
    assert TEXT_44.endswith("=")


@pytest.mark.parametrize("tag", [-1, 1_000_000_000])
def test_a_tag_out_of_range_is_not_written(tag: int) -> None:
    with pytest.raises(LocalError, match="one to nine digits"):
        format_crypto(CryptoLine(tag, SUITES[CM80], Secret(KEY_30)))


def test_a_key_of_the_wrong_length_is_not_written() -> None:
    with pytest.raises(LocalError, match="takes 44 octets of key and salt, not 30"):
        format_crypto(CryptoLine(1, SUITES[GCM], Secret(KEY_30)))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"lifetime": 0}, "2\\^48 packets, not 0"),
        ({"lifetime": (1 << 48) + 1}, "2\\^48 packets"),
        ({"mki": bytes(4)}, "number above 0"),
        ({"mki": b"\1" * 129}, "1 to 128 octets"),
    ],
)
def test_a_lifetime_or_identifier_out_of_range_is_not_written(
    change: dict[str, Any], text: str
) -> None:
    with pytest.raises(LocalError, match=text):
        format_crypto(replace(line(), **change))


def test_a_lifetime_is_written_as_a_power_of_two_where_it_is_one() -> None:
    written = format_crypto(line(lifetime=1 << 31, mki=b"\0\7"))
    assert written == f"1 {CM80} inline:{TEXT_30}|2^31|7:2"
    assert format_crypto(line(lifetime=3_000_000)).endswith("|3000000")


@given(
    tag=st.integers(0, 999_999_999),
    suite=st.sampled_from(sorted(SUITES)),
    seed=st.binary(min_size=46, max_size=46).filter(lambda octets: any(octets[:16])),
    lifetime=st.none() | st.integers(1 << 20, 1 << 48),
    mki=st.just(b"") | st.binary(min_size=1, max_size=128).filter(any),
)
def test_what_is_written_is_read_back(
    tag: int, suite: str, seed: bytes, lifetime: int | None, mki: bytes
) -> None:
    key = Secret(seed[: SUITES[suite].master_length])
    written = CryptoLine(tag, SUITES[suite], key, lifetime, mki)
    assert parse_crypto(format_crypto(written), short_tags=True) == written


@given(st.text() | st.from_regex(r"[0-9]{1,9} [A-Z0-9_]{1,30} inline:[!-~]{0,70}( [!-~]+)?"))
def test_no_text_makes_it_raise(value: str) -> None:
    parse_crypto(value)
