"""A client of the Chrome DevTools Protocol by a pair of pipes: JSON texts, each ended by NUL."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

from tests.interop.lab.processes import PeerFailed


class DevTools:
    """One browser's protocol; `reading` and `writing` are the descriptors of our ends."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._pending = bytearray()
        self._number = 0
        self._session: str | None = None

    def open_page(self, address: str, timeout_s: float) -> None:
        """Opens a page, to which all that follows belongs."""
        target = self.ask("Target.createTarget", timeout_s, url=address)["targetId"]
        told = self.ask("Target.attachToTarget", timeout_s, targetId=target, flatten=True)
        self._session = told["sessionId"]

    def evaluate(self, expression: str, timeout_s: float = 10.0) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        told = self.ask(
            "Runtime.evaluate",
            timeout_s,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in told:
            raise PeerFailed(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def ask(self, method: str, timeout_s: float, **parameters: Any) -> dict[str, Any]:
        """The result of one method; raises PeerFailed on an error, silence or the browser's end."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + timeout_s
        while True:
            told = self._receive(until - time.monotonic())
            if told is None:
                raise PeerFailed(f"no answer to {method}")
            if told.get("id") == self._number:
                if "error" in told:
                    raise PeerFailed(f"{method}: {told['error']}")
                return dict(told["result"])

    def close(self) -> None:
        for end in (self._reading, self._writing):
            os.close(end)

    def _receive(self, timeout_s: float) -> dict[str, Any] | None:
        until = time.monotonic() + timeout_s
        while (end := self._pending.find(0)) < 0:
            left = max(0.0, until - time.monotonic())
            readable, _, _ = select.select([self._reading], [], [], left)
            data = os.read(self._reading, 1 << 20) if readable else b""
            if not data:
                return None
            self._pending += data
        text = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return dict(json.loads(text))
