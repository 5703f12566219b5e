"""The practice trunk in a process of its own, which asks its phone OPTIONS as often as it is told.

Standard input gets a line `ask N`: that often a second, until the next line. Each is an OPTIONS of
RFC 3261 §11 over the phone's own connection; what is asked and answered by 200 is counted, and
told on standard output as JSON at each line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook_practice.trunk import PracticeTrunk, _Driver

DOMAIN: Final = "practice.example"
USER: Final = "phone"
MARK: Final = b"CSeq: 77 OPTIONS\r\n"
ANSWER: Final = b"SIP/2.0 200 "
TICK_S: Final = 0.01


class Asker:
    """Asks over one connection, and counts the answers in what comes over it."""

    def __init__(self, write: Callable[[bytes], None], local: PathAddress) -> None:
        self._write, self._local = write, local
        self._rest = b""
        self.asked = self.answered = 0

    def ask(self) -> None:
        self.asked += 1
        local = f"{self._local.host}:{self._local.port}"
        self._write(
            (
                f"OPTIONS sip:{USER}@127.0.0.1;transport=tls SIP/2.0\r\n"
                f"Via: SIP/2.0/TLS {local};branch=z9hG4bK-ask-{self.asked}\r\n"
                f"From: <sip:practice@{DOMAIN}>;tag=ask\r\n"
                f"To: <sip:{USER}@{DOMAIN}>\r\n"
                f"Call-ID: ask-{self.asked}@{DOMAIN}\r\n"
                "CSeq: 77 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            ).encode()
        )

    def taken(self, data: bytes) -> bytes:
        """What came, without the answers."""
        kept = b""
        *whole, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for each in whole:
            if MARK in each + b"\r\n":
                self.answered += each.startswith(ANSWER)
            else:
                kept += each + b"\r\n\r\n"
        if self._rest and not self._rest.startswith(ANSWER):
            kept, self._rest = kept + self._rest, b""
        return kept


class BusyTrunk(PracticeTrunk):
    """Keeps the connection accepted last, and asks over it."""

    asker: Asker | None = None

    def _accept(
        self,
        local: PathAddress,
        remote: PathAddress,
        write: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> _Driver:
        driver = super()._accept(local, remote, write, close)
        asker = self.asker = Asker(write, local)
        receive = driver.received

        def received(data: bytes) -> None:
            rest = asker.taken(data)
            if rest:
                receive(rest)

        driver.received = received  # type: ignore[method-assign]
        return driver


async def serve(certificate: Path, key: Path, password: Secret) -> None:
    trunk = BusyTrunk(DOMAIN, {USER: password}, certificate, key)
    address = await trunk.start()
    tell({"port": address.port})
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    rate, begun, line = 0, 0.0, asyncio.ensure_future(lines.readline())
    while True:
        done, _ = await asyncio.wait([line], timeout=TICK_S if rate else None)
        asker = trunk.asker
        if done:
            words = line.result().split()
            if asker is not None:
                tell({"asked": asker.asked, "answered": asker.answered})
                asker.asked = asker.answered = 0
            if not words:
                break
            rate, begun = int(words[1]), time.monotonic()
            line = asyncio.ensure_future(lines.readline())
        while asker is not None and asker.asked < rate * (time.monotonic() - begun):
            asker.ask()
    await trunk.stop()


def tell(what: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("certificate", type=Path)
    parser.add_argument("key", type=Path)
    parser.add_argument("password")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.certificate, chosen.key, Secret(chosen.password)))


if __name__ == "__main__":
    main()
