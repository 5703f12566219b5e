from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.base.state_table import render
from offhook.protocols.keying.forking import (
    BRANCH,
    MOST_BRANCHES,
    BranchInput,
    BranchState,
    Fork,
    ForkAction,
    GiveUp,
    KeyShared,
    OfferFresh,
    UseKeys,
)
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine

CM80, GCM = SUITES["AES_CM_128_HMAC_SHA1_80"], SUITES["AEAD_AES_256_GCM"]


def key(seed: str, tag: int = 1, suite: str = GCM.name) -> CryptoLine:
    octets = SeededRandomness(seed).octets(SUITES[suite].master_length)
    return CryptoLine(tag, SUITES[suite], Secret(octets))


OURS = [key("ours", 1), key("ours too", 2, CM80.name)]


def forked(*, always: bool = False) -> Fork:
    return Fork(OURS, SeededRandomness("fork"), always=always)


def fresh(actions: list[ForkAction]) -> CryptoLine:
    (offer,) = actions
    assert isinstance(offer, OfferFresh)
    return offer.key


def test_the_first_branch_to_answer_uses_the_offered_key() -> None:
    fork = forked()
    bob = key("bob", 2, CM80.name)
    assert fork.answered("bob", bob) == [UseKeys("bob", OURS[1], bob)]
    assert fork.state("bob") is BranchState.SHARED


def test_without_a_fork_the_offered_key_stays() -> None:
    fork = forked()
    fork.rang("bob")
    fork.answered("bob", key("bob"))
    assert fork.kept("bob") == []
    assert fork.state("bob") is BranchState.SHARED


def test_a_further_branch_is_offered_a_fresh_key_and_sent_nothing_before() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    offered = fresh(fork.answered("carol", key("carol")))
    assert fork.state("carol") is BranchState.WAITING
    assert offered.suite is GCM
    assert offered.tag == 3
    assert all(offered.master != line.master for line in OURS)
    answer = key("carol 2", 3)
    assert fork.reanswered("carol", answer) == [UseKeys("carol", offered, answer)]
    assert fork.state("carol") is BranchState.OWN


def test_every_further_branch_has_a_key_of_its_own() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    keys = [fresh(fork.answered(name, key(name))) for name in ("carol", "dan", "erin")]
    assert [line.tag for line in keys] == [3, 4, 5]
    masters = [line.master.reveal() for line in (*OURS, *keys)]
    assert len(set(masters)) == 5


def test_a_branch_may_keep_its_own_key_in_its_second_answer() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    offered = fresh(fork.answered("carol", key("carol")))
    again = key("carol", 3)
    assert fork.reanswered("carol", again) == [UseKeys("carol", offered, again)]


def test_a_branch_that_takes_no_fresh_key_is_given_up() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    fork.answered("carol", key("carol"))
    assert fork.refused("carol") == [GiveUp("carol", "takes no key of its own")]
    assert fork.state("carol") is BranchState.OVER
    assert fork.reanswered("carol", key("carol 2", 3)) == []


@pytest.mark.parametrize("other", ["rang", "answered", "ended"])
def test_the_branch_that_is_kept_gets_a_fresh_key_where_others_have_the_first(other: str) -> None:
    fork = forked()
    bob = key("bob")
    fork.answered("bob", bob)
    fork.rang("carol")
    if other != "rang":
        fork.answered("carol", key("carol"))
    if other == "ended":
        fork.ended("carol")
    offered = fresh(fork.kept("bob"))
    assert fork.state("bob") is BranchState.REFRESHING
    assert fork.kept("bob") == []
    answer = key("bob", offered.tag)
    assert fork.reanswered("bob", answer) == [UseKeys("bob", offered, answer)]
    assert fork.kept("bob") == []


def test_where_the_kept_branch_refuses_it_is_told_that_others_have_the_key() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    fork.rang("carol")
    fork.kept("bob")
    assert fork.refused("bob") == [KeyShared("bob")]
    assert fork.state("bob") is BranchState.SHARED


def test_asked_for_it_the_only_branch_gets_a_fresh_key_too() -> None:
    fork = forked(always=True)
    fork.answered("bob", key("bob"))
    assert fresh(fork.kept("bob")).tag == 3


def test_a_branch_with_a_key_of_its_own_needs_no_other_when_it_is_kept() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    offered = fresh(fork.answered("carol", key("carol")))
    assert fork.kept("carol") == []
    fork.reanswered("carol", key("carol", offered.tag))
    assert fork.kept("carol") == []


def test_the_key_of_a_first_branch_that_ended_is_not_given_to_another() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    fork.ended("bob")
    assert fresh(fork.answered("carol", key("carol"))).tag == 3


