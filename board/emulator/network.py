"""The emulated telephone's network: a tap in a namespace of our own, with DHCP and the time.

Real services answer there: dnsmasq gives the address, chronyd the time. Nothing of it can be seen
outside of the namespace, and all of it ends with it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from board.emulator.machine import WITH_US, EmulationError

TAP: Final = "tap0"
HOST: Final = "10.77.0.1"
"""Our address, where the trunk is."""
PHONE: Final = "10.77.0.10"
"""The one that DHCP gives."""
PROGRAMS: Final = ("ip", "dnsmasq", "chronyd")

_CLONE_NEWNET: Final = 0x40000000
_CHRONY: Final = """\
local stratum 8
allow all
bindaddress {host}
cmdport 0
pidfile {folder}/chronyd.pid
"""


class Network:
    """The network: the thread that enters it is in it until it leaves, with all that it starts.

    Raises EmulationError without the rights of root.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(namespace())
            for words in (
                f"link set lo up|tuntap add dev {TAP} mode tap|addr add {HOST}/24 dev {TAP}"
                f"|link set {TAP} up"
            ).split("|"):
                _run("ip", *words.split())
            starting.callback(_run, "ip", "link", "delete", TAP)
            configuration = self._folder / "chrony.conf"
            configuration.write_text(_CHRONY.format(host=HOST, folder=self._folder))
            self._start(starting, "chronyd", "-x", "-d", "-u", "root", "-f", str(configuration))
            self._start(
                starting,
                *("dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null"),
                *("--port=0", "--user=root", f"--interface={TAP}", "--bind-interfaces"),
                f"--dhcp-range={PHONE},{PHONE},1h",
                f"--dhcp-leasefile={self._folder / 'leases'}",
                "--dhcp-authoritative",
            )
            self._running = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.close()

    def _start(self, starting: ExitStack, *command: str) -> None:
        log = self._folder / f"{command[0]}.log"
        with log.open("wb") as told:
            process = subprocess.Popen(
                (*WITH_US, *command),
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
            )
        starting.callback(_end, process)
        time.sleep(0.2)
        if process.poll() is not None:
            raise EmulationError(f"{command[0]} ended: {log.read_text(errors='replace').strip()}")


@contextmanager
def namespace() -> Iterator[None]:
    """A network namespace of this thread's own (namespaces(7)): os.unshare is Python 3.12's."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(_CLONE_NEWNET):
            raise EmulationError(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.setns(before, _CLONE_NEWNET)
    finally:
        os.close(before)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmulationError(f"{' '.join(command)}: {done.stderr.strip()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
