"""A PulseAudio of the test's own with a null sink: what is played to it can be captured again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAMS = ("pulseaudio", "pacat", "pactl")
DEVICE = "handset"
EAR = "desk"
MOUTH = "mouth"


def missing() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


def _null_sink(name: str) -> tuple[str, str]:
    return "-L", f"module-null-sink sink_name={name} rate=48000 channels=1"


class SoundServer:
    """Runs in `folder` and in nothing else of the machine's; `environment` leads a program to it.

    A stream of silence keeps the sink at periods of 10 ms: by itself it would take seconds.
    By default what is played is captured too. With `apart`, what is captured is what was played to
    the sink MOUTH, and not what the ear hears. With `first`, the server goes before everything else
    where that is allowed: a card made of metal is not late because the machine is busy.
    """

    def __init__(self, folder: Path, *, apart: bool = False, first: bool = False) -> None:
        self._folder = folder
        self._first = "yes" if first else "no"
        self._sinks = (EAR, MOUTH) if apart else (EAR,)
        self._socket = folder / "native"
        self._processes: list[subprocess.Popen[bytes]] = []
        server = f'type pulse server "unix:{self._socket}"'
        alsa = folder / "asound.conf"
        alsa.write_text(f"pcm.{DEVICE} {{ {server} }}\npcm.default {{ {server} }}\n")
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PULSE", "DBUS", "XDG"))},
            "ALSA_CONFIG_PATH": str(alsa),
            "HOME": str(folder),
            "PULSE_LATENCY_MSEC": "20",
            "PULSE_SERVER": f"unix:{self._socket}",
            "XDG_RUNTIME_DIR": str(folder),
            "JACK_NO_START_SERVER": "1",
        }

    def start(self) -> None:
        self._run(
            *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"),
            *(
                f"--realtime={self._first}",
                f"--high-priority={self._first}",
                f"--log-target=file:{self._folder}/log",
            ),
            *(word for name in self._sinks for word in _null_sink(name)),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"),
        )
        self._wait_until("info")
        self.ask("set-default-sink", EAR)
        self.ask("set-default-source", f"{self._sinks[-1]}.monitor")
        for name in self._sinks:
            self._run("pacat", "--raw", "--latency-msec=10", f"--device={name}", "/dev/zero")
        self._wait_until("list", "short", "sink-inputs")
        time.sleep(2)  # the sink still plays what it began with: its longest period

    def stop(self) -> None:
        while self._processes:
            process = self._processes.pop()
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self._socket.unlink(missing_ok=True)

    def ask(self, *question: str) -> str:
        """What `pactl` answers; nothing where there is no server."""
        command = ["pactl", *question]
        return subprocess.run(
            command, env=self.environment, capture_output=True, check=False, text=True
        ).stdout

    def _run(self, *command: str) -> None:
        self._processes.append(
            subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def _wait_until(self, *question: str) -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if self.ask(*question):
                return
            time.sleep(0.05)
        raise TimeoutError(f"pactl {' '.join(question)} has no answer")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
