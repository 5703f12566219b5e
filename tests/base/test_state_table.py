from __future__ import annotations

from enum import Enum

from offhook.base.state_table import Step, render, step


class Lamp(Enum):
    DARK = "Dark"
    LIT = "Lit"


class Button(Enum):
    PRESSED = "pressed"


class Action(Enum):
    CLICK = "click"
    SHINE = "shine"


def test_a_step_goes_to_its_state_after_its_actions_in_order() -> None:
    assert step(Lamp.LIT, Action.CLICK, Action.SHINE) == Step(
        Lamp.LIT, (Action.CLICK, Action.SHINE)
    )


def test_a_table_is_drawn_line_by_line_in_its_own_order() -> None:
    table = {
        (Lamp.DARK, Button.PRESSED): step(Lamp.LIT, Action.CLICK, Action.SHINE),
        (Lamp.LIT, Button.PRESSED): step(Lamp.DARK),
    }
    assert render(table) == (
        "stateDiagram-v2\n"
        "    Dark --> Lit : pressed / click, shine\n"
        "    Lit --> Dark : pressed / nothing\n"
    )
