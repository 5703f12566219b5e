"""The tones that a country's telephones speak in (ITU-T E.180/Q.35 and its supplement 2).

Levels are dBm0 as in ITU-T G.100.1, where a sine of full scale has +3.14 dBm0 (A-law).
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Final

import msgspec

from offhook.base.errors import LocalError
from offhook.base.schema.section import Defect, Section, key
from offhook.base.schema.walker import walk

FULL_SCALE_DBM0: Final = 3.14
"""The level of a sine whose peak is full scale."""
MODULATION_DEPTH: Final = 0.85
"""Assumed: the sources name the modulating frequency alone."""
ASSUMED_LEVEL_DBM0: Final = -10.0
"""Assumed: the sources give frequencies and times, and no level."""

Hertz = Annotated[int, msgspec.Meta(ge=20, le=3400)]
ModulatingHertz = Annotated[int, msgspec.Meta(ge=1, le=50)]
Milliseconds = Annotated[int, msgspec.Meta(ge=10, le=60000)]


class ToneSegment(Section, frozen=True):
    """Frequencies that sound together for a time, or silence for a time."""

    hz: Annotated[
        tuple[Hertz, ...],
        key("Frequencies in Hz; none: silence.", example=[350, 440], max_length=4),
    ] = ()
    ms: Annotated[Milliseconds | None, key("For how many ms; left out: for ever.", example=480)] = (
        None
    )
    modulated_hz: Annotated[
        ModulatingHertz | None,
        key("Frequency in Hz by which the amplitude is modulated.", example=16),
    ] = None

    def check(self) -> Iterator[Defect]:
        """Each frequency once, and one alone where it is modulated."""
        if len(set(self.hz)) < len(self.hz):
            yield Defect("hz", list(self.hz), "each frequency once", "Take the second one out.")
        if self.modulated_hz is not None and (len(self.hz) != 1 or self.hz[0] <= self.modulated_hz):
            yield Defect(
                "modulated_hz",
                self.modulated_hz,
                "one frequency in hz, above this one",
                "Write for instance hz = [400].",
            )

    def partials(self, level_dbm0: float) -> tuple[tuple[int, float], ...]:
        """Frequency in Hz and peak amplitude (1.0: full scale) of every sine in it.

        The sum has the power `level_dbm0`; the frequencies share it equally.
        """
        peak = 10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20)
        if self.modulated_hz is not None:
            carrier = peak / math.sqrt(1 + MODULATION_DEPTH**2 / 2)
            side = carrier * MODULATION_DEPTH / 2
            (hz,) = self.hz
            return (hz - self.modulated_hz, side), (hz, carrier), (hz + self.modulated_hz, side)
        return tuple((hz, peak / math.sqrt(len(self.hz))) for hz in self.hz)


class ToneShape(Section, frozen=True):
    """A tone: what sounds once, then what is repeated; with nothing to repeat it ends by itself."""

    cadence: Annotated[
        tuple[ToneSegment, ...],
        key("Segments repeated for ever.", example=[{"hz": [425], "ms": 480}, {"ms": 480}]),
    ] = ()
    once: Annotated[
        tuple[ToneSegment, ...],
        key("Segments that come before, once.", example=[{"hz": [425], "ms": 100}, {"ms": 100}]),
    ] = ()
    level_dbm0: Annotated[
        float,
        key(
            "Level in dBm0 of the sum while it sounds; -10 is assumed where no source gives one.",
            example=-10.0,
            ge=-40.0,
            le=3.0,
        ),
    ] = ASSUMED_LEVEL_DBM0
    assumed: Annotated[
        bool, key("The plan's source doesn't have this tone: it is Offhook's choice.", example=True)
    ] = False

    def check(self) -> Iterator[Defect]:
        """Only what is alone in the cadence lasts for ever, and nothing is clipped."""
        if not self.once and not self.cadence:
            yield Defect("cadence", None, "at least one segment", "Add cadence = [{ hz = [425] }].")
        timed = self.once + (self.cadence if len(self.cadence) > 1 else ())
        if any(segment.ms is None for segment in timed):
            yield Defect("cadence", None, "ms in every segment of a sequence", "Add ms = 500.")
        for segment in self.once + self.cadence:
            peak = sum(amplitude for _, amplitude in segment.partials(self.level_dbm0))
            if peak > 1:
                yield Defect(
                    "level_dbm0",
                    self.level_dbm0,
                    f"a level at which {len(segment.hz)} sines are not clipped",
                    f"Write level_dbm0 = {self.level_dbm0 - math.ceil(20 * math.log10(peak))}.",
                )


class TonePlan(Section, frozen=True):
    """The tones of one country."""

    country: Annotated[str, key("ISO 3166-1 alpha-2 code.", example="DE", pattern=r"^[A-Z]{2}\Z")]
    name: Annotated[str, key("The country's name in English.", example="Germany", min_length=1)]
    source: Annotated[str, key("Where the figures come from.", example="E.180", min_length=1)]
    dial: Annotated[ToneShape, key("Dial.", example={})]
    stutter: Annotated[ToneShape, key("Dial, with something waiting or switched on.", example={})]
    ringback: Annotated[ToneShape, key("The other telephone rings.", example={})]
    busy: Annotated[ToneShape, key("The other telephone is busy.", example={})]
    congestion: Annotated[ToneShape, key("No way there; also called reorder.", example={})]
    special_information: Annotated[ToneShape, key("The number can't be reached.", example={})]
    call_waiting: Annotated[ToneShape, key("Another call knocks during a call.", example={})]
    confirmation: Annotated[ToneShape, key("A feature code was carried out.", example={})]
    howler: Annotated[ToneShape, key("The handset was left off the hook.", example={})]

    def tone(self, name: str) -> ToneShape:
        """The tone `name` (TONE_NAMES; a space is as good as "_"). LocalError if there is none."""
        name = name.replace(" ", "_")
        if name not in TONE_NAMES:
            raise LocalError(f"there is no tone {name!r}; tones: {', '.join(TONE_NAMES)}")
        found: ToneShape = getattr(self, name)
        return found


TONE_NAMES: Final = TonePlan.__struct_fields__[3:]


def tone_countries() -> tuple[str, ...]:
    """The ISO 3166-1 codes of the countries whose tones come with Offhook, sorted."""
    names = (each.name for each in (resources.files(__package__) / "tones").iterdir())
    return tuple(sorted(name[:-5].upper() for name in names if name.endswith(".toml")))


@functools.cache
def tone_plan(country: str) -> TonePlan:
    """The tones of `country` (ISO 3166-1 alpha-2). Raises LocalError if it isn't among them."""
    known = tone_countries()
    if country not in known:
        raise LocalError(f"there are no tones of {country!r}; countries: {', '.join(known)}")
    path = resources.files(__package__) / "tones" / f"{country.lower()}.toml"
    return read_tone_plan(path.read_text("utf-8"))


def read_tone_plan(text: str) -> TonePlan:
    """A plan out of TOML. Raises DocumentInvalid with all problems, or TOMLDecodeError."""
    return walk(TonePlan, tomllib.loads(text))
