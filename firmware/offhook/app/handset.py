"""Joins the line with accounts and a person: what the exchange leaves over is shown or kept."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from offhook.app.control_status import Ledger
from offhook.app.report import StatusReport
from offhook.app.runner import AccountRunner
from offhook.app.telephone import Telephone
from offhook.app.voice import Voice, VoiceTerms
from offhook.base.vocabulary import CallView, HandsetView, Lamp, LampLook, Ring, Sentence, Tone
from offhook.phone.call.account import Account
from offhook.phone.call.account_events import (
    AccountEvent,
    FlowReady,
    Registered,
    Unregistered,
)
from offhook.phone.call.call import Call
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.call.states import CallState
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.desk import LineTerms
from offhook.phone.line.exchange import Exchange
from offhook.phone.line.line import Line
from offhook.phone.line.memory import Memory
from offhook.phone.line.states import STATES
from offhook.phone.line.troubles import account_down
from offhook.protocols.media.handset_messages import HandsetReport, Levels
from offhook.shells.store.clock import monotonic

SHOWN_S: Final = 2.5
"""How long each sentence stands where it can't be said aloud."""


class Pins(Protocol):
    """Lamps and a bell."""

    def set_lamp(self, lamp: Lamp, look: LampLook) -> None:
        """From now on this lamp looks like that."""

    def ring(self, ring: Ring, step: int) -> None:
        """Ring until `stop_ring`; step 0 is silent."""

    def stop_ring(self) -> None:
        """Ring no more."""


@dataclass(frozen=True, slots=True)
class HandsetTerms:
    """What a handset is made with."""

    line: LineTerms
    voice: VoiceTerms
    wall_time: Callable[[], float]
    """The date (Unix seconds)."""
    keep: Callable[[Memory], None]
    """Stores the line's memory."""
    reset: Callable[[], None]
    """Erases what the phone has learned."""


@dataclass(slots=True)
class _Senses:
    """What a person hears and sees."""

    tone: Tone | None = None
    said: tuple[Sentence, ...] = ()
    utterance: int | None = None
    unsaid: str = ""
    """Why that can only be read."""
    ringing: bool = False
    lamps: dict[Lamp, LampLook] = field(default_factory=dict)

    @property
    def ear(self) -> str:
        """Words before tones; empty: neither."""
        if self.said:
            return "; ".join(f"{each.prompt.value} {each.value}".strip() for each in self.said)
        return f"{self.tone.value} tone" if self.tone is not None else ""

    def take(self, action: do.Action) -> None:
        match action:
            case do.Say(sentences=sentences, utterance=utterance):
                self.said, self.utterance, self.unsaid = sentences, utterance, ""
            case do.Hush():
                self.hush()
            case do.PlayTone(tone=tone):
                self.tone = tone
            case do.StopTone():
                self.tone = None
            case do.StartRing(volume=step):
                self.ringing = step > 0
            case do.StopRing():
                self.ringing = False
            case do.SetLamp(lamp=lamp, look=look):
                self.lamps[lamp] = look

    def hush(self) -> None:
        self.said, self.unsaid = (), ""


