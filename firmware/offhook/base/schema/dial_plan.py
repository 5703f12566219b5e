"""RFC 3435 §2.1.5, ITU-T E.161: what a country's people dial, as data in `dial_plans.toml`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Annotated, Final

from offhook.base.errors import LocalError
from offhook.base.schema.dial_pattern import Fit, parse_pattern
from offhook.base.schema.section import Defect, Section, key
from offhook.base.schema.walker import walk

COUNTRIES: Final = "dial_plans.toml"

EUROPE: Final = (
    "xx.T",
    "xx.#",
    "[*#]xx.#T",
    "[*#][*#]xx.#",
    "[*#]xx.#xx.T",
    "[*#]xx.*x.#",
    "[*#][*#]xx.*x.#",
)
"""Any number, ended by a pause or by #; and the codes *43#, *#21#, #31#NUMBER, *21*NUMBER#."""


class DialPlan(Section, frozen=True):
    """When a number is complete. Emergency numbers are complete at their last digit."""

    emergency: Annotated[
        tuple[str, ...],
        key(
            "Numbers that are called at once, from any account and without registration. "
            "None may begin another.",
            example=["110", "112"],
            min_length=1,
        ),
    ]
    patterns: Annotated[
        tuple[str, ...],
        key(
            "What can be dialled, in the digit-map syntax of RFC 3435 §2.1.5: x is any digit, "
            "[2-9] a range, . repeats, a final T waits for a pause. The first complete match is "
            "called.",
            example=["xx.T", "*xx*x.#"],
            min_length=1,
        ),
    ] = EUROPE
    international_prefix: Annotated[
        str, key("What is dialled before a country code.", example="00", pattern=r"^[0-9]{1,5}\Z")
    ] = "00"
    trunk_prefix: Annotated[
        str,
        key("What is dialled before an area code.", example="0", pattern=r"^[0-9]{0,3}\Z"),
    ] = "0"
    first_digit_s: Annotated[
        float, key("Seconds of dial tone before it gives up.", example=20.0, ge=5, le=60)
    ] = 20.0
    next_digit_s: Annotated[
        float,
        key("Seconds without a digit after which a number is complete.", example=4.0, ge=1, le=20),
    ] = 4.0
    incomplete_s: Annotated[
        float,
        key(
            "Seconds without a digit after which an incomplete number is given up.",
            example=12.0,
            ge=2,
            le=60,
        ),
    ] = 12.0

    def check(self) -> Iterator[Defect]:
        """Every pattern can be read; an emergency number is digits, and none begins another."""
        for index, text in enumerate(self.patterns):
            try:
                pattern = parse_pattern(text)
            except LocalError as error:
                yield Defect(f"patterns.[{index}]", text, "a dial pattern", f"{error}.")
                continue
            if pattern.fit("") in {Fit.COMPLETE, Fit.TIMED}:
                yield Defect(
                    f"patterns.[{index}]",
                    text,
                    "a pattern that needs at least one digit",
                    "Repeat the last place only: xx.T, not x.T.",
                )
        for index, number in enumerate(self.emergency):
            others = self.emergency[:index] + self.emergency[index + 1 :]
            if not (number.isascii() and number.isdigit()):
                yield Defect(
                    f"emergency.[{index}]", number, "digits alone", 'Write for instance "112".'
                )
            elif any(number.startswith(other) for other in others):
                yield Defect(
                    f"emergency.[{index}]",
                    number,
                    "a number that no other one begins",
                    "Take the longer one out: it can never be dialled.",
                )


class Countries(Section, frozen=True):
    """The file's shape: one plan for each country, named by its ISO 3166-1 code."""

    AT: Annotated[DialPlan, key("Austria.", example={})]
    AU: Annotated[DialPlan, key("Australia.", example={})]
    CH: Annotated[DialPlan, key("Switzerland.", example={})]
    DE: Annotated[DialPlan, key("Germany.", example={})]
    ES: Annotated[DialPlan, key("Spain.", example={})]
    FR: Annotated[DialPlan, key("France.", example={})]
    GB: Annotated[DialPlan, key("The United Kingdom.", example={})]
    IT: Annotated[DialPlan, key("Italy.", example={})]
    JP: Annotated[DialPlan, key("Japan.", example={})]
    NL: Annotated[DialPlan, key("The Netherlands.", example={})]
    SE: Annotated[DialPlan, key("Sweden.", example={})]
    US: Annotated[DialPlan, key("The United States and Canada.", example={})]


@functools.cache
def _countries() -> Mapping[str, DialPlan]:
    text = (resources.files(__package__) / COUNTRIES).read_text("utf-8")
    countries = walk(Countries, tomllib.loads(text))
    return {name: getattr(countries, name) for name in Countries.__struct_fields__}


def country_names() -> tuple[str, ...]:
    """The countries whose plans come with Offhook, sorted."""
    return tuple(sorted(_countries()))


def country_plan(name: str) -> DialPlan:
    """The plan of the country with this ISO 3166-1 code. Raises LocalError if there is none."""
    try:
        return _countries()[name.upper()]
    except KeyError:
        raise LocalError(
            f"there is no dial plan for {name!r}; countries: {', '.join(country_names())}"
        ) from None
