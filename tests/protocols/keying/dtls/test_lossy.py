"""OpenSSL repeats by its own clock: these few tests take real time, each a second or less."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

import pytest
from tests.protocols.keying.dtls.pair import Pair, Wire

from offhook.protocols.keying.dtls.records import CHANGE_CIPHER_SPEC, split_records
from offhook.protocols.keying.dtls.setup import Role


def introduced() -> Pair:
    pair = Pair(now=time.monotonic())
    pair.introduce()
    pair.start()
    return pair


def bad(seed: int, loss: float) -> Wire:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def wire(datagrams: list[bytes]) -> Iterable[bytes]:
        through = []
        for each in datagrams:
            fate = chance.random()
            if fate < loss:
                continue
            if fate < loss + 0.1:
                through.append(each[: chance.randrange(len(each))])
            else:
                through += [each] * chance.choice((1, 1, 2))
        chance.shuffle(through)
        return through

    return wire


@pytest.mark.parametrize("seed", [1, 2])
def test_a_third_of_the_datagrams_lost_and_others_cut_or_doubled(seed: int) -> None:
    pair = introduced()
    pair.run_in_real_time(5, bad(seed, 0.33), bad(seed + 100, 0.33))
    assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive
    assert pair.keys(Role.ACTIVE).receive == pair.keys(Role.PASSIVE).send


def test_what_is_repeated_in_vain_openssl_s_own_repetition_mends() -> None:
    """A ChangeCipherSpec too early is dropped, and so is each copy of it, as a replay."""
    first = True

    def hasty(datagrams: list[bytes]) -> Iterable[bytes]:
        nonlocal first
        records = [record for each in datagrams for record in split_records(each)]
        early = [each for each in records if each.content_type == CHANGE_CIPHER_SPEC]
        if early and first:
            first = False
            return [each.octets for each in early + [r for r in records if r not in early]]
        return datagrams

    pair = introduced()
    start = time.monotonic()
    pair.run_in_real_time(3, hasty, lambda each: each)
    assert not first
    assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive
    assert time.monotonic() - start < 2.5