class Handset:
    """One line on a telephone's accounts, on the running loop.

    `pins` are the lamps and the bell, if there are any.
    """

    def __init__(
        self,
        telephone: Telephone,
        terms: HandsetTerms,
        memory: Memory,
        pins: Pins | None = None,
    ) -> None:
        legs = itertools.count(1)
        self._telephone, self._terms, self._pins = telephone, terms, pins
        self._loop = asyncio.get_running_loop()
        self._runners = {runner.account.terms.name: runner for runner in telephone.runners}
        self._line = Line(terms.line, memory, legs)
        self._exchange = Exchange(
            self._line,
            [runner.account for runner in telephone.runners],
            legs,
            self._diagnose,
        )
        self.voice = Voice(telephone.post, terms.voice, memory, self._spoken)
        self.on_change: Callable[[], None] = lambda: None
        """Called after anything happened."""
        self.on_levels: Callable[[Levels], None] = lambda _levels: None
        self._senses = _Senses()
        self._standing: dict[str, str] = {}
        self._ledger = Ledger(monotonic())
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._closed = False
        for runner in telephone.runners:
            runner.on_event = functools.partial(self._happened, runner)
        telephone.on_handset_report = self._heard_of
        telephone.on_engine_started = self.voice.start
        self.voice.start()
        self._work()

    def receive(self, event: on.LineEvent) -> None:
        """Something that a person did, or the line is to know."""
        before = self.off_hook
        self._exchange.receive(event, monotonic())
        if self.off_hook != before:
            self.voice.lifted(off_hook=self.off_hook)
        self._work()

    @property
    def off_hook(self) -> bool:
        """Whether the handset is in the hand."""
        return STATES[self._line.state].lifted

    def close(self) -> None:
        """Wake no more; what accounts still tell is kept."""
        self._closed = True
        for timer in (self._timer, self._reading):
            if timer is not None:
                timer.cancel()

    def view(self) -> HandsetView:
        """The telephone as it is now."""
        senses, voice, now = self._senses, self.voice, monotonic()
        calls = [call for runner in self._telephone.runners for call in runner.account.calls]
        return HandsetView(
            off_hook=self.off_hook,
            ringing=senses.ringing,
            digits=self._line.dialled,
            ear=senses.ear or _talk(calls),
            lamps=tuple(senses.lamps.items()),
            muted=self._line.muted,
            account="; ".join(self._standing.values()) or "starting",
            calls=tuple(_view(call, now) for call in calls),
            sound=voice.fault or senses.unsaid,
            mouth_db=voice.levels.mouth_db if voice.levels else None,
            ear_db=voice.levels.ear_db if voice.levels else None,
        )

    def _heard_of(self, report: HandsetReport) -> None:
        self.voice.take(report)
        if isinstance(report, Levels):
            self.on_levels(report)
            return
        self._ledger.note_sound(report)
        self.on_change()

    def status(self) -> StatusReport:
        """The telephone as the control socket tells it."""
        return self._ledger.report(
            self._telephone.runners, self._line, self._senses.lamps, None, monotonic()
        )

    def _happened(self, runner: AccountRunner, event: AccountEvent) -> None:
        terms = runner.account.terms
        self._ledger.note(runner, event, monotonic())
        match event:
            case Registered():
                self._standing[terms.name] = f"registered as {terms.user}@{terms.domain}"
            case FlowReady() if not terms.register:
                self._standing[terms.name] = f"connected to {terms.domain}"
            case Unregistered(reason=reason):
                self._standing[terms.name] = f"not registered: {reason}"
        self._exchange.take(runner.account, event, monotonic(), self._terms.wall_time())
        self._work()

    def _diagnose(self, account: Account, event: Unregistered) -> on.AccountDown:
        rule = self._runners[account.terms.name].times.failed_rule
        return account_down(event.status, refused_rule=rule)

    def _work(self) -> None:
        """Carry out what is left over, and have every account say what it has to say."""
        loop = self._loop
        for action in self._exchange.actions():
            self._carry_out(action)
        for runner in self._telephone.runners:
            # Never within the pump that brought the event here.
            loop.call_soon(runner.pump)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = None if self._closed else self._exchange.deadline()
        if due is not None:
            self._timer = loop.call_later(max(0.0, due - monotonic()), self._tick)
        self.on_change()

    def _tick(self) -> None:
        self._timer = None
        self._exchange.tick(monotonic())
        self._work()

    def _carry_out(self, action: do.Action) -> None:
        # Before the voice, which may tell at once that it can't say this.
        self._senses.take(action)
        self.voice.carry_out(action)
        if self._pins is not None:
            _move(self._pins, action)
        match action:
            case do.Remember(memory=memory):
                self._terms.keep(memory)
            case do.ResetEverything():
                self._telephone.keepsakes.erase()
                self._terms.reset()

    def _spoken(self, utterance: int, reason: str) -> None:
        """Never within the action that asked for it; what nobody says is shown long enough."""
        senses = self._senses
        if utterance != senses.utterance or self._closed:
            return
        if self._reading is not None:
            self._reading.cancel()
        senses.unsaid = reason if senses.said else ""
        wait_s = SHOWN_S * len(senses.said) if reason else 0.0
        self._reading = self._loop.call_later(wait_s, self._said, utterance)

    def _said(self, utterance: int) -> None:
        self._reading = None
        if utterance == self._senses.utterance:
            self._senses.hush()
        self.receive(on.Spoken(utterance))


def _move(pins: Pins, action: do.Action) -> None:
    match action:
        case do.StartRing(ring=ring, volume=step):
            pins.ring(ring, step)
        case do.StopRing():
            pins.stop_ring()
        case do.SetLamp(lamp=lamp, look=look):
            pins.set_lamp(lamp, look)


def _talk(calls: list[Call]) -> str:
    talking = any(call.state is CallState.TALKING and not call.held for call in calls)
    return "the other side" if talking else ""


def _view(call: Call, now: float) -> CallView:
    record = call.record
    return CallView(
        peer=record.peer,
        incoming=isinstance(call, IncomingCall),
        state=call.state.value,
        trust=record.trust.level.value,
        reason=record.trust.reasons[0],
        suite=record.suite or "",
        keying=record.keying or "",
        sas="" if record.sas is None else record.sas.text,
        held=call.held,
        talked_s=call.talked_s(now),
    )
