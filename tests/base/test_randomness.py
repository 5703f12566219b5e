from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.base.randomness import SeededRandomness, fraction, token


class _Fixed:
    def __init__(self, octet: int) -> None:
        self._octet = octet

    def octets(self, count: int) -> bytes:
        return bytes([self._octet]) * count


@given(seed=st.integers(), counts=st.lists(st.integers(0, 200), max_size=5))
def test_a_seed_repeats_its_octets_in_the_lengths_asked(seed: int, counts: list[int]) -> None:
    first, second = SeededRandomness(seed), SeededRandomness(seed)
    for count in counts:
        octets = first.octets(count)
        assert len(octets) == count
        assert octets == second.octets(count)


def test_seeds_and_calls_differ() -> None:
    source = SeededRandomness(1)
    assert source.octets(32) != source.octets(32)
    assert SeededRandomness(1).octets(32) != SeededRandomness(2).octets(32)


def test_a_token_is_hexadecimal_and_long_enough_for_a_tag() -> None:
    made = token(SeededRandomness(3))
    assert len(made) == 24
    assert bytes.fromhex(made)


def test_a_fraction_is_never_one() -> None:
    assert fraction(_Fixed(0)) == 0.0
    assert 0.999 < fraction(_Fixed(255)) < 1.0
