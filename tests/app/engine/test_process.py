"""The engine in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.app.engine.scene import SUITE, Side, play, towards
from tests.protocols.media.likeness import piecewise
from tests.protocols.media.link import speech
from tests.shells.audio.test_wav import read_wav, write_wav

from offhook.app.engine import channel, client
from offhook.app.engine.client import EngineOptions, EngineProcess
from offhook.app.engine.pipe import Pipe
from offhook.app.engine.process import main, numbered
from offhook.base.errors import LocalError
from offhook.protocols.media.messages import (
    DtmfReceived,
    KeysConfirmed,
    LocalReady,
    Prepare,
    Report,
    SendDtmf,
    SessionFailed,
    Start,
    Stop,
    Stopped,
)


class Apart(Side):
    """An engine in another process with the reports it made."""

    def __init__(self, options: EngineOptions | None = None) -> None:
        self.reports: list[Report] = []
        self.changed = asyncio.Event()
        self.crashes: list[str] = []
        self.process = EngineProcess(options or EngineOptions(), self._report, self._crash)

    def _crash(self, reason: str) -> None:
        self.crashes.append(reason)
        self.changed.set()

    async def ready(self, session: int = 1) -> LocalReady:
        await self.process.send(Prepare(session, "127.0.0.1", (SUITE,)))
        return await self.wait(LocalReady)

    async def crashed(self) -> str:
        while not self.crashes:
            self.changed.clear()
            await self.changed.wait()
        return self.crashes[-1]


def test_speech_and_digits_cross_two_processes(tmp_path: Path) -> None:
    sayings = {name: speech(2, seed) for seed, name in enumerate("ab")}
    for name, said in sayings.items():
        write_wav(tmp_path / f"{name}.wav", said)

    async def scene() -> None:
        ends = {
            name: Apart(EngineOptions(tmp_path / f"{name}.wav", tmp_path / f"{name}-heard.wav"))
            for name in "ab"
        }
        alice, bob = ends["a"], ends["b"]
        await asyncio.gather(alice.process.start(), bob.process.start())
        mine, theirs = await alice.ready(), await bob.ready()
        await alice.process.send(towards(mine, theirs))
        await bob.process.send(towards(theirs, mine))
        alice.process.post(Start(1))
        bob.process.post(Start(1))
        await alice.wait(KeysConfirmed)
        await asyncio.sleep(2.2)
        await alice.process.send(SendDtmf(1, "7"))
        assert (await bob.wait(DtmfReceived)).digit == "7"
        for end in (alice, bob):
            await end.process.send(Stop(1))
            statistics = (await end.wait(Stopped)).statistics
            assert statistics.received > 100
            assert statistics.rejected == 0
            await end.process.close()
            assert end.crashes == []

    play(scene())
    for name, other in ("ab", "ba"):
        pieces = piecewise(sayings[name], read_wav(tmp_path / f"{other}-heard.wav"))
        assert sorted(likeness for likeness, _ in pieces)[len(pieces) // 2] >= 0.99


def test_a_killed_engine_is_seen_and_another_takes_its_place() -> None:
    async def scene() -> None:
        end = Apart()
        await end.process.start()
        await end.ready()
        assert end.process.pid is not None
        os.kill(end.process.pid, signal.SIGKILL)
        assert await end.crashed() == "the media engine was killed by signal 9"
        assert end.process.pid is None
        end.process.post(Stop(1))  # the caller need not know yet
        end.reports.clear()
        await end.process.restart()
        await end.ready()
        await end.process.close()
        assert len(end.crashes) == 1

    play(scene())


def test_an_engine_that_hangs_is_killed_on_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "EXIT_S", 0.3)

    async def scene() -> None:
        end = Apart()
        await end.process.start()
        await end.ready()
        assert end.process.pid is not None
        os.kill(end.process.pid, signal.SIGSTOP)
        await end.process.close()
        assert end.process.pid is None
        assert end.crashes == []

    play(scene())


def test_sessions_open_at_the_end_are_stopped_and_told() -> None:
    async def scene() -> None:
        end = Apart()
        await end.process.start()
        await end.ready()
        await end.process.close()
        assert end.of(Stopped)
        with pytest.raises(LocalError, match="no engine runs"):
            Apart().process.post(Start(1))

    play(scene())


def test_garbage_does_not_kill_the_engine() -> None:
    async def scene() -> None:
        end = Apart()
        await end.process.start()
        await end.ready()
        assert end.process._pipe is not None
        wire = end.process._pipe._socket
        assert wire is not None
        for garbage in (b"\0", b"\xc1" * 100, os.urandom(1000), bytes(channel.MAX_MESSAGE + 1)):
            wire.send(garbage)
            await asyncio.sleep(0.01)
        wire.send(channel.encode(Stopped(1)))
        await end.process.send(Start(7))
        assert (await end.wait(SessionFailed)).session == 7
        assert end.crashes == []
        await end.process.close()

    play(scene())


def test_garbage_does_not_kill_the_signalling_side() -> None:
    async def scene() -> None:
        end = Apart()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pipe = Pipe(ours, end.process._receive, lambda: None, 1)
        for garbage in (b"\0", os.urandom(1000), channel.encode(Start(1))):
            theirs.send(garbage)
        theirs.send(channel.encode(Stopped(1)))
        await end.wait(Stopped)
        assert end.process.unreadable == 3
        pipe.close()
        theirs.close()

    play(scene())


def test_the_engine_is_given_no_secret_and_no_foreign_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OFFHOOK_PASSWORD", "hunter2")
    monkeypatch.setenv("SSLKEYLOGFILE", "/dev/null")

    async def scene() -> None:
        end = Apart()
        await end.process.start()
        ready = await end.ready()
        process = Path(f"/proc/{end.process.pid}")
        names = {
            entry.split(b"=")[0].decode()
            for entry in (process / "environ").read_bytes().split(b"\0")
        }
        assert names - {""} <= {*client.INHERITED, "PYTHONPATH"}
        arguments = (process / "cmdline").read_bytes()
        assert ready.crypto[0].master.reveal() not in arguments
        limits = (process / "limits").read_text().splitlines()
        (core,) = (line for line in limits if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]
        await end.process.close()

    play(scene())


def test_the_engine_s_memory_is_not_for_others() -> None:
    program = (
        "import ctypes; from offhook.app.engine.process import harden; harden();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    shown = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    )
    assert shown.stdout.strip() == "0"


PARENT = """
import asyncio
from offhook.app.engine.pipe import Pipe
from offhook.app.engine.client import EngineOptions, EngineProcess
async def scene():
    process = EngineProcess(EngineOptions(), print, print)
    await process.start()
    print(process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(scene())
"""


def test_the_engine_ends_when_its_parent_was_killed() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        engine = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{engine}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the engine is still running")


@pytest.mark.parametrize(
    "asked", [("--record", "out.wav"), ("--play", "in.wav"), ("--handset", "files")]
)
def test_a_telephone_without_the_sound_of_files_says_so_at_once(
    asked: tuple[str, str],
) -> None:
    program = (
        "import sys; sys.modules['offhook.shells.audio.wav'] = None;"
        "from offhook.app.engine.process import main; sys.exit(main(sys.argv[1:]))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, "--channel=0", *asked],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 2
    assert "neither plays nor records files" in done.stderr


def test_arguments_of_no_use_end_the_process_with_their_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--channel", "0", "--ports", "many"])
    assert "no range of ports" in capsys.readouterr().err


def test_each_further_session_has_a_recording_of_its_own() -> None:
    first: list[int] = []
    names = [numbered(Path("/x/heard.wav"), session, first) for session in (4, 5, 4, 9)]
    assert [path and path.name for path in names] == [
        "heard.wav", "heard-5.wav", "heard.wav", "heard-9.wav",
    ]  # fmt: skip
    assert numbered(None, 1, []) is None
