"""What can be set of the line: country, the trunk's own dial patterns, speed dial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from offhook.base.errors import LocalError
from offhook.base.schema.dial_plan import DialPlan, country_names, country_plan
from offhook.base.schema.section import Defect, Section, key


class LineSettings(Section, frozen=True):
    """How people dial here."""

    country: Annotated[
        str,
        key(
            "The country whose emergency numbers, dialling habits and tones are used (ISO 3166-1).",
            example="DE",
            expects="one of the countries that Offhook knows",
        ),
    ] = "DE"
    emergency: Annotated[
        tuple[str, ...],
        key(
            "Further emergency numbers, beside the country's; those can't be taken away.",
            example=["0112"],
        ),
    ] = ()
    patterns: Annotated[
        tuple[str, ...],
        key(
            "What can be dialled at this trunk, instead of the country's patterns, in the "
            "digit-map syntax of RFC 3435 §2.1.5.",
            example=["[2-7]xx", "0xx.T", "0xx.#"],
        ),
    ] = ()
    speed_dial: Annotated[
        dict[str, str],
        key(
            "Numbers under the keys 0 to 9.",
            example={"1": "+4930123456"},
            expects="a table of the keys 0 to 9 and their numbers",
        ),
    ] = msgspec.field(default_factory=dict)
    call_waiting: Annotated[
        bool, key("Announce a second call by a tone instead of refusing it as busy.", example=False)
    ] = True

    @property
    def plan(self) -> DialPlan:
        """The country's plan with what this trunk changes."""
        plan = country_plan(self.country)
        return msgspec.structs.replace(
            plan,
            emergency=(*plan.emergency, *self.emergency),
            patterns=self.patterns or plan.patterns,
        )

    def check(self) -> Iterator[Defect]:
        """The country is known, its plan stays sound with the changes, keys are keys."""
        try:
            plan = self.plan
        except LocalError:
            yield Defect(
                "country",
                self.country,
                "one of the countries " + ", ".join(country_names()),
                'Write for instance country = "DE".',
            )
        else:
            yield from plan.check()
        for pressed, number in self.speed_dial.items():
            if pressed not in set("0123456789") or not number or not number.isprintable():
                yield Defect(
                    "speed_dial",
                    {pressed: number},
                    "a table of the keys 0 to 9 and their numbers",
                    'Write for instance speed_dial = { 1 = "+4930123456" }.',
                )
