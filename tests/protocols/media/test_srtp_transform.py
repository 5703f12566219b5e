"""The transform of our own against the vectors of RFC 3711, RFC 6188 and RFC 7714."""

from __future__ import annotations

import hmac

import pytest
from tests.protocols.media.link import ALL_SUITES, key

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_80,
    CryptoSuite,
)
from offhook.protocols.media import srtp_transform
from offhook.protocols.media.srtp_transform import (
    GcmTransform,
    derive,
    keystream,
    make_transform,
)

suites = pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)

COUNTER_BLOCK = int("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000", 16)
KEYSTREAMS = {
    "RFC 3711 B.2": (
        "2B7E151628AED2A6ABF7158809CF4F3C",
        {
            0x0000: "E03EAD0935C95E80E166B16DD92B4EB4",
            0x0001: "D23513162B02D0F72A43A2FE4A5F97AB",
            0x0002: "41E95B3BB0A2E8DD477901E4FCA894C0",
            0xFEFF: "EC8CDF7398607CB0F2D21675EA9EA1E4",
            0xFF00: "362B7C3C6773516318A077D7FC5073AE",
            0xFF01: "6A2CC3787889374FBEB4C81B17BA6C44",
        },
    ),
    "RFC 6188 7.1": (
        "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
        {
            0x0000: "92bdd28a93c3f52511c677d08b5515a4",
            0x0001: "9da71b2378a854f67050756ded165bac",
            0x0002: "63c4868b7096d88421b563b8c94c9a31",
            0xFEFF: "cea518c90fd91ced9cbb18c078a54711",
            0xFF00: "3dbc4814f4da5f00a08772b63c6a046d",
            0xFF01: "6eb246913062a16891433e97dd01a57f",
        },
    ),
    "RFC 6188 7.3": (
        "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
        {
            0x0000: "35096cba4610028dc1b57503804ce37c",
            0x0001: "5de986291dcce161d5165ec4568f5c9a",
            0x0002: "474a40c77894bc17180202272a4c264d",
            0xFEFF: "d108d1a31a00bad6367ec23eb044b415",
            0xFF00: "c8f57129fdeb970b59f917b257662d4c",
            0xFF01: "a5dab625811034e8cebdfeb6dc158dd3",
        },
    ),
}
DERIVATIONS = {
    "RFC 3711 B.3": (
        "E1F97A0D3E018BE0D64FA32C06DE4139",
        "0EC675AD498AFEEBB6960B3AABE6",
        "C61E7A93744F39EE10734AFE3FF7A087",
        "30CBBC08863D8C85D49DB34A9AE1",
        (
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE"
            "E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25"
            "6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2"
        ),
    ),
    "RFC 6188 7.2": (
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
        "3b04803de51ee7c96423ab5b78d2",
        "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
        "fa31791685ca444a9e07c6c64e93",
        "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
    ),
    "RFC 6188 7.4": (
        "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1",
        "c8522f3acd4ce86d5add78edbb11",
        "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb",
        "2372b82d639b6d8503a47adc0a6c",
        "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb",
    ),
}

GALLIA = (
    "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669"
    "736120696e207061727465732074726573"
)
QUID_PRO_QUO = "517569642070726f2071756f"
SEALED = {
    "RFC 7714 16.1.1": (
        AEAD_AES_128_GCM,
        (
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd5"
            "0d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"
        ),
    ),
    "RFC 7714 16.2.1": (
        AEAD_AES_256_GCM,
        (
            "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab1801238"
            "9a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13"
        ),
    ),
}
MARS = (
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
)
SEALED_REPORTS = {
    "RFC 7714 17.1": (
        AEAD_AES_128_GCM,
        (
            "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32d"
            "c676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf872"
            "45d9eade800005d4"
        ),
    ),
    "RFC 7714 17.2": (
        AEAD_AES_256_GCM,
        (
            "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50"
            "a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6c"
            "b26ac3be800005d4"
        ),
    ),
}
TAGGED_REPORTS = {
    "RFC 7714 17.3": (
        AEAD_AES_128_GCM,
        f"{MARS}841dd9683dd78ec92ae58790125f62b3000005d4",
    ),
    "RFC 7714 17.4": (
        AEAD_AES_256_GCM,
        f"{MARS}91db4afbfeee5a978fab4393ed2615fe000005d4",
    ),
}
TAGGED = {
    "RFC 7714 16.1.3": (AEAD_AES_128_GCM, f"{GALLIA}22493f82d2bce397e9d79e3b19aa4216"),
    "RFC 7714 16.2.3": (AEAD_AES_256_GCM, f"{GALLIA}a866d5910f887463067ceefec45215d4"),
}


