"""The other end of a call with Offhook, whoever it is: one way to call, to hear and to ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.interop.lab import wideband
from tests.interop.lab.asterisk import TALK, Asterisk
from tests.interop.lab.baresip import Baresip
from tests.interop.lab.chromium import Chromium
from tests.interop.lab.kamailio import Kamailio
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.linphone import Linphone
from tests.interop.lab.negotiated import Negotiated
from tests.interop.lab.roots import Root
from tests.interop.lab.speech import Samples, read_wav

OURS: Final = "alice"
"""Who Offhook is, wherever it has its account."""


@dataclass(slots=True)
class Party:
    """A running peer.

    `address` is whom Offhook calls, `registrar` where it has its account; `heard` is 8 kHz, and
    complete once the call is closed.
    """

    address: str
    registrar: Kamailio | Asterisk
    call_us: Callable[[], None]
    hang_up: Callable[[], None]
    wait_established: Callable[[], object]
    wait_closed: Callable[[], object]
    heard: Callable[[], Samples]
    negotiated: Callable[[], Negotiated]
    browser: Chromium | None = None


@contextmanager
def baresip(lab: Laboratory, keying: str, home: Root | None = None) -> Generator[Party, None, None]:
    """baresip at stock.test; `keying` is its own word."""
    phone: Baresip = lab.telephone(lab.stock, "bob", lab.french_wav, keying=keying, home=home)
    with phone:
        yield Party(
            "sip:bob@stock.test",
            lab.secure,
            lambda: phone.dial(f"sip:{OURS}@secure.test"),
            phone.hang_up,
            phone.wait_established,
            phone.wait_closed,
            lambda: phone.heard()[-1],
            phone.negotiated,
        )


@contextmanager
def linphone(
    lab: Laboratory, keying: str, more: dict[str, str] | None = None
) -> Generator[Party, None, None]:
    """linphonec at stock.test; `keying` is its own word."""
    phone: Linphone = lab.softphone("bob", lab.french_wav, keying, more=more)
    with phone:
        yield Party(
            "sip:bob@stock.test",
            lab.secure,
            lambda: phone.dial(f"sip:{OURS}@secure.test"),
            phone.hang_up,
            phone.wait_established,
            phone.wait_closed,
            lambda: read_wav(phone.account.sink),
            phone.negotiated,
        )


@contextmanager
def asterisk(
    lab: Laboratory, keying: str, *, feedback: bool = False
) -> Generator[Party, None, None]:
    """Asterisk, at which Offhook has its account."""
    exchange: Asterisk = lab.asterisk(keying, lab.french_wav, feedback=feedback)
    with exchange:
        yield Party(
            f"sip:{TALK}@asterisk.test",
            exchange,
            lambda: exchange.call(OURS),
            exchange.hang_up,
            exchange.wait_talking,
            exchange.wait_idle,
            lambda: exchange.heard()[-1],
            exchange.negotiated,
        )


@contextmanager
def chromium(lab: Laboratory) -> Generator[Party, None, None]:
    """A browser at stock.test; what it hears has to be asked for before the call is closed."""
    phone: Chromium = lab.browser("bob", lab.french_wav)

    def negotiated() -> Negotiated:
        secured = phone.secured()
        suite = _SUITES.get(secured.srtp_suite, secured.srtp_suite)
        return Negotiated("dtls", suite, detail=secured.dtls_cipher)

    with phone:
        yield Party(
            "sip:bob@stock.test",
            lab.secure,
            lambda: phone.dial(f"sip:{OURS}@secure.test"),
            phone.hang_up,
            phone.wait_established,
            phone.wait_closed,
            lambda: wideband.halved(phone.heard()),
            negotiated,
            browser=phone,
        )


_SUITES: Final = {
    "SRTP_AES128_CM_HMAC_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
    "SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    "SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
}
"""RFC 5764's and RFC 7714's names of profiles, as Chromium 156 writes them; 150 has IANA's."""


def let_talk(lead_s: float, speech_s: float) -> None:
    """Waits until both have said all and have heard it."""
    time.sleep(lead_s + speech_s + 0.7)