def test_the_first_answer_of_a_branch_stands() -> None:
    fork = forked()
    fork.answered("bob", key("bob"))
    assert fork.answered("bob", key("mallory")) == []
    fork.answered("carol", key("carol"))
    assert fork.answered("carol", key("mallory")) == []
    assert fork.state("carol") is BranchState.WAITING


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (key("bob", 7), "tag that was not offered"),
        (key("bob", 2), "another suite"),
        (key("ours", 1), "our own key"),
        (CryptoLine(2, CM80, OURS[1].master), "our own key"),
    ],
)
def test_an_answer_that_does_not_fit_ends_its_branch(answer: CryptoLine, reason: str) -> None:
    for first in (False, True):
        fork = forked()
        if not first:
            fork.answered("bob", key("bob"))
        (given_up,) = fork.answered("mallory", answer)
        assert isinstance(given_up, GiveUp)
        assert reason in given_up.reason
        assert fork.state("mallory") is BranchState.OVER
        if first:
            # It has not taken the offered key from the one that answers after it.
            assert fork.answered("bob", key("bob")) == [UseKeys("bob", OURS[0], key("bob"))]


def test_a_second_answer_that_does_not_fit_ends_its_branch() -> None:
    for answer in (key("c", 1), key("c", 3, CM80.name), key("ours", 3)):
        fork = forked()
        fork.answered("bob", key("bob"))
        fork.answered("carol", key("carol"))
        (given_up,) = fork.reanswered("carol", answer)
        assert isinstance(given_up, GiveUp)
        assert fork.state("carol") is BranchState.OVER
        fork.kept("bob")
        assert fork.reanswered("bob", replace(answer, tag=4, suite=CM80)) == [KeyShared("bob")]


def test_branches_are_bounded() -> None:
    fork = forked()
    for n in range(MOST_BRANCHES):
        assert fork.rang(f"{n}") == []
    for act in (fork.rang("more"), fork.answered("more", key("more"))):
        assert act == [GiveUp("more", "is one branch too many")]
    assert fork.state("more") is BranchState.OVER
    assert fork.kept("more") == fork.ended("more") == fork.refused("more") == []


def test_an_offer_without_keys_is_refused() -> None:
    with pytest.raises(LocalError, match="without keys"):
        Fork([], SeededRandomness(1))


def test_a_randomness_that_repeats_itself_makes_no_key() -> None:
    class Stuck:
        def octets(self, count: int) -> bytes:
            return bytes(count)

    fork = Fork(OURS, Stuck())
    fork.answered("bob", key("bob"))
    fork.answered("carol", key("carol"))
    with pytest.raises(LocalError, match="used before"):
        fork.answered("dan", key("dan"))


def test_the_table_is_whole_and_can_be_drawn() -> None:
    assert {state for state, _ in BRANCH} == set(BranchState) - {BranchState.OVER}
    assert {event for _, event in BRANCH} == set(BranchInput)
    assert "Waiting for its own key --> Own key : fresh key answered / use keys" in render(BRANCH)


class AnyFork(RuleBasedStateMachine):
    """Whatever branches do, in whatever order: no key of ours goes to two of them."""

    names = st.sampled_from("abcd")

    def __init__(self) -> None:
        super().__init__()
        self.fork = forked()
        self.sent_with: dict[str, list[CryptoLine]] = {}
        self.offered: dict[str, CryptoLine] = {}

    def take(self, actions: list[ForkAction]) -> None:
        for action in actions:
            match action:
                case UseKeys(branch, send):
                    self.sent_with.setdefault(branch, []).append(send)
                case OfferFresh(branch, line):
                    self.offered[branch] = line

    @rule(name=names, tag=st.integers(1, 2))
    def answer(self, name: str, tag: int) -> None:
        suite = OURS[tag - 1].suite.name
        self.take(self.fork.answered(name, key(f"{name} {tag}", tag, suite)))

    @rule(name=names)
    def answer_again(self, name: str) -> None:
        line = self.offered.get(name)
        if line is not None:
            self.take(self.fork.reanswered(name, key(f"{name} again", line.tag, line.suite.name)))

    @rule(name=names, what=st.sampled_from(["rang", "refused", "kept", "ended"]))
    def other(self, name: str, what: str) -> None:
        self.take(getattr(self.fork, what)(name))

    @invariant()
    def no_two_branches_are_sent_the_same_key(self) -> None:
        users: dict[bytes, set[str]] = {}
        for branch, lines in self.sent_with.items():
            for line in lines:
                users.setdefault(line.master.reveal(), set()).add(branch)
        assert all(len(branches) == 1 for branches in users.values())

    @invariant()
    def no_key_waits_that_is_in_use(self) -> None:
        for branch in self.sent_with:
            assert self.fork.state(branch) not in (BranchState.RINGING, BranchState.WAITING)


TestAnyFork = AnyFork.TestCase


@given(st.text(max_size=20))
def test_any_name_serves_for_a_branch(name: str) -> None:
    assert forked().answered(name, key("bob")) == [UseKeys(name, OURS[0], key("bob"))]
