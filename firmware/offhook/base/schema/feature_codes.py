"""What the telephone itself does on a dialled code: one table, in `feature_codes.toml`.

The built-in codes begin with `*#0`, `*#1` or `#1`. No supplementary service of 3GPP TS 22.030
annex B begins with 1; of those with 0 there are 002 and 004, and `*#06#` is the mobile's IMEI:
these three are left alone, so that the trunk gets every code that is meant for it.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Final, Literal

import msgspec

from offhook.base.errors import LocalError
from offhook.base.schema.dial_pattern import DialPattern, Fit, overlap, parse_pattern
from offhook.base.schema.section import Defect, Section, key
from offhook.base.schema.walker import walk

Function = Literal[
    "own-number",
    "state",
    "why-not-registered",
    "call-security",
    "compare",
    "who-is-calling",
    "last-caller",
    "missed-callers",
    "mute-state",
    "redial",
    "speed-dial",
    "ear-louder",
    "ear-softer",
    "ring-louder",
    "ring-softer",
    "reset-arm",
    "reset-confirm",
]
"""Everything that a code can ask for."""

TABLE: Final = "feature_codes.toml"
LANGUAGES: Final = ("en", "de")
"""What every name and explanation is written in; a table may have more."""

Seconds = Annotated[float, msgspec.Meta(ge=5, le=120)]

_CONFIRMS: Final = {"reset-confirm": "reset-arm"}
_TAKES_KEY: Final = frozenset({"speed-dial"})


class FeatureCode(Section, frozen=True):
    """One code: what is dialled, what it does, and how the desk card tells it."""

    code: Annotated[
        str,
        key(
            "What is dialled: * or #, then keys. An x stands for the key that the function takes.",
            example="*#01",
            expects="* or #, then one to seven of the keys 0-9 * # and, at the end, x",
            pattern=r"^[*#][0-9*#]{0,6}[0-9*#x]\Z",
        ),
    ]
    function: Annotated[Function, key("What the telephone does.", example="own-number")]
    group: Annotated[
        Literal["ask", "call", "volume", "reset"],
        key("Under which heading the desk card has it.", example="ask"),
    ]
    name: Annotated[
        dict[str, str],
        key(
            "Its name, by language (ISO 639-1).",
            example={"en": "Own number", "de": "Eigene Nummer"},
            expects="a text for each language, en and de at least",
        ),
    ]
    does: Annotated[
        dict[str, str],
        key(
            "One sentence on what it does, by language.",
            example={"en": "Says this telephone's number.", "de": "Sagt die eigene Nummer an."},
            expects="a text for each language, en and de at least",
        ),
    ]
    within_s: Annotated[
        Seconds | None,
        key(
            "For the first of two codes: seconds within which the second must follow.",
            example=30.0,
        ),
    ] = None

    @property
    def pattern(self) -> DialPattern:
        """The code as a dial pattern."""
        return parse_pattern(self.code)

    def explanation(self, language: str) -> str:
        """What it does in that language, or in English; `{within_s}` stands for the seconds."""
        text = self.does.get(language, self.does["en"])
        return text.replace("{within_s}", f"{self.within_s or 0:.0f}")

    def check(self) -> Iterator[Defect]:
        """The key is there where it is needed, and the texts in every language."""
        if self.code.endswith("x") != (self.function in _TAKES_KEY):
            wanted = (
                "a code that ends with x" if self.function in _TAKES_KEY else "a code without x"
            )
            yield Defect("code", self.code, wanted, f"{self.function} asks for that.")
        for field in ("name", "does"):
            said = getattr(self, field)
            missing = [each for each in LANGUAGES if not said.get(each)]
            unprintable = [each for each in said.values() if not each.isprintable()]
            if missing or unprintable:
                yield Defect(
                    field,
                    said,
                    "a printable text in " + " and ".join(LANGUAGES),
                    f"Add {missing[0]}." if missing else "Take the control characters out.",
                )
        arms = self.function in _CONFIRMS.values()
        if arms != (self.within_s is not None):
            yield Defect(
                "within_s",
                self.within_s,
                "seconds, for the first of two codes and for no other",
                "Add within_s = 30.0." if arms else "Take within_s out.",
            )


class FeatureCodes(Section, frozen=True):
    """The whole table."""

    codes: Annotated[
        tuple[FeatureCode, ...],
        key("The codes, as [[codes]] tables.", example=[{"code": "*#01"}], min_length=1),
    ]

    def check(self) -> Iterator[Defect]:
        """No code begins another, none does what another does, and a confirmation has its first."""
        functions: set[str] = set()
        for index, each in enumerate(self.codes):
            for other in self.codes[:index]:
                if overlap(each.pattern, other.pattern):
                    yield Defect(
                        f"codes.[{index}].code",
                        each.code,
                        f"a code that neither begins {other.code} nor is begun by it",
                        "Change one of the two.",
                    )
            if each.function in functions:
                yield Defect(
                    f"codes.[{index}].function",
                    each.function,
                    "a function that no other code has",
                    "Take one of the two out.",
                )
            functions.add(each.function)
        for index, each in enumerate(self.codes):
            first = _CONFIRMS.get(each.function)
            if first is not None and first not in functions:
                yield Defect(
                    f"codes.[{index}].function",
                    each.function,
                    f"a table that also has {first}",
                    f"Add a code for {first}: nothing is erased in one step.",
                )

    def code_of(self, function: Function) -> str | None:
        """What is dialled for `function`, or None where the table leaves it out."""
        return next((each.code for each in self.codes if each.function == function), None)

    def find(self, dialled: str) -> FeatureCode | None:
        """The code that `dialled` completes, or None."""
        return next(
            (each for each in self.codes if each.pattern.fit(dialled) is Fit.COMPLETE), None
        )

    def fit(self, dialled: str) -> Fit:
        """How far `dialled` fits any of the codes: complete, partial or impossible."""
        fits = {each.pattern.fit(dialled) for each in self.codes}
        return next(
            (fit for fit in (Fit.COMPLETE, Fit.PARTIAL) if fit in fits),
            Fit.IMPOSSIBLE,
        )


def load_feature_codes(text: str) -> FeatureCodes:
    """The table in a TOML document.

    Raises DocumentInvalid with every problem found, LocalError where it is no TOML.
    """
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        raise LocalError(f"the feature codes are no TOML: {error}") from None
    return walk(FeatureCodes, document)


@functools.cache
def builtin_feature_codes() -> FeatureCodes:
    """The table that comes with Offhook."""
    return load_feature_codes((resources.files(__package__) / TABLE).read_text("utf-8"))
