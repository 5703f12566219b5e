"""The handset without an engine that speaks: what can't be said is shown, long enough and once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from offhook.app.handset import SHOWN_S, Handset, HandsetTerms
from offhook.app.telephone import Telephone
from offhook.app.voice import VoiceTerms
from offhook.base.errors import LocalError
from offhook.base.schema.dial_plan import country_plan
from offhook.base.schema.feature_codes import builtin_feature_codes
from offhook.base.schema.prompt_language import prompt_language
from offhook.base.schema.tone_plan import tone_plan
from offhook.base.vocabulary import Key
from offhook.phone.input.events import HookDown, HookUp
from offhook.phone.line import events as on
from offhook.phone.line.desk import LineTerms
from offhook.phone.line.memory import Memory
from offhook.phone.prompts.composer import PromptComposer
from offhook.protocols.media import handset_messages as ask

TERMS = HandsetTerms(
    LineTerms(country_plan("DE"), builtin_feature_codes()),
    VoiceTerms(tone_plan("DE"), prompt_language("en"), None),
    wall_time=lambda: 1.7e9,
    keep=lambda _memory: None,
    reset=lambda: None,
)


class Desk:
    """A handset without accounts; timers are caught, and their time comes when the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.posted: list[object] = []
        self.waits: list[tuple[float, asyncio.TimerHandle]] = []
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def caught(wait_s: float, what: Callable[..., object], *given: Any) -> asyncio.TimerHandle:
            timer = call_later(3600.0, what, *given)
            self.waits.append((wait_s, timer))
            return timer

        monkeypatch.setattr(loop, "call_later", caught)
        self.telephone = SimpleNamespace(runners=(), post=self.posted.append)
        self.handset = Handset(cast("Telephone", self.telephone), TERMS, Memory())

    def dial(self, keys: str) -> None:
        for key in keys:
            self.handset.receive(Key(key))
            self.handset.receive(Key(key, pressed=False))

    @property
    def shown(self) -> list[float]:
        """How long what is shown now will be (s), for each timer that would take it away."""
        return [
            wait_s
            for wait_s, timer in self.waits
            if not timer.cancelled() and "_said" in repr(timer)
        ]

    @property
    def said(self) -> ask.Say:
        return [each for each in self.posted if isinstance(each, ask.Say)][-1]


def on_a_desk(monkeypatch: pytest.MonkeyPatch, scene: Callable[[Desk], None]) -> None:
    async def run() -> None:
        desk = Desk(monkeypatch)
        desk.handset.receive(on.AccountReady("4711"))
        desk.handset.receive(HookUp())
        scene(desk)
        desk.handset.close()

    asyncio.run(run())


def test_what_can_not_be_composed_is_shown_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LocalError("no such word")

    monkeypatch.setattr(PromptComposer, "compose", fail)

    def scene(desk: Desk) -> None:
        desk.dial("*#01")
        assert desk.handset.view().ear == "own number 4711"
        assert desk.shown == [SHOWN_S]

    on_a_desk(monkeypatch, scene)


def test_of_two_that_can_not_be_said_the_first_one_s_time_doesn_t_end_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def scene(desk: Desk) -> None:
        first = None
        for _ in range(2):
            desk.dial("*#01")
            first = first or desk.said
            desk.telephone.on_handset_report(ask.Spoken(desk.said.utterance, "no file"))
            desk.handset.receive(HookDown())
            desk.handset.receive(HookUp())
        assert len(desk.shown) == 1
        desk.telephone.on_handset_report(ask.Spoken(first.utterance if first else 0, "late"))
        assert len(desk.shown) == 1

    on_a_desk(monkeypatch, scene)


def test_that_words_are_not_rendered_is_no_fault_of_the_sound_once_they_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def scene(desk: Desk) -> None:
        desk.dial("*#01")
        desk.telephone.on_handset_report(ask.Spoken(desk.said.utterance, "no file"))
        assert desk.handset.view().sound == "no file"
        desk.handset.receive(HookDown())
        assert desk.handset.view().sound == ""
        desk.telephone.on_handset_report(ask.SoundLost("unplugged"))
        assert desk.handset.view().sound == "unplugged"

    on_a_desk(monkeypatch, scene)


def test_the_microphone_is_opened_and_closed_once_for_each_lifting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def scene(desk: Desk) -> None:
        for event in (HookUp(), HookDown(), HookDown(), HookUp()):
            desk.handset.receive(event)
        kinds = (ask.OpenHandset, ask.CloseHandset)
        done = [type(each) for each in desk.posted if isinstance(each, kinds)]
        assert done == [ask.OpenHandset, ask.CloseHandset, ask.OpenHandset]
        opened = desk.posted.index(ask.OpenHandset())
        tone = next(n for n, each in enumerate(desk.posted) if isinstance(each, ask.PlayTone))
        assert opened < tone, "no beginning of the tone is lost"

    on_a_desk(monkeypatch, scene)


def test_a_closed_handset_wakes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def scene(desk: Desk) -> None:
        desk.dial("*#01")
        desk.handset.close()
        desk.telephone.on_handset_report(ask.Spoken(desk.said.utterance, "no file"))
        desk.handset.receive(on.AccountDown(on.Trouble.NO_NETWORK))
        assert all(timer.cancelled() for _, timer in desk.waits)

    on_a_desk(monkeypatch, scene)
