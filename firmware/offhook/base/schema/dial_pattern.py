"""RFC 3435 §2.1.5: one alternative of a digit map, taken apart and matched.

    pattern  = 1*element [ "T" ]
    element  = ( symbol / "x" / "X" / "[" 1*( symbol / digit "-" digit ) "]" ) [ "." ]
    symbol   = digit / "*" / "#" / "A" / "B" / "C" / "D"

`x` is any digit, `.` any number of its element, none included. A final `T` says that the pattern
is complete only once nothing was dialled for a while; elsewhere RFC 3435 allows it, this doesn't.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum
from typing import Final

from offhook.base.errors import LocalError

DIGITS: Final = "0123456789"
SYMBOLS: Final = frozenset(DIGITS + "*#ABCD")
LONGEST: Final = 64
"""Elements of a pattern."""


class Fit(Enum):
    """How far what was dialled fits, the best last."""

    IMPOSSIBLE = "impossible"
    """Whatever follows, it will not match."""
    PARTIAL = "partial"
    """More is needed."""
    TIMED = "timed"
    """Complete if nothing more comes."""
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Element:
    """One place of a pattern: what may stand there, and whether any number of times."""

    symbols: frozenset[str]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class DialPattern:
    """A parsed pattern."""

    elements: tuple[Element, ...]
    timed: bool

    @property
    def fixed(self) -> bool:
        """Whether everything that matches has one length and needs no waiting."""
        return not self.timed and not any(each.repeated for each in self.elements)

    def fit(self, dialled: str) -> Fit:
        """How `dialled` fits. Symbols that no pattern knows fit nowhere."""
        places = self._skip({0})
        for symbol in dialled:
            places = self._skip(self._step(places, symbol))
        end = len(self.elements)
        if end in places:
            return Fit.TIMED if self.timed else Fit.COMPLETE
        return Fit.PARTIAL if places else Fit.IMPOSSIBLE

    def _step(self, places: set[int], symbol: str) -> set[int]:
        reached = set()
        for place in places:
            if place < len(self.elements) and symbol in self.elements[place].symbols:
                reached.add(place if self.elements[place].repeated else place + 1)
        return reached

    def _skip(self, places: set[int]) -> set[int]:
        """The places and those behind repeated elements, which may stand for nothing."""
        reached = set(places)
        for place, element in enumerate(self.elements):
            if place in reached and element.repeated:
                reached.add(place + 1)
        return reached


@functools.lru_cache(maxsize=256)
def parse_pattern(text: str) -> DialPattern:
    """The pattern that `text` writes. Raises LocalError, naming the place, if it writes none."""
    body = text.removesuffix("T").removesuffix("t") if text[-1:] in {"T", "t"} else text
    elements: list[Element] = []
    place = 0
    while place < len(body):
        symbols, place = _symbols(text, body, place)
        repeated = body[place : place + 1] == "."
        place += repeated
        elements.append(Element(symbols, repeated))
    if not elements:
        raise LocalError(f"{text!r} is an empty dial pattern")
    if len(elements) > LONGEST:
        raise LocalError(f"a dial pattern has at most {LONGEST} places")
    return DialPattern(tuple(elements), timed=body != text)


def overlap(one: DialPattern, other: DialPattern) -> bool:
    """Whether something that one matches begins with something that the other matches.

    Both must be `fixed`: the shorter one would always be taken first.
    """
    pairs = zip(one.elements, other.elements, strict=False)
    return all(first.symbols & second.symbols for first, second in pairs)


def _symbols(text: str, body: str, place: int) -> tuple[frozenset[str], int]:
    """The symbols of the element at `place`, and where it ends."""
    letter = body[place].upper()
    if letter == "X":
        return frozenset(DIGITS), place + 1
    if letter in SYMBOLS:
        return frozenset(letter), place + 1
    end = body.find("]", place)
    if letter != "[" or end == -1:
        raise LocalError(f"{text!r} has {body[place]!r} where a digit, x or [ should stand")
    return _range(text, body[place + 1 : end].upper()), end + 1


def _range(text: str, inside: str) -> frozenset[str]:
    found: set[str] = set()
    place = 0
    while place < len(inside):
        first, dash, last = inside[place], inside[place + 1 : place + 2], inside[place + 2 :][:1]
        if dash == "-":
            if first not in DIGITS or not last or last not in DIGITS or first > last:
                raise LocalError(f"{text!r} has a range that isn't of two rising digits")
            found |= set(DIGITS[int(first) : int(last) + 1])
            place += 3
        elif first in SYMBOLS:
            found.add(first)
            place += 1
        else:
            raise LocalError(f"{text!r} has {first!r} in brackets, which is no digit")
    if not found:
        raise LocalError(f"{text!r} has brackets with nothing in them")
    return frozenset(found)
