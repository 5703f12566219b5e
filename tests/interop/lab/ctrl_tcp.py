"""A client of baresip's ctrl_tcp module: netstrings that hold JSON commands, replies, events."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.interop.lab.ports import HOST
from tests.interop.lab.processes import PeerFailed, wait_until

_LONGEST_NETSTRING = 1 << 20


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """One event of baresip: its `type` ("CALL_ESTABLISHED", …), its `parameter`, its members."""

    type: str
    parameter: str
    members: dict[str, Any]


@dataclass(slots=True)
class Netstrings:
    """Splits a byte stream of netstrings."""

    pending: bytearray = field(default_factory=bytearray)

    def receive(self, data: bytes) -> list[bytes]:
        self.pending += data
        whole = []
        while (colon := self.pending.find(b":")) >= 0:
            length = int(self.pending[:colon])
            if length > _LONGEST_NETSTRING:
                raise PeerFailed(f"a netstring of {length} octets")
            end = colon + 1 + length
            if len(self.pending) <= end:
                break
            whole.append(bytes(self.pending[colon + 1 : end]))
            del self.pending[: end + 1]
        return whole


class Control:
    """One connection to a baresip on this machine; `events` are all that came, oldest first."""

    def __init__(self, port: int) -> None:
        self._socket = wait_until(lambda: _connected(port), 10.0, f"no ctrl_tcp on port {port}")
        self._netstrings = Netstrings()
        self.events: list[ControlEvent] = []
        self._replies: dict[str, dict[str, Any]] = {}
        self._tokens = 0

    def send(self, command: str, parameters: str = "") -> str:
        """Sends one command without waiting; returns its token."""
        self._tokens += 1
        token = str(self._tokens)
        text = json.dumps({"command": command, "params": parameters, "token": token})
        self._socket.sendall(f"{len(text)}:{text},".encode())
        return token

    def command(self, command: str, parameters: str = "", timeout_s: float = 5.0) -> str:
        """Sends one command; the reply's text. Raises PeerFailed on refusal or silence."""
        token = self.send(command, parameters)
        self.pump_until(lambda: token in self._replies, timeout_s, lambda: f"no reply to {command}")
        reply = self._replies.pop(token)
        if not reply.get("ok"):
            raise PeerFailed(f"{command} {parameters}: {reply}")
        return str(reply.get("data", ""))

    def wait_for(
        self,
        *types: str,
        since: int = 0,
        timeout_s: float = 10.0,
        log: Callable[[], str] = lambda: "",
    ) -> ControlEvent:
        """The first event of one of these types at or after index `since`.

        Raises PeerFailed, with the end of the `log`, when none has come in time.
        """

        def matching() -> list[ControlEvent]:
            return [event for event in self.events[since:] if event.type in types]

        self.pump_until(
            lambda: bool(matching()),
            timeout_s,
            lambda: f"no {types}, only {[event.type for event in self.events[since:]]}\n{log()}",
        )
        return matching()[0]

    def pump(self, seconds: float) -> None:
        """Takes in what comes within `seconds`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._receive(left):
            pass

    def pump_until(
        self, condition: Callable[[], bool], timeout_s: float, what: Callable[[], str]
    ) -> None:
        """Takes in what comes until the condition holds; else raises PeerFailed with `what`."""
        until = time.monotonic() + timeout_s
        while not condition():
            left = until - time.monotonic()
            if left <= 0 or not self._receive(left):
                raise PeerFailed(what())

    def quit(self, timeout_s: float) -> None:
        """Sends `quit` and waits for baresip to close the connection."""
        try:
            self.send("quit")
            self.pump(timeout_s)
        except OSError:
            pass  # it has gone already
        finally:
            self._socket.close()

    def _receive(self, timeout_s: float) -> bool:
        """Reads once; False when nothing came in time or the connection is closed."""
        readable, _, _ = select.select([self._socket], [], [], timeout_s)
        data = self._socket.recv(65536) if readable else b""
        for text in self._netstrings.receive(data):
            message = json.loads(text)
            if message.get("event"):
                parameter = str(message.get("param", ""))
                self.events.append(ControlEvent(str(message.get("type")), parameter, message))
            elif message.get("response"):
                self._replies[str(message.get("token"))] = message
        return bool(data)


def _connected(port: int) -> socket.socket | None:
    connection = socket.socket()
    if connection.connect_ex((HOST, port)) == 0:
        return connection
    connection.close()
    return None
