"""Headless Chromium with JsSIP as the other telephone: secure WebSocket, ICE, DTLS-SRTP, Opus."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.interop.lab import jssip
from tests.interop.lab.devtools import DevTools
from tests.interop.lab.kamailio import Kamailio
from tests.interop.lab.ports import HOST
from tests.interop.lab.processes import PeerFailed, PeerProcess, PeerProgram, wait_until
from tests.interop.lab.speech import Samples

RATE: Final = 16000
"""Of what it heard."""
_PAGE: Final = Path(__file__).parent / "browser"
_START_S = 40.0
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
    *("--autoplay-policy=no-user-gesture-required", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who registers where: `certificate` is what the `registrar` shows.

    The WAV `source` is its microphone.
    """

    user: str
    password: str
    registrar: Kamailio
    certificate: Path
    source: Path


@dataclass(frozen=True, slots=True)
class Secured:
    """What a call's transport is, by getStats.

    `local` and `remote` are the chosen candidates as (address, port), `fingerprint` is the remote
    certificate's, upper case with colons.
    """

    dtls_state: str
    dtls_cipher: str
    srtp_suite: str
    local: tuple[str, int]
    remote: tuple[str, int]
    fingerprint: str
    codec: str


class Chromium(PeerProgram):
    """One browser with one page; registered when entered, gone when left."""

    def __init__(self, account: Account, directory: Path) -> None:
        self.account = account
        self.directory = directory
        directory.mkdir(parents=True)
        for name in ("page.html", "page.js"):
            shutil.copy(_PAGE / name, directory)
        shutil.copy(jssip.script(), directory / "jssip.js")
        self._tools: DevTools | None = None

    @property
    def tools(self) -> DevTools:
        if self._tools is None:
            raise PeerFailed("Chromium was not started")
        return self._tools

    def start(self) -> None:
        """Runs it until its page is registered; raises PeerFailed if it is refused or too slow."""
        its_reading, our_writing = os.pipe()
        our_reading, its_writing = os.pipe()
        try:
            self._process = PeerProcess(
                "chromium",
                [
                    *("bash", "-c", f'exec "$@" 3<&{its_reading} 4>&{its_writing}', "chromium"),
                    *("chromium", *_FLAGS, f"--user-data-dir={self.directory / 'profile'}"),
                    # The lab's root is not the browser's; its registrar's key is named instead.
                    f"--ignore-certificate-errors-spki-list={_pin(self.account.certificate)}",
                    # It would begin again at the end of the file.
                    f"--use-file-for-fake-audio-capture={self.account.source}%noloop",
                ],
                self.directory / "chromium.log",
                environment={"HOME": str(self.directory)},
                passing=(its_reading, its_writing),
            )
        finally:
            os.close(its_reading)
            os.close(its_writing)
        self._tools = DevTools(our_reading, our_writing)
        self.tools.open_page((self.directory / "page.html").as_uri(), _START_S)
        wait_until(self._loaded, _START_S, lambda: f"no page\n{self.process.tail()}")
        account = self.account
        domain = account.registrar.domain
        values = (f"wss://{HOST}:{domain.web_port}", domain.uri(account.user), account.password)
        self.tools.evaluate(f"start({', '.join(map(repr, values))})")
        self.wait_told("registered")

    def stop(self) -> None:
        if self._tools is not None:
            self._tools.close()
        super().stop()

    def dial(self, uri: str) -> None:
        self.tools.evaluate(f"call({uri!r})")

    def hang_up(self) -> None:
        self.tools.evaluate("hangUp()")

    def restart_ice(self) -> None:
        """Looks for the way of its call anew (RFC 8445 §9), until the other side has agreed."""
        self.tools.evaluate("restartIce()")
        self.wait_told("renegotiated")

    def told(self) -> list[str]:
        """What its page has noted so far, SDP in it."""
        return list(self.tools.evaluate("told"))

    def wait_told(self, what: str, timeout_s: float = 15.0) -> str:
        """The newest note that begins so; raises PeerFailed after the time-out."""

        def newest() -> str | None:
            found = [note for note in self.told() if note.startswith(what)]
            return found[-1] if found else None

        return wait_until(
            newest, timeout_s, lambda: f"no {what}, only {self.told()}\n{self.process.tail()}"
        )

    def wait_established(self) -> None:
        self.wait_told("confirmed", 30.0)

    def wait_closed(self) -> None:
        self.wait_told("ended")

    def heard(self) -> Samples:
        """What it decoded and played so far, 16 kHz."""
        encoded = self.tools.evaluate("recording()", 30.0)
        return np.frombuffer(base64.b64decode(encoded), dtype="<i2").astype(np.int16)

    def statistics(self) -> list[dict[str, Any]]:
        """getStats of its call, while that lasts."""
        return [dict(each) for each in self.tools.evaluate("statistics()")]

    def secured(self) -> Secured:
        """What keeps its call, while that lasts; raises PeerFailed if nothing does."""
        by_id = {each["id"]: each for each in self.statistics()}
        kinds = [each for each in by_id.values() if each["type"] == "transport"]
        if not kinds or "selectedCandidatePairId" not in kinds[0]:
            raise PeerFailed(f"no transport: {kinds}")
        transport = kinds[0]
        pair = by_id[transport["selectedCandidatePairId"]]
        ends = (by_id[pair["localCandidateId"]], by_id[pair["remoteCandidateId"]])
        local, remote = ((str(end.get("address")), int(end["port"])) for end in ends)
        codec = next(each for each in by_id.values() if each["type"] == "inbound-rtp")["codecId"]
        return Secured(
            transport["dtlsState"],
            transport.get("dtlsCipher", ""),
            transport.get("srtpCipher", ""),
            local,
            remote,
            by_id[transport["remoteCertificateId"]]["fingerprint"].upper(),
            by_id[codec]["mimeType"],
        )

    def _loaded(self) -> bool:
        return bool(self.tools.evaluate("typeof JsSIP === 'object' && typeof start === 'function'"))


def _pin(certificate: Path) -> str:
    """SHA-256 of the public key's DER in base64, as HTTP pins have it (RFC 7469 §2.4)."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()
