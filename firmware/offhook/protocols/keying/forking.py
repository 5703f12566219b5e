"""Keys for the branches of a forked INVITE (RFC 4568 §7.3, RFC 3261 §13.2.2.4).

An offer that forks shows our sending key to every branch that it reaches. The first branch that
answers uses it; every further one is offered a fresh key, and until that is answered nothing is
sent to it: two streams under one key would undo its encryption. The branch that is kept on the
offered key is offered a fresh one too, since the others could listen.
To see it as a diagram: `state_table.render(BRANCH)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.state_table import Table, step
from offhook.protocols.keying.sdes_policy import fresh_key
from offhook.protocols.keying.srtp_keys import CryptoLine

MOST_BRANCHES: Final = 8
"""Branches that are kept apart; one more is given up."""


class BranchState(Enum):
    """Which of our keys a branch has."""

    RINGING = "Ringing"
    SHARED = "Offered key"
    WAITING = "Waiting for its own key"
    REFRESHING = "Offered key, own key on its way"
    OWN = "Own key"
    OVER = "Over"


class BranchInput(Enum):
    """What a branch can meet."""

    ANSWERED_FIRST = "first of all to answer"
    ANSWERED_LATER = "answered after another"
    KEPT = "kept, after a fork"
    REANSWERED = "fresh key answered"
    REFUSED = "fresh key refused"
    ENDED = "ended"


class BranchAction(Enum):
    """What a step asks for."""

    USE_KEYS = "use keys"
    OFFER_FRESH = "offer fresh key"
    TELL_SHARED = "tell that others have the key"
    GIVE_UP = "give up"


_S, _I, _A = BranchState, BranchInput, BranchAction

BRANCH: Final[Table[BranchState, BranchInput, BranchAction]] = {
    (_S.RINGING, _I.ANSWERED_FIRST): step(_S.SHARED, _A.USE_KEYS),
    (_S.RINGING, _I.ANSWERED_LATER): step(_S.WAITING, _A.OFFER_FRESH),
    (_S.RINGING, _I.ENDED): step(_S.OVER),
    (_S.SHARED, _I.KEPT): step(_S.REFRESHING, _A.OFFER_FRESH),
    (_S.SHARED, _I.ENDED): step(_S.OVER),
    (_S.WAITING, _I.REANSWERED): step(_S.OWN, _A.USE_KEYS),
    (_S.WAITING, _I.REFUSED): step(_S.OVER, _A.GIVE_UP),
    (_S.WAITING, _I.ENDED): step(_S.OVER),
    (_S.REFRESHING, _I.REANSWERED): step(_S.OWN, _A.USE_KEYS),
    (_S.REFRESHING, _I.REFUSED): step(_S.SHARED, _A.TELL_SHARED),
    (_S.REFRESHING, _I.ENDED): step(_S.OVER),
    (_S.OWN, _I.ENDED): step(_S.OVER),
}
"""A pair that isn't here changes nothing: the first answer of a branch stands, and so on."""


@dataclass(frozen=True, slots=True)
class UseKeys:
    """Send to the branch and hear it with these; nothing goes to it before."""

    branch: str
    send: CryptoLine
    receive: CryptoLine


@dataclass(frozen=True, slots=True)
class OfferFresh:
    """Make the branch a new offer with this key and an address of its own to receive at.

    By UPDATE, or by re-INVITE once the branch is confirmed.
    """

    branch: str
    key: CryptoLine


@dataclass(frozen=True, slots=True)
class KeyShared:
    """The branch stays with a key that other branches have: they can listen to what we say."""

    branch: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The branch can't be kept: end it. `reason` ends a sentence and quotes no key."""

    branch: str
    reason: str


ForkAction = UseKeys | OfferFresh | KeyShared | GiveUp


class _Branch:
    __slots__ = ("fresh", "receive", "state")

    def __init__(self) -> None:
        self.state = _S.RINGING
        self.receive: CryptoLine | None = None
        self.fresh: CryptoLine | None = None


