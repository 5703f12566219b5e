"""The calls that a line has in hand: at most one active, one held and one offered."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.base.vocabulary import Sentence
from offhook.phone.call.keys_in_use import Sas
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.phone.line.events import Caller

_RANK = {level: rank for rank, level in enumerate(TrustLevel)}


@dataclass(slots=True)
class Leg:
    """One call as the line sees it."""

    number: int
    caller: Caller
    wall_time: float | None = None
    expires: float | None = None
    """When a call that is offered has rung long enough (s)."""
    answered: bool = False
    trust: TrustLevel = TrustLevel.NONE
    waited: bool = False
    """Whether it came in during another call."""
    outgoing: bool = False
    """Whether it was dialled here."""
    silent: bool = False
    """Whether nothing authenticated has come in for a while."""
    best: TrustLevel = TrustLevel.NONE
    """The most that the trust has been."""
    warned: bool = True
    """Whether the person was told in words of the last time that it fell."""
    cautions: tuple[Caution, ...] = ()
    """What lowers it now."""
    sas: Sas | None = None
    """What two people can compare."""
    comparing_until: float | None = None
    """Until when (s) a key says what they found; None: nobody compares."""
    emergency: bool = False
    untold: list[Sentence] = field(default_factory=list)
    """What the person is to hear of it, until it was said to its end."""
    news: bool = False
    """Whether something in `untold` was never begun."""

    @property
    def lowered(self) -> bool:
        """Whether the trust is less than it once was."""
        return _RANK[self.trust] < _RANK[self.best]

    def state_trust(self, trust: TrustLevel) -> None:
        """Take the trust as it is now."""
        if _RANK[trust] < _RANK[self.trust]:
            self.warned = False
        elif not self.lowered or trust is not self.trust:
            self.warned = True
        self.trust = trust
        self.best = max(self.best, trust, key=_RANK.__getitem__)

    def tell(self, *sentences: Sentence) -> None:
        """The person is to hear this over the call, once."""
        for sentence in sentences:
            if sentence in self.untold:
                self.untold.remove(sentence)
            self.untold.append(sentence)
        self.news = True

    def compares(self, now: float) -> bool:
        """Whether a key is to say what two people found."""
        return self.comparing_until is not None and now < self.comparing_until


class Legs:
    """Who has which place."""

    def __init__(self) -> None:
        self.active: Leg | None = None
        self.held: Leg | None = None
        self.offered: Leg | None = None
        """A call that arrived and isn't taken: it rings or waits."""

    @property
    def present(self) -> Leg | None:
        """The call that the person means by “this call”."""
        return self.active or self.held

    @property
    def room(self) -> bool:
        """Whether one more call may be offered."""
        return self.held is None and self.offered is None

    def find(self, number: int) -> Leg | None:
        """The leg of that number, None if it isn't in hand."""
        places = (self.active, self.held, self.offered)
        return next((leg for leg in places if leg is not None and leg.number == number), None)

    def take_offered(self) -> Leg | None:
        """The offered call becomes the active one."""
        leg, self.offered = self.offered, None
        if leg is not None:
            leg.expires = None
            self.active = leg
        return leg

    def drop_offered(self) -> Leg | None:
        """The offered call is no longer."""
        leg, self.offered = self.offered, None
        return leg

    def drop_active(self) -> Leg | None:
        """The active call is no longer."""
        leg, self.active = self.active, None
        return leg

    def drop_held(self) -> Leg | None:
        """The held call is no longer."""
        leg, self.held = self.held, None
        return leg

    def swap(self) -> None:
        """The active call becomes the held one, and the other way round."""
        self.active, self.held = self.held, self.active
