from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.profiles import (
    OPENSSL_NAMES,
    PROFILES,
    exported_length,
    split_exported,
)
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.srtp_keys import CryptoSuite


def test_the_order_of_preference_and_no_weak_profile() -> None:
    assert [suite.name for suite in PROFILES] == [
        "AEAD_AES_256_GCM",
        "AEAD_AES_128_GCM",
        "AES_CM_128_HMAC_SHA1_80",
    ]
    assert set(OPENSSL_NAMES) == {suite.name for suite in PROFILES}


@pytest.mark.parametrize("suite", PROFILES, ids=lambda suite: suite.name)
def test_the_lengths_are_those_of_the_profiles(suite: CryptoSuite) -> None:
    lengths = {
        "AEAD_AES_256_GCM": (32, 12),
        "AEAD_AES_128_GCM": (16, 12),
        "AES_CM_128_HMAC_SHA1_80": (16, 14),
    }
    assert (suite.key_length, suite.salt_length) == lengths[suite.name]


@pytest.mark.parametrize("suite", PROFILES, ids=lambda suite: suite.name)
def test_what_was_exported_is_cut_as_rfc_5764_has_it(suite: CryptoSuite) -> None:
    parts = [
        bytes((fill,)) * length
        for fill, length in (
            (0xC1, suite.key_length),
            (0x51, suite.key_length),
            (0xC2, suite.salt_length),
            (0x52, suite.salt_length),
        )
    ]
    client, server = parts[0] + parts[2], parts[1] + parts[3]
    active = split_exported(b"".join(parts), suite, Role.ACTIVE)
    passive = split_exported(b"".join(parts), suite, Role.PASSIVE)
    assert (active.send.master.reveal(), active.receive.master.reveal()) == (client, server)
    assert (passive.send.master.reveal(), passive.receive.master.reveal()) == (server, client)
    assert active.send.suite == suite


@pytest.mark.parametrize("suite", PROFILES, ids=lambda suite: suite.name)
@given(length=st.integers(0, 200))
def test_a_wrong_length_gives_no_keys(suite: CryptoSuite, length: int) -> None:
    if length != exported_length(suite):
        with pytest.raises(LocalError):
            split_exported(bytes(range(length)), suite, Role.ACTIVE)


def test_one_key_for_both_directions_gives_no_keys() -> None:
    with pytest.raises(LocalError):
        split_exported(bytes(exported_length(PROFILES[0])), PROFILES[0], Role.ACTIVE)
