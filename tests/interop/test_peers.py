"""The lab's other peers among themselves: each keying that they have, and speech both ways."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import forge
from tests.interop.lab import wideband
from tests.interop.lab.asterisk import TALK
from tests.interop.lab.capture import Capture
from tests.interop.lab.correlation import share_heard
from tests.interop.lab.laboratory import Laboratory, let_speak
from tests.interop.lab.linphone import STRONG_ZRTP
from tests.interop.lab.negotiated import Negotiated
from tests.interop.lab.network import ADDRESS, own_network
from tests.interop.lab.overheard import keyed_after_ms
from tests.interop.lab.roots import DEBIAN_13, Root
from tests.interop.lab.rtpengine import Rtpengine, Side
from tests.interop.lab.speech import read_wav
from tests.shells.net import coturn

HEARD, UNHEARD = 0.5, 0.05
CM = "AES_CM_128_HMAC_SHA1_80"
SPEECH_S, LEAD_S = 4.0, 1.5
TALK_S = SPEECH_S + LEAD_S + 0.7


def laboratory(directory: Path, **options: object) -> Laboratory:
    return Laboratory(
        directory,
        secure_digest="MD5",
        speech_s=SPEECH_S,
        lead_s=LEAD_S,
        **options,  # type: ignore[arg-type]
    )


def row(peer: str, told: Negotiated, capture: Capture, lab: Laboratory) -> dict[str, Any]:
    return {
        "peer": peer,
        "direction": "its own kind",
        "keying": told.keying,
        "suite": told.suite,
        "detail": told.detail,
        "keyed_after_ms": keyed_after_ms(capture.packets(), lab.stock),
    }


@pytest.fixture
def lab(
    more_peers: None,  # noqa: ARG001 - skips
    lab_directory: Path,
) -> Generator[Laboratory, None, None]:
    with own_network(), laboratory(lab_directory) as running:
        yield running


@pytest.mark.parametrize("home", [None, DEBIAN_13], ids=["1.0.0", "1.1.0"])
@pytest.mark.parametrize("keying", ["srtp-mand", "dtls_srtp"])
def test_baresip_calls_its_own_kind(
    lab: Laboratory, keying: str, home: Root | None, keying_table: list[dict[str, Any]]
) -> None:
    with (
        lab.capture_all() as capture,
        lab.telephone(lab.stock, "bob", lab.french_wav, keying=keying, home=home) as bob,
        lab.telephone(lab.secure, "alice", lab.english_wav, keying=keying, home=home) as alice,
    ):
        alice.dial("sip:bob@stock.test")
        alice.wait_established()
        bob.wait_established()
        let_speak(TALK_S)
        alice.hang_up()
        bob.wait_closed()
        alice.wait_closed()
        told = {bob.negotiated(), alice.negotiated()}
    assert told == {Negotiated("dtls" if keying == "dtls_srtp" else "sdes", CM)}
    keying_table.append(row("baresip 1.1.0" if home else "baresip 1.0.0", told.pop(), capture, lab))
    assert share_heard(lab.english, bob.heard()[0]) >= HEARD
    assert share_heard(lab.french, alice.heard()[0]) >= HEARD


@pytest.mark.parametrize(
    ("keying", "strong", "suite"),
    [
        ("srtp", False, CM),
        ("dtls", False, CM),
        ("zrtp", False, CM),
        ("zrtp", True, "AES_256_CM_HMAC_SHA1_80"),
    ],
    ids=["SDES", "DTLS", "ZRTP", "ZRTP X25519"],
)
def test_linphonec_calls_its_own_kind(
    lab: Laboratory, keying: str, suite: str, keying_table: list[dict[str, Any]], *, strong: bool
) -> None:
    more = STRONG_ZRTP if strong else None
    with (
        lab.capture_all() as capture,
        lab.softphone("bob", lab.french_wav, keying, more=more) as bob,
        lab.softphone("alice", lab.english_wav, keying, answers=False, more=more) as alice,
    ):
        alice.dial("sip:bob@stock.test")
        alice.wait_established()
        bob.wait_established()
        let_speak(TALK_S)
        told = bob.negotiated(), alice.negotiated()
        alice.hang_up()
        bob.wait_closed()
        alice.wait_closed()
    assert [each.suite for each in told] == [suite, suite]
    keying_table.append(row("linphonec", told[0], capture, lab))
    assert told[0].sas == told[1].sas
    assert bool(told[0].sas) == (keying == "zrtp")
    assert ("KeyAgreement: ECDH-255" in told[0].detail) == strong
    assert share_heard(lab.english, read_wav(bob.account.sink)) >= HEARD
    assert share_heard(lab.french, read_wav(alice.account.sink)) >= HEARD
    assert share_heard(lab.english, read_wav(alice.account.sink)) <= UNHEARD


@pytest.mark.parametrize(("users", "neighbour"), [("sdes", "dtls"), ("dtls", "sdes")])
def test_rtpengine_converts_between_two_baresips(
    more_peers: None,  # noqa: ARG001 - skips
    lab_directory: Path,
    users: Side,
    neighbour: Side,
) -> None:
    keyings = {"sdes": "srtp-mand", "dtls": "dtls_srtp"}
    with (
        Rtpengine(lab_directory / "rtpengine") as engine,
        laboratory(lab_directory, border=engine.border(users=users, neighbour=neighbour)) as lab,
        lab.telephone(lab.stock, "bob", lab.french_wav, keying=keyings[users]) as bob,
        lab.telephone(lab.secure, "alice", lab.english_wav, keying=keyings[neighbour]) as alice,
    ):
        # Towards the neighbour it offers suites whose keys it doesn't pad: that way not baresip.
        alice.dial("sip:bob@stock.test")
        alice.wait_established()
        bob.wait_established()
        let_speak(TALK_S)
        alice.hang_up()
        bob.wait_closed()
        alice.wait_closed()
        told = bob.negotiated().keying, alice.negotiated().keying
    assert told == (users, neighbour)
    assert share_heard(lab.english, bob.heard()[0]) >= HEARD
    assert share_heard(lab.french, alice.heard()[0]) >= HEARD


@pytest.mark.parametrize("keying", ["sdes", "dtls"])
@pytest.mark.parametrize("caller", ["baresip", "Asterisk"])
def test_asterisk_speaks_with_baresip(lab: Laboratory, keying: str, caller: str) -> None:
    # baresip 1.0.0 knows MD5 only, and offers DTLS under the profile with feedback only.
    with (
        lab.asterisk(
            keying, lab.french_wav, feedback=keying == "dtls", algorithm="MD5"
        ) as asterisk,
        lab.telephone(
            asterisk,
            "bob",
            lab.english_wav,
            keying="dtls_srtp" if keying == "dtls" else "srtp-mand",
        ) as bob,
    ):
        if caller == "baresip":
            bob.dial(f"sip:{TALK}@asterisk.test")
        else:
            asterisk.wait_registered("bob")
            asterisk.call("bob")
        bob.wait_established()
        asterisk.wait_talking()
        let_speak(TALK_S)
        bob.hang_up()
        bob.wait_closed()
        asterisk.wait_idle()
        told = asterisk.negotiated(), bob.negotiated()
    assert told == (Negotiated(keying, CM), Negotiated(keying, CM))  # type: ignore[arg-type]
    assert share_heard(lab.english, asterisk.heard()[0]) >= HEARD
    assert share_heard(lab.french, bob.heard()[0]) >= HEARD


@pytest.fixture
def own_lab(
    more_peers: None,  # noqa: ARG001 - skips
    lab_directory: Path,
) -> Generator[Laboratory, None, None]:
    """With a network of its own, and for browsers."""
    with own_network(), laboratory(lab_directory, web=True) as running:
        yield running


def test_chromium_calls_its_own_kind(own_lab: Laboratory) -> None:
    with (
        own_lab.browser("bob", own_lab.french_wav) as bob,
        own_lab.browser("alice", own_lab.english_wav) as alice,
    ):
        alice.dial("sip:bob@stock.test")
        alice.wait_established()
        bob.wait_established()
        let_speak(TALK_S)
        ends = alice.secured(), bob.secured()
        heard = alice.heard(), bob.heard()
        answer = alice.wait_told("sdp remote answer")
        alice.hang_up()
        bob.wait_closed()
    for end in ends:
        assert end.dtls_state == "connected"
        assert end.srtp_suite
        assert end.codec == "audio/opus"
        assert {host for host, _ in (end.local, end.remote)} == {ADDRESS}
    assert (ends[0].local, ends[0].remote) == (ends[1].remote, ends[1].local)
    assert ends[0].fingerprint in answer.upper()
    for said, other, recorded in (
        (own_lab.french, own_lab.english, heard[0]),
        (own_lab.english, own_lab.french, heard[1]),
    ):
        assert share_heard(said, wideband.halved(recorded)) >= HEARD
        assert share_heard(other, wideband.halved(recorded)) <= UNHEARD


@pytest.mark.parametrize("password", [coturn.PASSWORD, "wrong"])
def test_coturn_relays_for_who_has_the_password(
    more_peers: None,  # noqa: ARG001 - skips
    lab_directory: Path,
    password: str,
) -> None:
    root = lab_directory / "root.pem"
    root.write_bytes(forge.root().pem)
    with (
        own_network(),
        coturn.coturn(nullcontext(), ADDRESS, forge.leaf(), lab_directory) as server,
    ):
        client = subprocess.run(
            [
                *("turnutils_uclient", "-t", "-S", "-E", str(root), "-c", "-y"),
                *("-u", coturn.USER, "-w", password, "-p", str(server.port)),
                *("-m", "1", "-n", "2", ADDRESS),
            ],
            check=False,
            capture_output=True,
            timeout=60,
        )
    told = (lab_directory / "coturn.log").read_text(errors="replace")
    assert (client.returncode == 0) == (password == coturn.PASSWORD)
    assert ("ALLOCATE processed, success" in told) == (password == coturn.PASSWORD)
