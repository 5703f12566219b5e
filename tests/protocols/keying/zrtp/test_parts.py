"""The small parts: derivation, hash chain, authentication string, announcement, table."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.keying.zrtp import by_hand

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.algorithms import HashType, SasType
from offhook.protocols.keying.zrtp.chain import HashChain, PeerChain, image, is_sealed, sealed
from offhook.protocols.keying.zrtp.derivation import decrypt, encrypt, kdf
from offhook.protocols.keying.zrtp.drawing import draw
from offhook.protocols.keying.zrtp.hello_hash import (
    HelloHash,
    format_hello_hash,
    parse_hello_hash,
)
from offhook.protocols.keying.zrtp.sas import Sas, base32
from offhook.protocols.keying.zrtp.session import ZrtpSession, ZrtpSettings
from offhook.protocols.keying.zrtp.states import (
    MEANINGS,
    TRANSITIONS,
    ZrtpAction,
    ZrtpInput,
    ZrtpState,
)
from offhook.protocols.keying.zrtp.stream import ZrtpStream


@pytest.mark.parametrize(
    ("key", "segments"),
    [
        # NIST SP 800-38A F.3.13 and F.3.17: CFB128 with AES-128 and AES-256.
        (
            "2b7e151628aed2a6abf7158809cf4f3c",
            "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b",
        ),
        (
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b",
        ),
    ],
)
def test_cfb_is_that_of_nist(key: str, segments: str) -> None:
    iv = bytes(range(16))
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    hidden = encrypt(Secret(bytes.fromhex(key)), iv, plain)
    assert hidden.hex() == segments
    assert decrypt(Secret(bytes.fromhex(key)), iv, hidden) == plain


@given(
    st.sampled_from(list(HashType)),
    st.binary(min_size=1, max_size=64),
    st.text("abcXYZ ", min_size=1),
    st.binary(max_size=72),
    st.integers(1, 32),
)
def test_the_key_derivation_is_that_of_a_second_one(
    kind: HashType, key: bytes, label: str, context: bytes, length: int
) -> None:
    found = kdf(kind, Secret(key), label, context, length)
    assert found.reveal() == by_hand.kdf(kind.value, key, label, context, 8 * length)


def test_no_more_is_derived_than_the_hash_has() -> None:
    with pytest.raises(LocalError):
        kdf(HashType.S256, Secret(b"k"), "label", b"", 33)


def test_each_image_is_the_hash_of_the_one_before() -> None:
    chain = HashChain(SeededRandomness(1))
    assert chain.h1 == hashlib.sha256(chain.h0).digest()
    assert chain.h2 == hashlib.sha256(chain.h1).digest()
    assert chain.h3 == hashlib.sha256(chain.h2).digest()
    assert HashChain(SeededRandomness(2)).h0 != chain.h0


def test_a_sealed_message_is_the_keys_own() -> None:
    message = sealed(bytes(range(40)), b"k" * 32)
    expected = hmac.new(b"k" * 32, message[:-8], "sha256").digest()[:8]
    assert message == bytes(range(32)) + expected
    assert is_sealed(message, b"k" * 32)
    assert not is_sealed(message, b"l" * 32)
    assert not is_sealed(b"\1" + message[1:], b"k" * 32)


def test_images_may_be_skipped_and_their_messages_are_checked_all_the_same() -> None:
    chain = HashChain(SeededRandomness(1))
    hello = sealed(bytes(64), chain.h2)
    for altered, right in ((hello, True), (b"\1" + hello[1:], False)):
        peer = PeerChain(chain.h3, altered)
        peer.keep(1, sealed(bytes(32), chain.h1))
        assert peer.fits(0, chain.h0)
        assert not peer.fits(0, chain.h1)
        assert not peer.fits(1, chain.h0)
        assert peer.learn(0, chain.h0) is right


def test_an_image_may_not_come_a_second_time_as_an_older_one() -> None:
    chain = HashChain(SeededRandomness(1))
    peer = PeerChain(chain.h3, sealed(bytes(64), chain.h2))
    assert peer.fits(2, chain.h2)
    assert peer.learn(2, chain.h2)
    assert not peer.fits(1, chain.h2)
    assert not peer.fits(3, image(chain.h3))
    assert not peer.fits(3, chain.h2)


@pytest.mark.parametrize(
    ("value", "letters"),
    [
        (0x00000000, "yyyy"),
        (0x80000000, "oyyy"),
        (0x40000000, "eyyy"),
        (0xC0000000, "ayyy"),
        (0xF0BFC7FE, "6n9h"),
        (0xD47A04FF, "4t7y"),
        (0xFFFFFFFF, "9999"),
        (0x000FFFFF, "yy89"),
    ],
)
def test_base32_takes_the_leftmost_twenty_bits(value: int, letters: str) -> None:
    alphabet = "ybndrfg8ejkmcpqxot1uwisza345h769"
    bits = f"{value:032b}"
    expected = "".join(alphabet[int(bits[at : at + 5], 2)] for at in range(0, 20, 5))
    assert base32(value) == expected == letters


def test_the_string_in_letters_and_in_words() -> None:
    value = bytes.fromhex("e58202ff")
    letters = Sas(SasType.B32, value)
    assert letters.text == base32(0xE58202FF) == "".join(letters.parts)
    # The word list's own example.
    assert Sas(SasType.B256, value).parts == ("topmost", "Istanbul")
    assert Sas(SasType.B256, value).text == "topmost Istanbul"
    with pytest.raises(LocalError):
        base32(1 << 32)


def test_an_announcement_is_the_hash_of_the_whole_hello() -> None:
    stream = ZrtpStream(ZrtpSession(b"z" * 12, SeededRandomness(1)), 7)
    stream.start(0.0)
    (hello,) = stream.datagrams_to_send()
    assert stream.hello_hash == "1.10 " + hashlib.sha256(hello[12:-4]).hexdigest()
    found = parse_hello_hash(stream.hello_hash)
    assert found is not None
    assert found.usable
    assert found.names(hello[12:-4])
    assert not found.names(hello)
    assert format_hello_hash(hello[12:-4]) == stream.hello_hash


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1.10",
        "1.10 ",
        "1.10 00",
        "1.10 " + "0" * 63,
        "1.10 " + "0" * 65,
        "1.10 " + "g" * 64,
        "1.10" + "0" * 64,
        "x.10 " + "0" * 64,
        "1.10 " + "0" * 64 + " 1",
        "1.10 " + "0" * 64 + "\n",
        "1.10 " + "\N{FULLWIDTH DIGIT ZERO}" * 64,
    ],
)
def test_a_malformed_announcement_is_none(value: str) -> None:
    assert parse_hello_hash(value) is None


def test_an_announcement_may_be_in_capitals_and_of_another_version() -> None:
    assert parse_hello_hash("1.10 " + "AB" * 32) == HelloHash("1.10", b"\xab" * 32)
    other = parse_hello_hash("2.00 " + "ab" * 32)
    assert other is not None
    assert not other.usable


def test_the_table_speaks_of_every_state_input_and_action() -> None:
    assert {state for state, _ in TRANSITIONS} == set(ZrtpState)
    assert {met for _, met in TRANSITIONS} == set(ZrtpInput)
    done = {action for reached in TRANSITIONS.values() for action in reached.actions}
    assert done == set(ZrtpAction)
    assert set(MEANINGS) == set(ZrtpState)


def test_keys_are_told_only_on_the_way_into_the_secure_state() -> None:
    for (state, _), reached in TRANSITIONS.items():
        telling = ZrtpAction.TELL_SECURE in reached.actions
        assert telling == (reached.state is ZrtpState.SECURE and state is not ZrtpState.SECURE)


def test_nothing_leads_from_failure_to_keys() -> None:
    over = {ZrtpState.FAILING, ZrtpState.FAILED}
    for (state, _), reached in TRANSITIONS.items():
        if state in over:
            assert reached.state in over


def test_the_drawing_has_every_step() -> None:
    drawn = draw()
    for (state, met), reached in TRANSITIONS.items():
        line = rf"{state.value} --> {reached.state.value} : {re.escape(met.value)} /"
        assert re.search(line, drawn)


def test_the_document_shows_the_table_as_it_is() -> None:
    page = Path(__file__).parents[4] / "firmware" / "docs" / "zrtp.md"
    assert f"begins -->\n\n{draw()}\n<!--" in page.read_text()


def zid_too_short() -> object:
    return ZrtpSession(b"short", SeededRandomness(1))


def client_too_long() -> object:
    session = ZrtpSession(b"z" * 12, SeededRandomness(1), ZrtpSettings(client="x" * 17))
    return ZrtpStream(session, 7)


@pytest.mark.parametrize("make", [zid_too_short, client_too_long])
def test_what_does_not_fit_is_our_own_fault(make: Callable[[], object]) -> None:
    with pytest.raises(LocalError):
        make()
