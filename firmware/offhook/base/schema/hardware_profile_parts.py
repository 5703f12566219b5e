"""What a telephone may be wired of: hook, keypad, dial, buttons, bell, lamps, and their times.

Pins are BCM numbers. Contacts close their pin to ground and are pulled up where they are open.
Bounds of the times are those of `phone.input.times`; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from offhook.base.schema.section import Defect, Section, key

DIAL_SYMBOLS: Final = "0123456789*#ABCD"

Pin = Annotated[
    int,
    msgspec.Meta(ge=0, le=27, extra={"expects": "a GPIO of the header by its number, 0 to 27"}),
]
KeyRow = Annotated[
    str, msgspec.Meta(max_length=4, extra={"expects": "one symbol for each pin in columns"})
]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=5000)]
Percent = Annotated[float, msgspec.Meta(ge=0.5, le=50)]
Active = Literal["high", "low"]


class HookWiring(Section, frozen=True):
    """The switch that the handset lies on."""

    pin: Annotated[Pin, key("The hook switch's pin; its other end goes to ground.", example=4)]
    closed_when: Annotated[
        Literal["lifted", "down"],
        key("Where the handset is while the switch is closed.", example="down"),
    ] = "lifted"


class KeypadWiring(Section, frozen=True):
    """A keypad of rows and columns."""

    rows: Annotated[
        tuple[Pin, ...],
        key("The rows' pins, from the top.", example=[22, 23, 24, 25], min_length=1, max_length=4),
    ]
    columns: Annotated[
        tuple[Pin, ...],
        key("The columns' pins, from the left.", example=[5, 6, 16], min_length=1, max_length=4),
    ]
    kind: Annotated[
        Literal["matrix", "2-of-7"],
        key(
            "A matrix closes one row to one column and is scanned; the keypad of a 2500 set "
            '("2-of-7") has a switch to ground for each row and for each column.',
            example="matrix",
        ),
    ] = "matrix"
    layout: Annotated[
        tuple[KeyRow, ...],
        key(
            "The keys: one text for each row, one symbol for each column.",
            example=["123", "456", "789", "*0#"],
            expects="a text for each pin in rows, at most 4",
            max_length=4,
        ),
    ] = ("123", "456", "789", "*0#")

    def check(self) -> Iterator[Defect]:
        """The layout fits the pins, and every key is one that can be dialled, once."""
        rows, columns = len(self.rows), len(self.columns)
        if self.kind == "2-of-7" and (rows, columns) != (4, 3):
            yield Defect(
                "rows",
                self.rows,
                f"4 rows and 3 columns, as a 2-of-7 keypad has, not {rows} and {columns}",
                'Name all seven pins, or write kind = "matrix".',
            )
        if len(self.layout) != rows:
            yield Defect(
                "layout",
                self.layout,
                f"one text for each of the {rows} pins in rows, not {len(self.layout)}",
                "Add the missing rows or pins, or take the others out.",
            )
        for index, line in enumerate(self.layout):
            if len(line) != columns:
                yield Defect(
                    f"layout.[{index}]",
                    line,
                    f"one symbol for each of the {columns} pins in columns, not {len(line)}",
                    "Add the missing symbols or pins, or take the others out.",
                )
        symbols = "".join(self.layout)
        foreign = "".join(sorted(set(symbols) - set(DIAL_SYMBOLS)))
        twice = "".join(sorted({each for each in symbols if symbols.count(each) > 1}))
        if foreign:
            yield Defect(
                "layout",
                self.layout,
                f"keys out of {DIAL_SYMBOLS}, not {foreign!r}",
                'A key with a function of its own is one of [[buttons]]: symbol = "mute".',
            )
        if twice:
            yield Defect("layout", self.layout, "each key once", f"Leave one {twice!r} each.")


class DialWiring(Section, frozen=True):
    """A rotary dial."""

    nsi: Annotated[Pin, key("The contact that opens once for each pulse.", example=5)]
    nsa: Annotated[
        Pin | None,
        key(
            "The contact that is closed while the dial is away from rest. Without it a digit ends "
            "by silence.",
            example=6,
        ),
    ] = None
    digits: Annotated[
        Literal["international", "new-zealand", "sweden"],
        key(
            "Which digit n pulses are: n, ten of them 0 (international); 10 - n (New Zealand); "
            "n - 1 (Sweden). It is the dial's, whatever the network is.",
            example="sweden",
        ),
    ] = "international"


class ButtonWiring(Section, frozen=True):
    """A key with a contact of its own."""

    pin: Annotated[Pin, key("The key's pin; its other end goes to ground.", example=17)]
    symbol: Annotated[
        str,
        key(
            'What it does: "mute", or a symbol that it dials.',
            example="mute",
            expects='"mute" or one of 0 to 9, *, #, A to D',
            pattern=r"^(mute|[0-9*#A-D])\Z",
        ),
    ]


class RingerLimits(Section, frozen=True):
    """What the bell may do at most, whatever the cadence says."""

    longest_on_ms: Annotated[
        int,
        key("The longest time without a pause, in ms.", example=2000, ge=200, le=5000),
    ] = 3000
    share_percent: Annotated[
        int,
        key("The share of any window in which it may sound, in percent.", example=40, ge=5, le=60),
    ] = 50
    window_s: Annotated[
        int, key("The length of that window in seconds.", example=30, ge=5, le=300)
    ] = 30


class RingerWiring(Section, frozen=True):
    """The bell. It sounds while its pin is high, so the pin needs a pull-down of 10 kΩ."""

    pin: Annotated[Pin, key("The tone's pin, or the module's RM (ring mode).", example=13)]
    kind: Annotated[
        Literal["pwm", "module"],
        key(
            'A piezo or loudspeaker stage fed with a tone ("pwm"), or a module that makes ringing '
            "voltage for a real bell.",
            example="pwm",
        ),
    ] = "pwm"
    toggle: Annotated[
        Pin | None, key("The module's F/R: each change of it turns the voltage.", example=12)
    ] = None
    hz: Annotated[
        float,
        key(
            "The tone's frequency in Hz (100 to 5000), or that of F/R (20 to 25).",
            example=25,
            ge=20,
            le=5000,
        ),
    ] = 2000.0
    duty_percent: Annotated[
        tuple[Percent, ...],
        key(
            "How long the tone's pin is high in each period, for each step of the volume from 1 "
            "on; a step beyond takes the last. 50 is as loud as it gets. A module has one volume.",
            example=[5, 15, 50],
            min_length=1,
            max_length=10,
        ),
    ] = (2, 3, 5, 8, 12, 18, 26, 36, 50)
    limits: Annotated[
        RingerLimits,
        key("What the bell may do at most, as [ringer.limits].", example={"longest_on_ms": 2000}),
    ] = RingerLimits()

    def check(self) -> Iterator[Defect]:
        """F/R and its frequency belong to a module, and to nothing else."""
        module = self.kind == "module"
        if module and self.toggle is None:
            yield Defect("toggle", None, "the pin of the module's F/R", "Add toggle = 12.")
        if not module and self.toggle is not None:
            yield Defect(
                "toggle",
                self.toggle,
                'nothing, as kind = "pwm" has no F/R',
                'Take it out, or write kind = "module".',
            )
        lowest, highest, what = (20, 25, "a bell") if module else (100, 5000, "a tone")
        if not lowest <= self.hz <= highest:
            yield Defect(
                "hz",
                self.hz,
                f"{lowest} to {highest} Hz for {what}",
                f"Write hz = {25 if module else 2000}.",
            )
        if sorted(self.duty_percent) != list(self.duty_percent):
            yield Defect(
                "duty_percent",
                self.duty_percent,
                "shares that don't fall from step to step",
                "Sort them.",
            )


_WIRED_AS: Final = (("pin",), ("red", "green"), ("red", "green", "blue"))


class LampWiring(Section, frozen=True):
    """A lamp of one LED (pin), of two (red, green; both: yellow) or of three (red, green, blue)."""

    pin: Annotated[Pin | None, key("The pin of a lamp that has one LED.", example=12)] = None
    red: Annotated[Pin | None, key("The red LED's pin.", example=27)] = None
    green: Annotated[Pin | None, key("The green LED's pin.", example=26)] = None
    blue: Annotated[Pin | None, key("The blue LED's pin.", example=18)] = None
    active: Annotated[
        Active,
        key(
            "The level at which an LED lights: low where its other end is at 3.3 V.", example="low"
        ),
    ] = "high"

    @property
    def leds(self) -> dict[str, int]:
        """The pins that are wired, by name."""
        named = {name: getattr(self, name) for name in ("pin", "red", "green", "blue")}
        return {name: pin for name, pin in named.items() if pin is not None}

    def check(self) -> Iterator[Defect]:
        """One, two or three LEDs, named as such."""
        if tuple(self.leds) not in _WIRED_AS:
            yield Defect(
                "",
                {"wired": list(self.leds)},
                "pin alone, red and green, or red, green and blue"
                f", not {' and '.join(self.leds) or 'none'}",
                "Write for instance { red = 27, green = 26 }.",
            )


class LampsWiring(Section, frozen=True):
    """The lamps that there are."""

    security: Annotated[
        LampWiring | None,
        key("How safe the call is, and whether the telephone is ready.", example={"red": 27}),
    ] = None
    message: Annotated[
        LampWiring | None, key("Messages wait, or calls were missed.", example={"pin": 12})
    ] = None
    mute: Annotated[
        LampWiring | None, key("The other side can't hear the person.", example={"pin": 16})
    ] = None


class ContactTimes(Section, frozen=True):
    """How long contacts must last, in ms; firmware/docs/input.md says why."""

    hook_up_ms: Annotated[
        float, key("Lifted for this long is lifted.", example=20, ge=10, le=60)
    ] = 20.0
    hook_down_ms: Annotated[
        float, key("Down for this long is no bounce.", example=30, ge=10, le=60)
    ] = 30.0
    flash_ms: Annotated[
        tuple[Milliseconds, ...] | None,
        key(
            "How long a press of the hook is a flash: shortest and longest. Left out: as usual in "
            "the line's country. An empty list: no flash, laying down counts at once.",
            example=[80, 500],
            expects="two whole numbers from 50 to 1500, or an empty list",
        ),
    ] = None
    key_closed_ms: Annotated[
        float, key("A key down for this long is pressed.", example=10, ge=5, le=50)
    ] = 10.0
    key_open_ms: Annotated[
        float, key("A key up for this long is let go.", example=20, ge=12, le=50)
    ] = 20.0
    crowd_ms: Annotated[
        float,
        key("As key_closed_ms, beside another key of the row.", example=30, ge=30, le=100),
    ] = 30.0
    row_ms: Annotated[
        float,
        key("How long a row is driven before the columns are read.", example=2, ge=0.5, le=3),
    ] = 2.0
    pulse_ms: Annotated[
        float, key("nsi open or closed for this long is no bounce.", example=8, ge=5, le=10)
    ] = 8.0
    dial_away_ms: Annotated[
        float, key("nsa closed for this long is away from rest.", example=8, ge=3, le=30)
    ] = 8.0
    dial_rest_ms: Annotated[
        float, key("nsa open for this long is at rest.", example=20, ge=10, le=50)
    ] = 20.0
    pulse_pause_ms: Annotated[
        float, key("No pulse for this long ends a digit.", example=250, ge=200, le=1000)
    ] = 250.0

    def check(self) -> Iterator[Defect]:
        """A flash window has two ends and can be told from bounce."""
        window = self.flash_ms
        if window is None or len(window) == 0:
            return
        if len(window) != 2 or not 50 <= window[0] < window[1] <= 1500:
            yield Defect(
                "flash_ms",
                window,
                "the shortest and the longest press in ms, within 50 to 1500",
                "Write for instance flash_ms = [80, 500], or [] for no flash.",
            )
        elif window[0] <= self.hook_down_ms:
            yield Defect(
                "flash_ms",
                window,
                f"a shortest press above hook_down_ms ({self.hook_down_ms:g})",
                "Raise it, or lower hook_down_ms: it could not be told from bounce.",
            )