class Fork:
    """The keys of one offer of ours, wherever it is forked to.

    `offered` are our own lines. Branches are named by what tells their dialogs apart. With
    `always` also the only branch heard of gets a fresh key when it is kept: that no other
    answered does not show that none was rung. Raises LocalError where nothing was offered.
    """

    def __init__(
        self, offered: Iterable[CryptoLine], randomness: Randomness, *, always: bool = False
    ) -> None:
        self._offered = {line.tag: line for line in offered}
        if not self._offered:
            raise LocalError("an offer without keys can't be forked")
        self._randomness = randomness
        self._always = always
        self._own = list(self._offered.values())
        self._branches: dict[str, _Branch] = {}
        self._first: str | None = None

    def state(self, branch: str) -> BranchState:
        """Where a branch stands; OVER for one never heard of."""
        known = self._branches.get(branch)
        return _S.OVER if known is None else known.state

    def rang(self, branch: str) -> list[ForkAction]:
        """A branch was heard of, without an answer so far."""
        return [] if self._know(branch) else [GiveUp(branch, "is one branch too many")]

    def answered(self, branch: str, answer: CryptoLine) -> list[ForkAction]:
        """A branch answered the offer with this line of its own."""
        known = self._know(branch)
        if known is None:
            return [GiveUp(branch, "is one branch too many")]
        if known.state is not _S.RINGING:
            return []
        fault = self._fault(self._offered.get(answer.tag), answer)
        if fault:
            known.state = _S.OVER
            return [GiveUp(branch, fault)]
        known.receive = answer
        if self._first is None:
            self._first = branch
            return self._step(branch, known, _I.ANSWERED_FIRST)
        return self._step(branch, known, _I.ANSWERED_LATER)

    def reanswered(self, branch: str, answer: CryptoLine) -> list[ForkAction]:
        """A branch answered the offer of its fresh key; a faulty answer counts as a refusal."""
        known = self._branches.get(branch)
        if known is None or known.fresh is None or (known.state, _I.REANSWERED) not in BRANCH:
            return []
        fault = self._fault(known.fresh if known.fresh.tag == answer.tag else None, answer)
        if fault and known.state is _S.REFRESHING:
            return self._step(branch, known, _I.REFUSED)
        if fault:
            known.state = _S.OVER
            return [GiveUp(branch, fault)]
        known.receive = answer
        return self._step(branch, known, _I.REANSWERED)

    def refused(self, branch: str) -> list[ForkAction]:
        """A branch refused its fresh key, or can't be made a new offer."""
        return self._meet(branch, _I.REFUSED)

    def kept(self, branch: str) -> list[ForkAction]:
        """The branch is the call from now on; the others will be ended."""
        if len(self._branches) < 2 and not self._always:
            return []
        return self._meet(branch, _I.KEPT)

    def ended(self, branch: str) -> list[ForkAction]:
        """A branch is over, whoever ended it. The key that it used is not given to another."""
        return self._meet(branch, _I.ENDED)

    def _know(self, branch: str) -> _Branch | None:
        known = self._branches.get(branch)
        if known is None and len(self._branches) < MOST_BRANCHES:
            known = self._branches[branch] = _Branch()
        return known

    def _fault(self, ours: CryptoLine | None, answer: CryptoLine) -> str:
        if ours is None:
            return "answers with a crypto tag that was not offered"
        if ours.suite != answer.suite:
            return "answers with another suite than its tag was offered for"
        if any(answer.master == line.master for line in self._own):
            return "sends our own key back"
        return ""

    def _meet(self, branch: str, event: BranchInput) -> list[ForkAction]:
        known = self._branches.get(branch)
        return [] if known is None else self._step(branch, known, event)

    def _step(self, branch: str, known: _Branch, event: BranchInput) -> list[ForkAction]:
        reached = BRANCH.get((known.state, event))
        if reached is None:
            return []
        known.state = reached.state
        return [self._act(branch, known, action) for action in reached.actions]

    def _act(self, branch: str, known: _Branch, action: BranchAction) -> ForkAction:
        if known.receive is None:
            raise LocalError("a branch without an answer has no keys")
        match action:
            case _A.USE_KEYS:
                send = known.fresh or self._offered[known.receive.tag]
                return UseKeys(branch, send, known.receive)
            case _A.OFFER_FRESH:
                tag = 1 + max(line.tag for line in self._own)
                known.fresh = fresh_key(known.receive.suite, self._randomness, tag, self._own)
                self._own.append(known.fresh)
                return OfferFresh(branch, known.fresh)
            case _A.TELL_SHARED:
                return KeyShared(branch)
            case _A.GIVE_UP:
                return GiveUp(branch, "takes no key of its own")
