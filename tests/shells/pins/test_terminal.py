from __future__ import annotations

import pytest
from rich.console import Console

from offhook.base.vocabulary import CallView, HandsetView, Lamp, LampLook
from offhook.shells.pins.terminal import LEGEND, lit, picture, pressed

BLINKING = LampLook("hop by hop", (1500, 500), green=True, rgb=(0, 255, 0))
DARK = LampLook("dark", ())
STEADY = LampLook("verified end to end", (1000,), green=True)


def shown(view: HandsetView) -> str:
    console = Console(record=True, width=100, file=None, quiet=False)
    with console.capture() as capture:
        console.print(picture(view, 0.0))
    return capture.get()


def idle(**changes: object) -> HandsetView:
    terms: dict[str, object] = {
        "off_hook": False,
        "ringing": False,
        "digits": "",
        "ear": "",
        "lamps": ((Lamp.SECURITY, BLINKING),),
        "muted": False,
        "account": "registered as desk7@trunk.example",
    }
    return HandsetView(**(terms | changes))  # type: ignore[arg-type]  # a test's own words


@pytest.mark.parametrize(
    ("look", "now", "light"),
    [
        (BLINKING, 0.0, True),
        (BLINKING, 1.4, True),
        (BLINKING, 1.6, False),
        (BLINKING, 2.1, True),
        (DARK, 0.0, False),
        (STEADY, 12.3, True),
    ],
)
def test_a_lamp_is_lit_by_its_cadence(look: LampLook, now: float, light: bool) -> None:
    assert lit(look, now) is light


def test_the_picture_tells_who_how_safe_and_why() -> None:
    call = CallView(
        peer="sip:600@trunk.example",
        incoming=False,
        state="talking",
        trust="hop by hop",
        reason="the keys went through trunk.example, who could listen",
        suite="AEAD_AES_256_GCM",
        talked_s=83.0,
    )
    text = shown(idle(off_hook=True, calls=(call,)))
    for told in (
        "to sip:600@trunk.example",
        "hop by hop",
        "AEAD_AES_256_GCM",
        "who could listen",
        "1:23",
        "lifted",
    ):
        assert told in text


def test_what_a_peer_calls_itself_can_not_draw_on_the_terminal() -> None:
    call = CallView("sip:[red]x[/]\x1b[2J@h", True, "alerting", "none", "[bold]no[/]")
    text = shown(idle(calls=(call,)))
    assert "[red]x[/]" in text
    assert "[bold]no[/]" in text
    assert "\x1b[2J" not in text


def test_the_keys_are_explained() -> None:
    assert LEGEND in shown(idle())


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"12*#A", ["1", "2", "*", "#", "A"]),
        (b" fFmMq", ["hook", "flash", "flash", "mute", "mute", "quit"]),
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", []),
        (b"\x1bOA\x1bOP", []),
        (b"1\x1b[3~2\x1b[15~3\x1b[1;5A4", ["1", "2", "3", "4"]),
        (b"\x1b1", []),
        (b"\x1b", []),
        (b"\x1b[15", []),
        (b"\xc3\xa45", ["5"]),
    ],
    ids=repr,
)
def test_a_key_that_is_no_telephones_dials_nothing(typed: bytes, keys: list[str]) -> None:
    assert pressed(typed) == keys
