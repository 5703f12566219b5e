"""Key agreements by the vectors of their RFCs, and values that must be refused."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import dh, ec, x448, x25519
from tests.protocols.keying.zrtp.by_hand import P256, P384, ecdh, ladder

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.agreement import (
    PRIME,
    KeyPair,
    PrivateKey,
    check_public,
    fresh,
)
from offhook.protocols.keying.zrtp.algorithms import KeyAgreement
from offhook.protocols.keying.zrtp.refusals import ErrorCode, Refused

K = KeyAgreement
ALL = (K.X255, K.EC25, K.X448, K.DH3K, K.EC38)


def octets(text: str) -> bytes:
    return bytes.fromhex("".join(text.split()))


# RFC 5903 §8.1, §8.2: private keys, public values and the common one.
EC25 = (
    octets("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433"),
    octets("""DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180
              5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3"""),
    octets("C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53"),
    octets("""D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63
              56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"""),
    octets("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"),
)
EC38 = (
    octets("""099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655
              E35B538041E649EE3FAEF896783AB194"""),
    octets("""667842D7D180AC2CDE6F74F37551F55755C7645C20EF73E31634FE72B4C55EE6
              DE3AC808ACB4BDB4C88732AEE95F41AA
              9482ED1FC0EEB9CAFC4984625CCFC23F65032149E0E144ADA024181535A0F38E
              EB9FCFF3C2C947DAE69B4C634573A81C"""),
    octets("""41CB0779B4BDB85D47846725FBEC3C9430FAB46CC8DC5060855CC9BDA0AA2942
              E0308312916B8ED2960E4BD55A7448FC"""),
    octets("""E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D
              0D1AC43A0336DEF96FDA41D0774A3571
              DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FF
              F83FA40142209DFF5EAAD96DB9E6386C"""),
    octets("""11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4
              D603135569B9E9D09CF5D4A270F59746"""),
)
# RFC 7748 §6.1, §6.2.
X255 = (
    octets("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
    octets("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
    octets("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
    octets("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
    octets("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"),
)
X448 = (
    octets("""9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28d
              d9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b"""),
    octets("""9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c
              22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0"""),
    octets("""1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d
              6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d"""),
    octets("""3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b430
              27d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609"""),
    octets("""07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282b
              b60c0b56fd2464c335543936521c24403085d59a449a5037514a879d"""),
)
VECTORS = {K.EC25: EC25, K.EC38: EC38, K.X255: X255, K.X448: X448}


def private_of(agreement: KeyAgreement, key: bytes) -> PrivateKey:
    if agreement is K.X255:
        return x25519.X25519PrivateKey.from_private_bytes(key)
    if agreement is K.X448:
        return x448.X448PrivateKey.from_private_bytes(key)
    curve = ec.SECP256R1() if agreement is K.EC25 else ec.SECP384R1()
    return ec.derive_private_key(int.from_bytes(key, "big"), curve)


@pytest.mark.parametrize("agreement", VECTORS)
def test_the_vectors_of_rfc_5903_and_rfc_7748(agreement: KeyAgreement) -> None:
    a, public_a, b, public_b, common = VECTORS[agreement]
    alice = KeyPair(agreement, private_of(agreement, a))
    bob = KeyPair(agreement, private_of(agreement, b))
    assert (alice.public, bob.public) == (public_a, public_b)
    assert alice.agree(public_b).reveal() == bob.agree(public_a).reveal() == common


def test_the_second_derivation_knows_the_same_vectors() -> None:
    for curve, (a, _, _, public_b, common) in ((P256, EC25), (P384, EC38)):
        assert ecdh(curve, int.from_bytes(a, "big"), public_b) == common
    for a, _, _, public_b, common in (X255, X448):
        assert ladder(a, public_b) == common


def test_the_group_is_that_of_rfc_3526() -> None:
    # 2^3072 - 2^3008 - 1 + 2^64 * { [2^2942 pi] + 1690314 }, pi by Machin's formula.
    scale = 1 << 3000

    def inverse_tangent(x: int) -> int:
        total, term, odd = 0, scale // x, 1
        while term:
            total += term // odd if odd % 4 == 1 else -(term // odd)
            term //= x * x
            odd += 2
        return total

    pi = 4 * (4 * inverse_tangent(5) - inverse_tangent(239))
    expected = 2**3072 - 2**3008 - 1 + 2**64 * ((pi >> (3000 - 2942)) + 1690314)
    assert expected == PRIME


def test_dh3k_agrees_as_plain_integers_do() -> None:
    numbers = dh.DHParameterNumbers(PRIME, 2)
    private = numbers.parameters().generate_private_key()
    pair, theirs = KeyPair(K.DH3K, private), fresh(K.DH3K)
    x = private.private_numbers().x
    assert pair.public == pow(2, x, PRIME).to_bytes(384, "big")
    expected = pow(int.from_bytes(theirs.public, "big"), x, PRIME).to_bytes(384, "big")
    assert pair.agree(theirs.public).reveal() == expected
    assert theirs.agree(pair.public).reveal() == expected


@pytest.mark.parametrize("agreement", ALL)
def test_both_sides_agree_on_as_many_octets_as_the_table_has(agreement: KeyAgreement) -> None:
    alice, bob = fresh(agreement), fresh(agreement)
    assert len(alice.public) == agreement.public_length
    result = alice.agree(bob.public)
    assert result == bob.agree(alice.public)
    half = agreement in {K.EC25, K.EC38}
    assert len(result) == agreement.public_length // (2 if half else 1)


@pytest.mark.parametrize("agreement", ALL)
def test_a_key_pair_agrees_once(agreement: KeyAgreement) -> None:
    pair, theirs = fresh(agreement), fresh(agreement).public
    pair.agree(theirs)
    with pytest.raises(LocalError, match="used once"):
        pair.agree(theirs)


def test_a_key_pair_that_was_tried_with_a_weak_value_is_spent() -> None:
    pair = fresh(K.X255)
    with pytest.raises(Refused):
        pair.agree(bytes(32))
    with pytest.raises(LocalError):
        pair.agree(fresh(K.X255).public)


WEAK = [
    *((K.DH3K, value.to_bytes(384, "big")) for value in (0, 1, PRIME - 1, PRIME, PRIME + 1)),
    (K.DH3K, b"\xff" * 384),
    (K.X255, bytes(32)),
    (K.X255, b"\1" + bytes(31)),
    (K.X255, octets("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")),
    (K.X255, octets("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
    (K.X448, bytes(56)),
    (K.X448, b"\1" + bytes(55)),
    (K.X448, b"\xfe" + b"\xff" * 27 + b"\xfe" + b"\xff" * 27),
    (K.EC25, bytes(64)),
    (K.EC25, b"\xff" * 64),
    (K.EC25, EC25[1][:63] + b"\0"),
    (K.EC38, bytes(96)),
    (K.EC38, EC38[1][:48] + EC38[1][:48]),
]


@pytest.mark.parametrize(("agreement", "public"), WEAK)
def test_a_weak_public_value_is_refused(agreement: KeyAgreement, public: bytes) -> None:
    with pytest.raises(Refused) as caught:
        fresh(agreement).agree(public)
    assert caught.value.code is ErrorCode.PUBLIC_VALUE


@pytest.mark.parametrize("agreement", ALL)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_public_value_of_another_length_is_refused(agreement: KeyAgreement, change: int) -> None:
    public = (fresh(agreement).public + b"\0")[: agreement.public_length + change]
    with pytest.raises(Refused) as caught:
        check_public(agreement, public)
    assert caught.value.code is ErrorCode.MALFORMED


def test_a_key_of_another_agreement_is_our_own_fault() -> None:
    with pytest.raises(LocalError):
        KeyPair(K.X448, x25519.X25519PrivateKey.generate())
    with pytest.raises(LocalError):
        fresh(K.MULTISTREAM)
