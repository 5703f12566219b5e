"""An engine that is a service: linked to, killed, linked to again; and one peer after the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest
from tests.app.engine.activated import PATIENCE_S, Manager
from tests.app.engine.scene import SUITE, Side, play, towards

from offhook.app.engine import remote
from offhook.app.engine.greeting import GREETING, Hello
from offhook.app.engine.remote import EngineRemote
from offhook.base.errors import LocalError
from offhook.protocols.media.control import Control
from offhook.protocols.media.handset_messages import Hush, Say, Spoken
from offhook.protocols.media.messages import (
    KeysConfirmed,
    LocalReady,
    Prepare,
    Report,
    SessionFailed,
    Start,
    Stop,
    Stopped,
)
from offhook.protocols.media.rtcp import Goodbye
from offhook.shells.control.peer import peer_of


class Linked:
    """The signalling side's end, and what it was told."""

    def __init__(self, path: Path) -> None:
        self.reports: list[Report] = []
        self.lost: list[str] = []
        self.started = 0
        self.engine = EngineRemote(
            path, Hello(), self.reports.append, self.lost.append, self._begun
        )

    def _begun(self) -> None:
        self.started += 1

    async def until(self, happened: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  conditions, not events
                await asyncio.sleep(0.01)

    async def answers(self) -> None:
        """The engine carries out commands."""
        number = len(self.reports) + 1000
        self.engine.post(Prepare(number, "127.0.0.1", (SUITE,)))
        await self.until(
            lambda: any(
                isinstance(each, LocalReady) and each.session == number for each in self.reports
            )
        )


@asynccontextmanager
async def linked(manager: Manager) -> AsyncIterator[Linked]:
    end = Linked(manager.path)
    try:
        await end.engine.start()
        yield end
    finally:
        await end.engine.close()
        await manager.end()


def test_an_engine_service_is_killed_and_linked_to_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SAY_S", 0.1)

    async def scene() -> None:
        with Manager(tmp_path) as manager:
            process = await manager.start()
            async with linked(manager) as end:
                await manager.until("READY=1")
                assert end.engine.connected
                assert end.engine.pid is None
                await end.answers()
                process.send_signal(signal.SIGKILL)
                await end.until(lambda: end.lost)
                assert end.lost == [remote.GONE]
                assert not end.engine.connected
                # Its sessions are gone: who asks for another one is told at once.
                end.engine.post(Prepare(5, "127.0.0.1", (SUITE,)))
                end.engine.post(Say(6, "en", ()))
                end.engine.post(Stop(5))
                end.engine.post(Hush())
                await asyncio.sleep(0)
                assert end.reports[-1] == SessionFailed(5, remote.ABSENT)
                await end.until(lambda: end.reports[-1] == Spoken(6, remote.ABSENT))
                await manager.start()
                await end.until(lambda: end.started == 2)
                await end.answers()
                assert len(end.lost) == 1

    play(scene(), 40)


def test_a_signalling_process_that_goes_leaves_no_session_and_the_next_one_is_served(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        with Manager(tmp_path) as manager:
            await manager.start()
            async with linked(manager) as end:
                await end.answers()
                ready = next(each for each in end.reports if isinstance(each, LocalReady))
                assert bound(ready.rtp.port)
                # As the kernel does for a process that is killed: no word, only the end.
                assert end.engine._pipe is not None
                wire = end.engine._pipe._socket
                assert wire is not None
                wire.shutdown(socket.SHUT_RDWR)
                await end.until(lambda: end.started == 2)
                await end.until(lambda: not bound(ready.rtp.port))
                await end.answers()

    play(scene(), 40)


def bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def test_words_for_an_engine_that_is_back_in_time_are_not_told_as_unsaid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SAY_S", 3.0)

    async def scene() -> None:
        with Manager(tmp_path) as manager:
            process = await manager.start()
            async with linked(manager) as end:
                process.send_signal(signal.SIGKILL)
                await end.until(lambda: end.lost)
                end.engine.post(Say(6, "en", ()))
                await manager.start()
                await end.until(lambda: end.started == 2)
                await asyncio.sleep(3.1)
                assert not any(isinstance(each, Spoken) for each in end.reports)

    play(scene(), 40)


def test_sessions_open_at_the_end_are_stopped_and_told(tmp_path: Path) -> None:
    async def scene() -> None:
        with Manager(tmp_path) as manager:
            await manager.start()
            async with linked(manager) as end:
                await end.answers()
                await end.engine.close()
                assert any(isinstance(each, Stopped) for each in end.reports)
                assert end.lost == []

    play(scene(), 40)


def test_a_service_that_is_told_to_end_says_goodbye_to_the_peer_of_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM in a call: the other telephone hears RTCP BYE, and we that the session stopped."""
    goodbyes: list[Goodbye] = []
    receive = Control.receive

    def noted(control: Control, compound: bytes, ssrc: int, now: float) -> list[Goodbye]:
        heard = receive(control, compound, ssrc, now)
        goodbyes.extend(heard)
        return heard

    monkeypatch.setattr(Control, "receive", noted)

    async def scene() -> None:
        peer = Side("the other telephone")
        with Manager(tmp_path) as manager:
            process = await manager.start()
            async with linked(manager) as end:
                end.engine.post(Prepare(1, "127.0.0.1", (SUITE,)))
                await end.until(lambda: end.reports)
                mine, theirs = end.reports[0], peer.prepare()
                assert isinstance(mine, LocalReady)
                end.engine.post(towards(mine, theirs))
                peer.engine.handle(towards(theirs, mine))
                peer.engine.handle(Start(1))
                end.engine.post(Start(1))
                await peer.wait(KeysConfirmed)
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
                await end.until(lambda: end.lost)
                assert any(isinstance(each, Stopped) for each in end.reports)
                assert "STOPPING=1" in manager.hear()
                await end.until(lambda: goodbyes)
        peer.engine.close()

    play(scene(), 40)


def test_a_second_phone_waits_until_the_first_is_gone(tmp_path: Path) -> None:
    async def scene() -> None:
        with Manager(tmp_path) as manager:
            await manager.start()
            second = Linked(manager.path)
            async with linked(manager) as end:
                await end.answers()
                beginning = asyncio.ensure_future(second.engine.start())
                await asyncio.sleep(0.5)
                assert not second.engine.connected
                assert second.lost == [], "what was never there can't be lost"
                await end.answers()
                await end.engine.close()
                await second.until(lambda: second.engine.connected)
                await beginning
                await second.answers()
                await second.engine.close()

    play(scene(), 40)


def test_a_telephone_starts_before_its_engine_and_finds_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "START_S", 0.05)

    async def scene() -> None:
        with Manager(tmp_path) as manager:
            async with linked(manager) as end:
                assert not end.engine.connected
                assert end.started == 0
                await manager.start()
                await end.until(lambda: end.started == 1)
                await end.answers()
                with pytest.raises(LocalError, match="begun already"):
                    await end.engine.start()

    play(scene(), 40)


class Impostor:
    """Greets whoever comes with `greeting`, and notes what is said to it."""

    def __init__(self, manager: Manager, greeting: bytes) -> None:
        self.heard: list[bytes] = []
        self._manager, self._greeting = manager, greeting
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._manager.listening.accept()
            except OSError:
                return
            heard = b""
            with client, contextlib.suppress(OSError):
                client.settimeout(PATIENCE_S)
                client.send(self._greeting)
                heard = client.recv(1000)
            self.heard.append(heard)


def test_a_socket_that_somebody_else_made_is_not_spoken_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "START_S", 0.3)
    known = peer_of
    monkeypatch.setattr(
        remote, "peer_of", lambda opened: type(known(opened))(1, 65534, frozenset())
    )

    async def scene() -> None:
        with Manager(tmp_path) as manager, Impostor(manager, GREETING) as impostor:
            async with linked(manager) as end:
                await end.until(lambda: impostor.heard)
                assert end.started == 0
        assert set(impostor.heard) == {b""}

    play(scene())


@pytest.mark.parametrize("greeting", [b"offhook engine 2", b"HTTP/1.1 400", b"\xff" * 2000])
def test_what_does_not_greet_as_an_engine_is_none(
    greeting: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "START_S", 0.3)

    async def scene() -> None:
        with Manager(tmp_path) as manager, Impostor(manager, greeting) as impostor:
            async with linked(manager) as end:
                await end.until(lambda: impostor.heard)
                assert end.started == 0
        assert set(impostor.heard) == {b""}

    play(scene())


def test_an_engine_that_does_not_read_is_lost_and_nothing_is_lost_in_silence(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        with Manager(tmp_path) as manager:
            process = await manager.start()
            async with linked(manager) as end:
                await end.answers()
                os.kill(process.pid, signal.SIGSTOP)
                for number in range(5000):
                    end.engine.post(Prepare(number, "127.0.0.1", (SUITE,)))
                await asyncio.sleep(0)
                assert end.lost == ["the media engine does not read its commands"]
                failed = [each for each in end.reports if isinstance(each, SessionFailed)]
                assert failed
                assert failed[-1].session == 4999

    play(scene(), 40)


def test_garbage_from_whoever_came_in_ends_its_visit_and_not_the_service(tmp_path: Path) -> None:
    async def scene() -> None:
        with Manager(tmp_path) as manager:
            process = await manager.start()
            await manager.until("READY=1")
            loop = asyncio.get_running_loop()
            for garbage in (b"\0" * 500, b'{"play":"/tap.wav"}', b"x" * 2000):
                with manager.connect() as client:
                    assert await loop.run_in_executor(None, client.recv, 100) == GREETING
                    client.send(garbage)
                    assert await loop.run_in_executor(None, client.recv, 100) == b""
            async with linked(manager) as end:
                await end.answers()
                assert process.returncode is None

    play(scene(), 40)
