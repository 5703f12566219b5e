"""The engine's process on a real sound card: PyAudio on null sinks of a PulseAudio of the test's.

What the ear hears is captured from the one sink, what the mouth says is played to the other.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.app.engine import card_desk
from tests.app.engine.card_desk import (
    LANGUAGE,
    WORD,
    WORD_HZ,
    WORD_S,
    Desk,
    Ear,
    Peer,
    beside,
    call,
    desk,
    level_at,
    level_db,
    sine,
    steady,
    until,
)
from tests.app.engine.scene import play
from tests.shells.audio.sound_server import DEVICE, SoundServer, missing

from offhook.app.engine.client import EngineOptions
from offhook.app.engine.keeper import EngineKeeper
from offhook.base.schema.tone_plan import FULL_SCALE_DBM0
from offhook.protocols.media import handset_messages as ask
from offhook.protocols.media.messages import Report, SessionFailed, Stop, Stopped

SINE_DB = -3.01
"""The power of a sine of full scale."""
PATIENCE_S = 90.0


@pytest.fixture(autouse=True, scope="module")
def installed() -> None:
    if absent := missing():
        pytest.skip(f"not installed: {', '.join(absent)}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    with SoundServer(tmp_path_factory.mktemp("sound"), apart=True, first=True) as running:
        yield running


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return card_desk.prompts(tmp_path / "prompts")


def tone_db(hz: int) -> float:
    return steady(hz).level_dbm0 - FULL_SCALE_DBM0 + SINE_DB


async def heard_at(ear: Ear, hz: int, level: float | None = None, within: float = 0.3) -> float:
    """How loud this tone is once nothing else is heard, and it is as loud as expected."""

    def settled() -> bool:
        return ear.hears(hz) and (level is None or abs(level_at(ear.last, hz) - level) < within)

    await until(settled)
    return level_at(ear.last, hz)


def test_a_tone_is_heard_at_its_level_and_the_card_is_let_go_after_it(server: SoundServer) -> None:
    shape, expected = steady(425), tone_db(425)

    async def scene() -> None:
        async with desk(server) as phone, phone.ear() as ear:
            assert not phone.microphone_open
            phone.tell(ask.OpenHandset(), ask.PlayTone(shape))
            await heard_at(ear, 425, expected)
            assert phone.microphone_open
            phone.tell(ask.StopTone())
            assert await ear.stays_silent()
            assert phone.microphone_open
            phone.tell(ask.CloseHandset())
            await until(lambda: not phone.microphone_open)
            assert phone.of(ask.SoundLost) == []

    play(scene(), PATIENCE_S)


def test_the_ear_volume_is_heard_in_decibels_and_told_as_level(server: SoundServer) -> None:
    async def scene() -> None:
        async with desk(server) as phone, phone.ear() as ear:
            phone.tell(ask.OpenHandset(), ask.PlayTone(steady(425)), ask.WatchLevels(100))
            loud = await heard_at(ear, 425, tone_db(425))
            for ear_db in (-12.0, 4.0):
                phone.tell(ask.SetVolume(ear_db, None))
                await heard_at(ear, 425, loud + ear_db, 0.5)
                told = len(phone.of(ask.Levels))
                levels = await phone.wait(ask.Levels, told + 2)
                assert abs(levels.ear_db - loud - ear_db) < 0.3
                assert levels.mouth_db < -90

    play(scene(), PATIENCE_S)


def test_a_word_is_said_to_its_end_and_then_told(server: SoundServer, prompts: Path) -> None:
    async def scene() -> None:
        async with desk(server, prompts) as phone, phone.ear() as ear:
            phone.tell(ask.Say(7, LANGUAGE, ((WORD, 200), (WORD, 0))))
            assert (await phone.wait(ask.Spoken)) == ask.Spoken(7)
            await until(lambda: not phone.microphone_open)
            await until(ear.silent)
            windows = ear.samples[: len(ear.samples) // 480 * 480].reshape(-1, 480)
            loud = (windows**2).mean(axis=1) > 1e-4
            begin, end = np.flatnonzero(loud)[[0, -1]]
            # Longer by a hole, where the machine was held up; never by a word or a pause.
            assert -0.05 < (end - begin) / 100 - 2 * WORD_S - 0.2 < WORD_S / 2
            assert abs(np.count_nonzero(loud) / 100 - 2 * WORD_S) < 0.1
            assert level_at(ear.samples, WORD_HZ) > level_db(ear.samples) - 3
            phone.tell(ask.Say(8, LANGUAGE, (("no such word", 0),)))
            assert "no such word" in (await phone.wait(ask.Spoken, 2)).reason

    play(scene(), PATIENCE_S)


def test_the_own_voice_is_heard_as_side_tone_at_its_level_and_not_while_muted(
    server: SoundServer,
) -> None:
    said_db = 20 * np.log10(0.5) + SINE_DB

    async def scene() -> None:
        async with desk(server) as phone, phone.ear() as ear, phone.mouth(sine(1000, 1, 0.5)):
            phone.tell(ask.SetVolume(0.0, -15.0), ask.OpenHandset())
            await heard_at(ear, 1000, said_db - 15)
            phone.tell(ask.SetVolume(-8.0, -20.0))
            await heard_at(ear, 1000, said_db - 20)
            phone.tell(ask.SetMute(muted=True))
            assert await ear.stays_silent()
            phone.tell(ask.SetMute(muted=False))
            await until(lambda: ear.hears(1000))

    play(scene(), PATIENCE_S)


def test_a_call_is_heard_both_ways_and_a_mute_sends_silence_and_goes_on(
    server: SoundServer,
) -> None:
    async def scene() -> None:
        async with desk(server) as phone, phone.ear() as ear, phone.mouth(sine(1000, 1, 0.3)):
            peer = Peer(700)
            await call(phone, peer)
            own_db = 20 * np.log10(0.3) + SINE_DB
            await heard_at(ear, 700, own_db, 0.5)
            await until(lambda: peer.hears(1000) and abs(level_db(peer.last) - own_db) < 0.5)
            phone.tell(ask.SetMute(muted=True))
            await until(peer.silent)
            assert 47 < await peer.packets_a_second(2) < 53
            assert peer.silent()
            assert ear.hears(700)
            phone.tell(ask.SetMute(muted=False))
            await until(lambda: peer.hears(1000))
            await ended(phone, peer)

    play(scene(), PATIENCE_S)


async def ended(phone: Desk, peer: Peer) -> None:
    phone.process.post(Stop(1))
    statistics = (await phone.wait(Stopped)).statistics
    assert statistics.rejected == 0
    assert phone.of(SessionFailed) == []
    peer.engine.close()


async def told_card(phone: Desk, count: int) -> ask.SoundFound:
    """Wait for this found card; a server that has just begun may falter once more."""
    found = await phone.wait(ask.SoundFound, count)
    assert found.name == DEVICE
    return found


def test_a_call_outlives_its_card_in_silence_and_has_its_voice_back_with_it(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        lost = SoundServer(tmp_path, apart=True, first=True)
        with lost:
            async with desk(lost) as phone:
                peer = Peer(700)
                async with phone.mouth(sine(1000, 1, 0.3)), phone.ear() as ear:
                    await call(phone, peer)
                    await until(lambda: ear.hears(700) and peer.hears(1000))
                    lost.stop()
                assert (await phone.wait(ask.SoundLost)).reason
                missed = peer.received
                # First comes at once what was missed until the loss was noticed.
                await until(lambda: peer.received > missed + 40)
                assert 47 < await peer.packets_a_second(2) < 53
                assert peer.silent()
                assert phone.of(ask.SoundFound) == []
                lost.start()
                await told_card(phone, 1)
                async with phone.mouth(sine(1000, 1, 0.3)), phone.ear() as ear:
                    await until(lambda: ear.hears(700) and peer.hears(1000))
                    assert phone.crashes == []
                    await ended(phone, peer)

    play(scene(), PATIENCE_S)


def test_a_call_without_any_card_is_silent_until_there_is_one(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        later = SoundServer(tmp_path, apart=True, first=True)
        async with desk(later) as phone:
            peer = Peer(700)
            await call(phone, peer)
            assert "no sound card" in (await phone.wait(ask.SoundLost)).reason
            await until(lambda: peer.received > 50)
            assert 47 < await peer.packets_a_second(2) < 53
            assert peer.silent()
            with later:
                await told_card(phone, 1)
                async with phone.mouth(sine(1000, 1, 0.3)), phone.ear() as ear:
                    await until(lambda: ear.hears(700) and peer.hears(1000))
                    await ended(phone, peer)

    play(scene(), PATIENCE_S)


def test_an_engine_that_is_killed_leaves_its_card_to_the_next_one(server: SoundServer) -> None:
    lost: list[str] = []

    async def scene() -> None:
        def told(report: Report) -> None:
            assert not isinstance(report, ask.SoundLost)

        def begin() -> None:
            keeper.post(ask.OpenHandset())
            keeper.post(ask.PlayTone(steady(425 if lost else 700)))

        options = EngineOptions(handset="card", card=DEVICE)
        keeper = EngineKeeper(options, told, lost.append, begin)
        ear = await Ear.open(server)
        with beside(server):
            await keeper.start()
            await until(lambda: ear.hears(700))
            assert keeper.pid is not None
            os.kill(keeper.pid, signal.SIGKILL)
            await until(lambda: ear.hears(425))
        assert (len(lost), keeper.restarts) == (1, 1)
        await keeper.close()
        await ear.close()

    play(scene(), PATIENCE_S)


def test_a_word_without_any_card_is_told_all_the_same(tmp_path: Path, prompts: Path) -> None:
    async def scene() -> None:
        async with desk(SoundServer(tmp_path), prompts) as phone:
            phone.tell(ask.Say(1, LANGUAGE, ((WORD, 0),)))
            assert await phone.wait(ask.Spoken) == ask.Spoken(1)
            assert phone.of(ask.SoundLost)

    play(scene(), PATIENCE_S)
