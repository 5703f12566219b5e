"""One test's lab: a directory, a root of trust, two registrars, telephones, two voices."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.interop.lab.asterisk import Asterisk
from tests.interop.lab.baresip import Baresip, Telephone
from tests.interop.lab.capture import Capture
from tests.interop.lab.certificates import CertificateFiles, LabAuthority
from tests.interop.lab.chromium import Account, Chromium
from tests.interop.lab.kamailio import Domain, Kamailio
from tests.interop.lab.linphone import Linphone, Softphone
from tests.interop.lab.offhook import Desk, Offhook
from tests.interop.lab.roots import Root
from tests.interop.lab.rtpengine import Border
from tests.interop.lab.speech import ENGLISH, FRENCH, Samples, speech, with_silence, write_wav

SPEECH_S = 8.0
# So long is the speech preceded by silence: no word is lost while the other end opens its path.
LEAD_S = 0.5
# baresip hangs up at the end of its source file: the silence after it outlasts every test.
_TAIL_S = 90.0

PASSWORDS = {
    "alice": "lab-a7",
    "bob": "lab-b3",
    "carol": "lab-c9",
    "dave": "lab-d1",
    "20": "lab-n2",
    "31": "lab-n3",
}


class Laboratory:
    """Registrars `stock` (stock.test) and `secure` (secure.test), neighbours over verified TLS.

    `english` and `french` are the samples that `english_wav` and `french_wav` speak;
    `secure_certificate` is another than the lab's for secure.test; with `relay_ports` the media of
    stock.test's calls go by a relay, with a `border` by its rtpengine; with `web` it
    takes browsers too. They speak for `speech_s` after `lead_s` of silence.
    """

    def __init__(
        self,
        directory: Path,
        *,
        stock_digest: str = "MD5",
        secure_digest: str = "SHA-256",
        secure_certificate: CertificateFiles | None = None,
        relay_ports: tuple[int, int] | None = None,
        border: Border | None = None,
        web: bool = False,
        speech_s: float = SPEECH_S,
        lead_s: float = LEAD_S,
    ) -> None:
        self.directory = directory
        self.authority = LabAuthority(directory / "pki")
        stock = Domain.on_free_ports("stock.test", stock_digest, PASSWORDS, web=web)
        secure = Domain.on_free_ports("secure.test", secure_digest, PASSWORDS)
        self.stock = Kamailio(
            stock,
            secure,
            self.authority.server(stock.name),
            self.authority.root,
            directory / "stock",
            relay_ports=relay_ports,
            border=border,
        )
        self.secure = Kamailio(
            secure,
            stock,
            secure_certificate or self.authority.server(secure.name),
            self.authority.root,
            directory / "secure",
        )
        self._speech_s, self._lead_s = speech_s, lead_s
        self._running = ExitStack()
        self._made = 0

    @cached_property
    def english(self) -> Samples:
        return speech(ENGLISH, self._speech_s)

    @cached_property
    def french(self) -> Samples:
        return speech(FRENCH, self._speech_s)

    @cached_property
    def english_wav(self) -> Path:
        return self._spoken("english", self.english)

    @cached_property
    def french_wav(self) -> Path:
        return self._spoken("french", self.french)

    def telephone(
        self,
        registrar: Kamailio | Asterisk,
        user: str,
        source: Path,
        *,
        keying: str = "srtp-mand",
        password: str | None = None,
        codecs: str = "PCMU/8000/1",
        sound: str | None = None,
        home: Root | None = None,
    ) -> Baresip:
        """A baresip with an account there; not started yet."""
        domain = registrar.domain
        account = Telephone(
            user,
            PASSWORDS[user] if password is None else password,
            domain.name,
            domain.port,
            self.authority.client(user, domain.name),
            self.authority.root,
            source,
            keying,
            codecs=codecs,
            sound=sound,
            home=home,
        )
        return Baresip(account, self._place(user))

    def desk(
        self,
        user: str = "alice",
        *,
        registrar: Kamailio | Asterisk | None = None,
        port: int | None = None,
        root: Path | None = None,
        certified: bool = False,
        service_name: str | None = None,
        digest: tuple[str, ...] = ("SHA-256",),
        codecs: tuple[str, ...] | None = None,
        keyings: tuple[str, ...] | None = None,
        ice_host: str | None = None,
    ) -> Offhook:
        """An Offhook with an account at secure.test, or where else it is told."""
        domain = (registrar or self.secure).domain
        desk = Desk(
            user,
            PASSWORDS[user],
            domain.name,
            port or domain.port,
            root or self.authority.root,
            self.authority.client(user, domain.name) if certified else None,
            service_name,
            digest,
            codecs,
            keyings,
            ice_host,
        )
        return Offhook(desk, self._place("desk"))

    def asterisk(
        self, keying: str, source: Path, *, feedback: bool = False, algorithm: str = "SHA-256"
    ) -> Asterisk:
        """An exchange of its own, at which the lab's users can register; not started yet."""
        return Asterisk(
            self._place("asterisk"),
            certificate=self.authority.server("asterisk.test"),
            users=PASSWORDS,
            keying=keying,
            source=source,
            shared=self.directory,
            feedback=feedback,
            algorithm=algorithm,
        )

    def softphone(
        self,
        user: str,
        source: Path,
        keying: str,
        *,
        answers: bool = True,
        more: Mapping[str, str] | None = None,
    ) -> Linphone:
        """A linphonec with an account at stock.test; not started yet."""
        folder = self._place(user)
        account = Softphone(
            user,
            PASSWORDS[user],
            self.stock,
            self.authority.root,
            source,
            folder.with_suffix(".wav"),
            keying,
            answers=answers,
            more=more or {},
        )
        return Linphone(account, folder)

    def browser(self, user: str, source: Path) -> Chromium:
        """A Chromium with an account at stock.test, which has to be for browsers; not started."""
        certificate = self.stock.certificate.certificate
        account = Account(user, PASSWORDS[user], self.stock, certificate, source)
        return Chromium(account, self._place(user))

    def capture_all(self) -> Capture:
        """All UDP: that of one test alone only in a network of its own."""
        return Capture(self._place("capture").with_suffix(".pcap"), udp_ports=[range(1, 65536)])

    def capture(self, *telephones: Baresip) -> Capture:
        """All media of these telephones, and all signalling with the registrars' users."""
        return Capture(
            self._place("capture").with_suffix(".pcap"),
            udp_ports=[telephone.rtp_ports for telephone in telephones],
            tcp_ports=[
                port
                for registrar in (self.stock, self.secure)
                for port in (registrar.domain.port, registrar.domain.certificate_port)
            ],
        )

    def _place(self, name: str) -> Path:
        self._made += 1
        return self.directory / f"{self._made:02}-{name}"

    def _spoken(self, name: str, samples: Samples) -> Path:
        padded = with_silence(samples, before_s=self._lead_s, after_s=_TAIL_S)
        return write_wav(self.directory / f"{name}.wav", padded)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.stock)
            starting.enter_context(self.secure)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.close()


def let_speak(seconds: float = LEAD_S + SPEECH_S + 0.3) -> None:
    """Waits until both voices have said all."""
    time.sleep(seconds)
