"""What the engine's tests share: hand-driven sounds, agreed sessions, recorded reports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from offhook.app.engine.engine import Engine
from offhook.app.engine.session_sound import SessionSound
from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import AudioCodec, PcmFormat
from offhook.protocols.keying.srtp_keys import SrtpKeys
from offhook.protocols.media.messages import LocalReady, Prepare, Report, SetRemote, Start
from offhook.shells.audio.sound import OnPeriod, Pacer

CODEC = AudioCodec("PCMA", 8, 8000)
SUITE = "AES_CM_128_HMAC_SHA1_80"
Kind = TypeVar("Kind")


def play(scene: Coroutine[Any, Any, None], seconds: float = 30) -> None:
    asyncio.run(asyncio.wait_for(scene, seconds))


class HandSound:
    """A sound whose periods the test itself lets pass."""

    def __init__(self) -> None:
        self.on_period: OnPeriod | None = None
        self.pcm_format: PcmFormat | None = None
        self.opened = self.closed = 0

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        self.pcm_format = pcm_format
        self.opened += 1
        self.on_period = on_period

    def close(self) -> None:
        self.closed += 1

    def period(self, captured: bytes) -> bytes:
        assert self.on_period is not None
        return self.on_period(captured)


class MadeSound:
    """Says, at the pace of a card, what `speak` makes of the period heard before."""

    def __init__(self, speak: Callable[[bytes], bytes]) -> None:
        self._speak = speak
        self._heard = b""
        self._pacer: Pacer | None = None

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        self._heard = bytes(pcm_format.octets)

        def step(lost: bool) -> None:
            said = self._speak(self._heard)
            self._heard = on_period(b"" if lost else said)

        self._pacer = Pacer(pcm_format.period_ms / 1000, step, "made sound")
        self._pacer.start()

    def close(self) -> None:
        if self._pacer is not None:
            self._pacer.stop()


class Side:
    """An engine in this process with the reports it made."""

    def __init__(
        self,
        seed: str,
        make_sound: Callable[[int], Any] | None = None,
        *,
        wall_time: Callable[[], float] = time.time,
    ) -> None:
        self.sound = HandSound()
        self.reports: list[Report] = []
        self.changed = asyncio.Event()
        self.engine = Engine(
            make_sound or (lambda _: self.sound),
            SeededRandomness(seed),
            self._report,
            wall_time=wall_time,
        )

    def _report(self, report: Report) -> None:
        self.reports.append(report)
        self.changed.set()

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [report for report in self.reports if isinstance(report, kind)]

    async def wait(self, kind: type[Kind], count: int = 1) -> Kind:
        while len(self.of(kind)) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.of(kind)[count - 1]

    def session_sound(self, session: int = 1) -> SessionSound:
        sound = self.engine._sessions[session]._sound
        assert sound is not None
        return sound

    def prepare(self, session: int = 1, suites: tuple[str, ...] = (SUITE,)) -> LocalReady:
        self.engine.handle(Prepare(session, "127.0.0.1", suites))
        ready = self.reports[-1]
        assert isinstance(ready, LocalReady)
        return ready


def towards(
    mine: LocalReady,
    other: LocalReady,
    *,
    mux: bool = True,
    dtmf: int | None = 101,
    codec: AudioCodec = CODEC,
) -> SetRemote:
    return SetRemote(
        mine.session,
        other.rtp,
        None if mux else other.rtcp,
        codec,
        dtmf,
        SrtpKeys(mine.crypto[0], other.crypto[0]),
    )


def connected(one: Side, other: Side, *, mux: bool = True, codec: AudioCodec = CODEC) -> None:
    mine, theirs = one.prepare(), other.prepare()
    one.engine.handle(towards(mine, theirs, mux=mux, codec=codec))
    other.engine.handle(towards(theirs, mine, mux=mux, codec=codec))
    one.engine.handle(Start(1))
    other.engine.handle(Start(1))