def of(cases: dict[str, tuple[CryptoSuite, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("suite", "made"), cases.values(), ids=cases)


@pytest.fixture
def session_keys_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7714's vectors begin behind the key derivation."""

    def given(key: bytes, salt: bytes, label: int, octets: int) -> bytes:
        return salt[:octets] if label in (2, 5) else key[:octets]

    monkeypatch.setattr(srtp_transform, "derive", given)


def gcm(suite: CryptoSuite) -> GcmTransform:
    master = bytes(range(suite.key_length)) + bytes.fromhex(QUID_PRO_QUO)
    return GcmTransform(suite, master)


@pytest.mark.parametrize(("session_key", "blocks"), KEYSTREAMS.values(), ids=KEYSTREAMS)
def test_the_keystream_is_that_of_the_vectors(session_key: str, blocks: dict[int, str]) -> None:
    made = keystream(bytes.fromhex(session_key), COUNTER_BLOCK, 1_044_512)
    for number, block in blocks.items():
        assert made[16 * number :][:16].hex() == block.lower()
    assert len(made) == 16 * 65_282


@pytest.mark.parametrize(
    ("master", "salt", "cipher_key", "cipher_salt", "auth_key"),
    DERIVATIONS.values(),
    ids=DERIVATIONS,
)
def test_session_keys_are_derived_as_in_the_vectors(
    master: str, salt: str, cipher_key: str, cipher_salt: str, auth_key: str
) -> None:
    for label, expected in ((0, cipher_key), (1, auth_key), (2, cipher_salt)):
        octets = len(expected) // 2
        made = derive(bytes.fromhex(master), bytes.fromhex(salt), label, octets)
        assert made.hex() == expected.lower()


@pytest.mark.usefixtures("session_keys_given")
@of(SEALED)
def test_rtp_is_sealed_and_opened_as_in_the_vectors(suite: CryptoSuite, made: str) -> None:
    transform = gcm(suite)
    assert transform.protect(bytes.fromhex(GALLIA), 0xF17B).hex() == made
    assert transform.unprotect(bytes.fromhex(made), 0xF17B).hex() == GALLIA


@pytest.mark.usefixtures("session_keys_given")
@of(SEALED_REPORTS)
def test_rtcp_is_sealed_and_opened_as_in_the_vectors(suite: CryptoSuite, made: str) -> None:
    transform = gcm(suite)
    assert transform.protect_rtcp(bytes.fromhex(MARS), 0x5D4).hex() == made
    assert transform.rtcp_index(bytes.fromhex(made)) == 0x5D4
    assert transform.unprotect_rtcp(bytes.fromhex(made)).hex() == MARS


@pytest.mark.usefixtures("session_keys_given")
@of(TAGGED)
def test_rtp_that_is_authenticated_alone_is_as_in_the_vectors_and_not_taken(
    suite: CryptoSuite, made: str
) -> None:
    transform = gcm(suite)
    plain = bytes.fromhex(GALLIA)
    assert (plain + transform._rtp.seal(b"", plain, plain[8:12], 0xF17B)).hex() == made
    with pytest.raises(PeerError, match="authentication"):
        transform.unprotect(bytes.fromhex(made), 0xF17B)


@pytest.mark.usefixtures("session_keys_given")
@of(TAGGED_REPORTS)
def test_rtcp_that_is_authenticated_alone_is_as_in_the_vectors_and_not_taken(
    suite: CryptoSuite, made: str
) -> None:
    transform = gcm(suite)
    plain, word = bytes.fromhex(MARS), bytes.fromhex("000005d4")
    assert (plain + transform._rtcp.seal(b"", plain + word, plain[4:8], 0x5D4) + word).hex() == made
    with pytest.raises(PeerError, match="not encrypted"):
        transform.unprotect_rtcp(bytes.fromhex(made))


@suites
def test_header_extension_and_sources_are_authenticated_and_not_encrypted(
    suite: CryptoSuite,
) -> None:
    header = bytes.fromhex("9208000100000002cafe0000") + bytes(range(8)) + b"\xbe\xde\0\1ABCD"
    transform = make_transform(suite, key("a", suite).master.reveal())
    made = transform.protect(header + b"speech", 1)
    assert made[: len(header)] == header
    assert b"speech" not in made
    assert transform.unprotect(made, 1) == header + b"speech"


@suites
@pytest.mark.parametrize(
    "packet",
    [
        b"",
        bytes(11),
        b"\x81" + bytes(14),
        b"\x8f" + bytes(70),
        b"\x90" + bytes(11),
        b"\x90" + bytes(14),
        b"\x90" + bytes(11) + b"\xbe\xde\0\2ABCD",
        b"\x90" + bytes(11) + b"\xbe\xde\xff\xffABCD",
    ],
)
def test_a_header_longer_than_its_packet_is_refused_either_way(
    suite: CryptoSuite, packet: bytes
) -> None:
    transform = make_transform(suite, key("a", suite).master.reveal())
    with pytest.raises(LocalError, match="shorter than its header"):
        transform.protect(packet, 0)
    for length in (0, suite.tag_length):
        with pytest.raises(PeerError):
            transform.unprotect(packet + bytes(length), 0)


@suites
def test_another_index_does_not_authenticate(suite: CryptoSuite) -> None:
    transform = make_transform(suite, key("a", suite).master.reveal())
    packet = bytes.fromhex("80080001000000020000cafe") + b"speech"
    made = transform.protect(packet, 65_537)
    for index in (1, 131_073, (1 << 47) + 1):
        with pytest.raises(PeerError, match="authentication"):
            transform.unprotect(made, index)
    assert transform.unprotect(made, 65_537) == packet


def test_tags_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def comparing(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", comparing)
    suite = AES_CM_128_HMAC_SHA1_80
    transform = make_transform(suite, key("a", suite).master.reveal())
    made = transform.protect(bytes(20), 0)
    transform.unprotect(made, 0)
    assert compared == [(made[-10:], made[-10:])]


@suites
def test_nothing_of_a_transform_shows_its_key(suite: CryptoSuite) -> None:
    master = key("a", suite).master.reveal()
    transform = make_transform(suite, master)
    for part in (transform, *(getattr(transform, name) for name in ("_rtp", "_rtcp"))):
        assert not hasattr(part, "__dict__")
        assert repr(part).startswith("<offhook.")
