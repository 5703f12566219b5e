"""Joins the line with accounts and a person: what the exchange leaves over is shown or kept."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from offhook.app.runner import AccountRunner
from offhook.app.telephone import Telephone
from offhook.base.vocabulary import CallView, HandsetView, Lamp, LampLook, Sentence, Tone
from offhook.phone.call.account import Account
from offhook.phone.call.account_events import (
    AccountEvent,
    FlowReady,
    Registered,
    Unregistered,
)
from offhook.phone.call.call import Call
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.desk import LineTerms
from offhook.phone.line.exchange import Exchange
from offhook.phone.line.line import Line
from offhook.phone.line.memory import Memory
from offhook.phone.line.troubles import account_down
from offhook.shells.store.clock import monotonic

SPEAK_S = 2.5
"""How long a sentence stands where nobody says it aloud."""


@dataclass(slots=True)
class _Senses:
    """What a person would hear and see."""

    tone: Tone | None = None
    said: tuple[Sentence, ...] = ()
    ringing: bool = False
    muted: bool = False
    lamps: dict[Lamp, LampLook] = field(default_factory=dict)


class Handset:
    """One line on a telephone's accounts, on the running loop. `keep` stores the line's memory.

    Tones and sentences are shown, not yet heard, and mute is only shown: the engine has no tone
    without a call, and no mute.
    """

    def __init__(
        self,
        telephone: Telephone,
        terms: LineTerms,
        memory: Memory,
        keep: Callable[[Memory], None],
    ) -> None:
        legs = itertools.count(1)
        self._telephone = telephone
        self._runners = {runner.account.terms.name: runner for runner in telephone.runners}
        self._line = Line(terms, memory, legs)
        self._exchange = Exchange(
            self._line,
            [runner.account for runner in telephone.runners],
            legs,
            self._diagnose,
        )
        self._keep = keep
        self._senses = _Senses()
        self._off_hook = False
        self._standing: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._spoken: asyncio.TimerHandle | None = None
        for runner in telephone.runners:
            runner.on_event = functools.partial(self._happened, runner)
        self._work()

    def receive(self, event: on.LineEvent) -> None:
        """Something that a person did, or the line is to know."""
        self._exchange.receive(event, monotonic())
        self._work()

    def lifted(self, *, off_hook: bool) -> None:
        """The handset is in the hand, or not; for the picture alone."""
        self._off_hook = off_hook

    def close(self) -> None:
        """Wake no more."""
        for timer in (self._timer, self._spoken):
            if timer is not None:
                timer.cancel()

    def view(self) -> HandsetView:
        """The telephone as it is now."""
        senses, now = self._senses, monotonic()
        ear = f"{senses.tone.value} tone" if senses.tone is not None else ""
        if senses.said:
            ear = "; ".join(f"{each.prompt.value} {each.value}".strip() for each in senses.said)
        calls = (call for runner in self._telephone.runners for call in runner.account.calls)
        return HandsetView(
            off_hook=self._off_hook,
            ringing=senses.ringing,
            digits=self._line.dialled,
            ear=ear,
            lamps=tuple(senses.lamps.items()),
            muted=senses.muted,
            account="; ".join(self._standing.values()) or "starting",
            calls=tuple(_view(call, now) for call in calls),
        )

    def _happened(self, runner: AccountRunner, event: AccountEvent) -> None:
        terms = runner.account.terms
        match event:
            case Registered():
                self._standing[terms.name] = f"registered as {terms.user}@{terms.domain}"
            case FlowReady() if not terms.register:
                self._standing[terms.name] = f"connected to {terms.domain}"
            case Unregistered(reason=reason):
                self._standing[terms.name] = f"not registered: {reason}"
        self._exchange.take(runner.account, event, monotonic(), None)
        self._work()

    def _diagnose(self, account: Account, event: Unregistered) -> on.AccountDown:
        rule = self._runners[account.terms.name].times.failed_rule
        return account_down(event.status, refused_rule=rule)

    def _work(self) -> None:
        """Carry out what is left over, and have every account say what it has to say."""
        loop = asyncio.get_running_loop()
        for action in self._exchange.actions():
            self._carry_out(action)
        for runner in self._telephone.runners:
            # Never within the pump that brought the event here.
            loop.call_soon(runner.pump)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._exchange.deadline()
        if due is not None:
            self._timer = loop.call_later(max(0.0, due - monotonic()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._exchange.tick(monotonic())
        self._work()

    def _carry_out(self, action: do.Action) -> None:
        match action:
            case do.Remember(memory=memory):
                self._keep(memory)
            case do.ResetEverything():
                self._keep(Memory())
            case do.Say(sentences=sentences, utterance=utterance):
                self._senses.said = sentences
                if self._spoken is not None:
                    self._spoken.cancel()
                self._spoken = asyncio.get_running_loop().call_later(
                    SPEAK_S * len(sentences), self._said, utterance
                )
            case do.Hush():
                self._senses.said = ()
                if self._spoken is not None:
                    self._spoken.cancel()
            case _:
                self._sense(action)

    def _sense(self, action: do.Action) -> None:
        senses = self._senses
        match action:
            case do.PlayTone(tone=tone):
                senses.tone = tone
            case do.StopTone():
                senses.tone = None
            case do.StartRing(volume=volume):
                senses.ringing = volume > 0
            case do.StopRing():
                senses.ringing = False
            case do.SetLamp(lamp=lamp, look=look):
                senses.lamps[lamp] = look
            case do.SetMute(muted=muted):
                senses.muted = muted

    def _said(self, utterance: int) -> None:
        self._senses.said = ()
        self.receive(on.Spoken(utterance))


def _view(call: Call, now: float) -> CallView:
    record = call.record
    return CallView(
        peer=record.peer,
        incoming=isinstance(call, IncomingCall),
        state=call.state.value,
        trust=record.trust.level.value,
        reason=record.trust.reasons[0],
        suite=record.suite or "",
        held=call.held,
        talked_s=call.talked_s(now),
    )
