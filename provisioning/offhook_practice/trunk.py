"""The practice trunk: acceptor, registrar, extensions and one media engine, on one event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

from offhook.app.engine.engine import Engine
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.protocols.media import messages as engine
from offhook.protocols.sip.digest_server import DigestVerifier
from offhook_practice.acceptor import Acceptor, server_context
from offhook_practice.connection import Trunk, TrunkConnection
from offhook_practice.extensions import Extension, find_extension
from offhook_practice.registrar import Registrar
from offhook_practice.sounds import SOUNDS, PacedSound


class SystemRandomness:
    """The system's randomness."""

    def octets(self, count: int) -> bytes:
        """`count` octets fit for keys."""
        return os.urandom(count)


class PracticeTrunk:
    """A registrar for `users` (name → password) and the extensions, for one SIP domain.

    `certificate` and `key` are PEM files; with `client_ca`, phones must show a certificate.
    """

    def __init__(
        self,
        domain: str,
        users: dict[str, Secret],
        certificate: Path,
        key: Path,
        *,
        client_ca: Path | None = None,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        randomness = SystemRandomness()
        self._engine = Engine(self._sound, randomness, self._report)
        self._sounds: dict[int, Extension] = {}
        self._numbers = itertools.count(1)
        self._connections: dict[int, _Driver] = {}
        self._acceptor = Acceptor(server_context(certificate, key, client_ca), self._accept)
        self._log = log
        self._trunk = Trunk(
            domain=domain,
            registrar=Registrar(),
            verifier=DigestVerifier(domain, users.get, randomness, ("SHA-256",)),
            randomness=randomness,
            post=self._engine.handle,
            next_session=self._next_session,
            log=log,
        )

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> PathAddress:
        """Listen; port 0 takes a free one. Returns the address listened on."""
        return await self._acceptor.start(host, port)

    def call(self, user: str, name: str) -> bool:
        """Let the extension `name` call `user`; False if that user is not registered now."""
        extension = find_extension(name)
        now = time.monotonic()
        binding = self._trunk.registrar.find(user, now)
        if extension is None or binding is None:
            return False
        driver = self._connections.get(binding.connection)
        if driver is not None:
            driver.call(extension, user)
        return driver is not None

    def registered(self, user: str) -> bool:
        """Whether `user` can be called now."""
        return self._trunk.registrar.find(user, time.monotonic()) is not None

    @property
    def answered_calls(self) -> int:
        """How many calls cost now, with a connection or without."""
        drivers = self._connections.values()
        return len(self._trunk.standing) + sum(each.answered for each in drivers)

    def drop_connections(self) -> None:
        """Close every connection, as a trunk does that restarts."""
        for driver in list(self._connections.values()):
            driver.close()

    async def stop(self) -> None:
        """Close every connection and the listener."""
        self.drop_connections()
        self._engine.close()
        await self._acceptor.stop()

    def _next_session(self, extension: Extension) -> int:
        session = next(self._numbers)
        self._sounds[session] = extension
        return session

    def _sound(self, session: int) -> PacedSound:
        return SOUNDS[self._sounds[session].sound]()

    def _report(self, report: engine.Report) -> None:
        # Never within the call that caused it: the machines are not re-entrant.
        if isinstance(report, engine.SessionReport):
            asyncio.get_running_loop().call_soon(self._deliver, report)

    def _deliver(self, report: engine.SessionReport) -> None:
        for driver in list(self._connections.values()):
            driver.report(report)
        if isinstance(report, engine.Stopped):
            self._sounds.pop(report.session, None)

    def _accept(
        self,
        local: PathAddress,
        remote: PathAddress,
        write: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> _Driver:
        number = next(self._numbers)
        self._log(f"connection {number} from {remote.host}")
        connection = TrunkConnection(number, local, remote, self._trunk, time.monotonic())
        driver = _Driver(connection, write, close, lambda: self._connections.pop(number, None))
        self._connections[number] = driver
        return driver


class _Driver:
    """Writes what a connection's machine wants written, and wakes it at its deadline."""

    def __init__(
        self,
        connection: TrunkConnection,
        write: Callable[[bytes], None],
        close: Callable[[], None],
        forget: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._write = write
        self._close = close
        self._forget = forget
        self._timer: asyncio.TimerHandle | None = None

    def received(self, data: bytes) -> None:
        self._connection.receive(data, time.monotonic())
        self._pump()

    def report(self, report: engine.SessionReport) -> None:
        self._connection.receive_report(report, time.monotonic())
        self._pump()

    @property
    def answered(self) -> int:
        return self._connection.answered

    def call(self, extension: Extension, user: str) -> None:
        self._connection.call(extension, user, time.monotonic())
        self._pump()

    def lost(self) -> None:
        self._connection.lost(time.monotonic())
        if self._timer is not None:
            self._timer.cancel()
        self._forget()

    def close(self) -> None:
        self._close()

    def _tick(self) -> None:
        self._timer = None
        self._connection.tick(time.monotonic())
        self._pump()

    def _pump(self) -> None:
        for data in self._connection.data_to_send():
            self._write(data)
        if self._connection.failed:
            self._close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._connection.deadline()
        if deadline is not None:
            wait_s = max(0.0, deadline - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)
