"""RFC 3435 §2.1.5: when what is dialled is complete, and what it is.

The first that applies decides: an emergency number at its last digit; one of the telephone's own
codes at its last key; a pattern of the dial plan, at once or after a pause. A number that may yet
become an emergency number or an own code is never complete before a pause.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from offhook.base.schema.dial_pattern import Fit, parse_pattern
from offhook.base.schema.dial_plan import DialPlan
from offhook.base.schema.feature_codes import FeatureCode, FeatureCodes

LONGEST_NUMBER: Final = 64
"""Keys; more than any number or code has."""


class Verdict(Enum):
    """What has been dialled so far."""

    MORE = "more"
    NUMBER = "number"
    EMERGENCY = "emergency"
    CODE = "code"
    NOTHING = "nothing"
    """Neither number nor code, and no further key makes it one."""


class Digits:
    """Collects one number or code; `text` is what was dialled."""

    def __init__(self, plan: DialPlan, codes: FeatureCodes) -> None:
        self.text = ""
        self._plan = plan
        self._codes = codes
        self._patterns = tuple(parse_pattern(each) for each in plan.patterns)
        self._timed = False

    def clear(self) -> None:
        """Begin another number."""
        self.text, self._timed = "", False

    def add(self, symbol: str) -> Verdict:
        """One key more: "0" to "9", "*", "#", "A" to "D"."""
        self.text += symbol
        text, plan = self.text, self._plan
        if text in plan.emergency:
            return Verdict.EMERGENCY
        own = self._codes.fit(text)
        if own is Fit.COMPLETE:
            return Verdict.CODE
        fits = {pattern.fit(text) for pattern in self._patterns}
        undecided = own is Fit.PARTIAL or any(each.startswith(text) for each in plan.emergency)
        if Fit.COMPLETE in fits and not undecided:
            return Verdict.NUMBER
        self._timed = bool(fits & {Fit.COMPLETE, Fit.TIMED})
        hopeless = not (undecided or self._timed or Fit.PARTIAL in fits)
        if hopeless or len(text) >= LONGEST_NUMBER:
            return Verdict.NOTHING
        return Verdict.MORE

    def pause(self) -> Verdict:
        """Nothing was dialled for `wait_s`."""
        return Verdict.NUMBER if self._timed else Verdict.NOTHING

    @property
    def wait_s(self) -> float:
        """How long to wait for the next key (s)."""
        return self._plan.next_digit_s if self._timed else self._plan.incomplete_s

    @property
    def number(self) -> str:
        """What to call: the # that ended a number isn't part of it, that of a code is."""
        return self.text.removesuffix("#") if self.text[:1].isdigit() else self.text

    @property
    def code(self) -> FeatureCode | None:
        """The own code that was dialled, where it was one."""
        return self._codes.find(self.text)

    def is_emergency(self, number: str) -> bool:
        """Whether `number`, from wherever it comes, is an emergency number here."""
        return number in self._plan.emergency
