from __future__ import annotations

from itertools import product

import pytest

from offhook.base.errors import PeerError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.keying.dtls.setup import (
    Role,
    Setup,
    answer_role,
    make_tls_id,
    offerer_role,
    parse_setup,
    parse_tls_id,
)

A, P, AP, HC = Setup.ACTIVE, Setup.PASSIVE, Setup.ACTPASS, Setup.HOLDCONN


@pytest.mark.parametrize("setup", Setup)
def test_the_four_words_are_read(setup: Setup) -> None:
    assert parse_setup(f" {setup.value.upper()} ") is setup


@pytest.mark.parametrize("value", ["", "actpas", "active passive", "both"])
def test_another_word_is_the_peer_s_fault(value: str) -> None:
    with pytest.raises(PeerError) as refused:
        parse_setup(value)
    assert refused.value.status == 488


def test_active_is_preferred_when_answering() -> None:
    assert answer_role(AP) is Role.ACTIVE


@pytest.mark.parametrize("current", Role)
def test_a_role_that_stands_is_kept_when_answering(current: Role) -> None:
    assert answer_role(AP, current) is current


def test_who_leaves_no_choice_gets_the_other_role() -> None:
    assert answer_role(A) is Role.PASSIVE
    assert answer_role(P) is Role.ACTIVE
    assert answer_role(A, Role.ACTIVE) is Role.PASSIVE


def test_holdconn_is_refused() -> None:
    with pytest.raises(PeerError):
        answer_role(HC)


GOOD = {
    (AP, A): Role.PASSIVE,
    (AP, P): Role.ACTIVE,
    (A, P): Role.ACTIVE,
    (P, A): Role.PASSIVE,
}


@pytest.mark.parametrize(("offered", "answered"), list(product(Setup, Setup)))
def test_an_answer_that_leaves_two_alike_or_none_is_refused(
    offered: Setup, answered: Setup
) -> None:
    if (offered, answered) in GOOD:
        assert offerer_role(offered, answered) is GOOD[offered, answered]
        assert answer_role(offered) in (Role.ACTIVE, Role.PASSIVE)
    else:
        with pytest.raises(PeerError):
            offerer_role(offered, answered)


@pytest.mark.parametrize("current", Role)
def test_a_later_answer_of_actpass_keeps_what_stands(current: Role) -> None:
    assert offerer_role(AP, AP, current) is current


@pytest.mark.parametrize("offered", [A, P, AP])
def test_our_answer_is_one_that_the_offerer_takes(offered: Setup) -> None:
    ours = answer_role(offered)
    assert offerer_role(offered, ours.setup) is ours.other


def test_a_tls_id_has_128_bits_and_is_read_back() -> None:
    randomness = SeededRandomness(1)
    first, second = make_tls_id(randomness), make_tls_id(randomness)
    assert first != second
    assert len(bytes.fromhex(first)) == 16
    assert parse_tls_id(first) == first


@pytest.mark.parametrize("value", ["", "x" * 19, "x" * 256, "x" * 20 + " ", "x" * 20 + "\u00e9"])
def test_what_is_no_tls_id_counts_as_none(value: str) -> None:
    assert parse_tls_id(value) is None


def test_the_longest_and_the_shortest_tls_id() -> None:
    assert parse_tls_id("+/-_" * 5) == "+/-_" * 5
    assert parse_tls_id("x" * 255) == "x" * 255
