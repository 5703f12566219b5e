"""What is chosen out of two lists (RFC 6189 §4.1.2, §5.1.5)."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.algorithms import (
    Algorithms,
    AuthTag,
    CipherType,
    HashType,
    KeyAgreement,
    Offered,
    SasType,
    accept,
    choose,
)
from offhook.protocols.keying.zrtp.refusals import ErrorCode, Refused

K = KeyAgreement
BEGINNINGS = [each for each in K if each is not K.MULTISTREAM]
lists = st.lists(st.sampled_from(BEGINNINGS), min_size=1, unique=True).map(tuple)


def with_agreements(*agreements: KeyAgreement) -> Algorithms:
    return Algorithms(agreements=agreements)


def test_the_faster_of_both_first_choices_is_taken() -> None:
    # The RFC's own example, without DH2k: DH3k, EC25 against EC38, EC25, DH3k.
    alice, bob = with_agreements(K.DH3K, K.EC25), with_agreements(K.EC38, K.EC25, K.DH3K)
    assert choose(alice, bob.offered()).agreement is K.EC25
    assert choose(bob, alice.offered()).agreement is K.EC25


@given(lists, lists)
def test_both_sides_choose_the_same_agreement(
    ours: tuple[KeyAgreement, ...], theirs: tuple[KeyAgreement, ...]
) -> None:
    found = []
    for one, other in itertools.permutations((with_agreements(*ours), with_agreements(*theirs))):
        with contextlib.suppress(Refused):
            found.append(choose(one, other.offered()).agreement)
    assert len(set(found)) <= 1 or K.DH3K not in (set(ours) & set(theirs))


def test_dh3k_needs_no_mention() -> None:
    assert choose(Algorithms(), Offered(agreements=("XYZ1",))).agreement is K.DH3K


def test_an_empty_hello_means_what_every_endpoint_has() -> None:
    chosen = choose(Algorithms(), Offered())
    assert (chosen.hash, chosen.cipher, chosen.auth_tag, chosen.agreement, chosen.sas) == (
        HashType.S256,
        CipherType.AES1,
        AuthTag.HS80,
        K.DH3K,
        SasType.B32,
    )


def test_the_best_of_two_equals_is_taken() -> None:
    chosen = choose(Algorithms(), Algorithms().offered())
    assert (chosen.hash, chosen.cipher, chosen.agreement) == (
        HashType.S384,
        CipherType.AES3,
        K.X448,
    )


def test_the_hash_is_the_one_that_the_peer_would_choose() -> None:
    ours = with_agreements(K.X255)
    assert choose(ours, Offered(("S256", "S384"), agreements=("X255",))).hash is HashType.S256
    assert choose(ours, Offered(("N384", "S384"), agreements=("X255",))).hash is HashType.S384


@pytest.mark.parametrize("agreement", [K.X448, K.EC38])
def test_a_strong_agreement_takes_the_strong_hash_and_cipher_with_it(
    agreement: KeyAgreement,
) -> None:
    ours = Algorithms(
        (HashType.S256, HashType.S384),
        (CipherType.AES1, CipherType.AES3),
        agreements=(agreement,),
    )
    chosen = choose(ours, ours.offered())
    assert (chosen.hash, chosen.cipher) == (HashType.S384, CipherType.AES3)


def test_ec38_is_not_chosen_where_sha_384_is_not_in_common() -> None:
    ours = with_agreements(K.EC38, K.DH3K)
    theirs = Offered(("S256",), (), (), ("EC38", "DH3k"), ())
    assert choose(ours, theirs).agreement is K.DH3K


def test_ec38_without_sha_384_is_refused_in_a_commit() -> None:
    with pytest.raises(Refused) as caught:
        accept(Algorithms(), ("S256", "AES3", "HS80", "EC38", "B32 "))
    assert caught.value.code is ErrorCode.HASH


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (0, ErrorCode.HASH),
        (1, ErrorCode.CIPHER),
        (2, ErrorCode.AUTH_TAG),
        (3, ErrorCode.AGREEMENT),
        (4, ErrorCode.SAS),
    ],
)
def test_what_is_not_allowed_is_refused_by_its_own_code(place: int, code: ErrorCode) -> None:
    codes = ["S384", "AES3", "HS80", "X448", "B32 "]
    assert accept(Algorithms(), codes)
    codes[place] = "none"
    with pytest.raises(Refused) as caught:
        accept(Algorithms(), codes)
    assert caught.value.code is code


def test_policy_may_leave_out_what_every_endpoint_has() -> None:
    codes = ("S384", "AES3", "HS32", "X448", "B32 ")
    with pytest.raises(Refused) as caught:
        accept(Algorithms(), codes)
    assert caught.value.code is ErrorCode.AUTH_TAG
    assert accept(Algorithms(auth_tags=tuple(AuthTag)), codes).auth_tag is AuthTag.HS32


def test_an_algorithm_of_each_kind_is_needed() -> None:
    with pytest.raises(LocalError):
        Algorithms(hashes=())
    with pytest.raises(LocalError):
        Algorithms(agreements=(K.MULTISTREAM,))
