"""The lab itself: calls between two stock telephones, and what its instruments can tell apart."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.interop.lab.certificates import LabAuthority
from tests.interop.lab.correlation import align
from tests.interop.lab.laboratory import Laboratory, let_speak
from tests.interop.lab.overheard import plain_rtp, speech_in
from tests.interop.lab.processes import PeerFailed
from tests.interop.lab.rtp import PCMU, g711_audio, rtp_flows
from tests.interop.lab.sip_trace import SdesKey, sdes_keys
from tests.interop.lab.speech import ENGLISH_CONTROL, FRENCH_CONTROL, speech
from tests.interop.lab.srtp import decrypt
from tests.interop.lab.timing import call_setups, start_to_registered_ms
from tests.interop.lab.tls_client import ask

ARRIVED, STRANGE = 0.95, 0.2
EXPEDITED_FORWARDING = 46


@pytest.fixture
def lab(peers: None, lab_directory: Path) -> Generator[Laboratory, None, None]:  # noqa: ARG001 - skips
    """baresip 1.0.0 knows MD5 only: here both registrars challenge with it."""
    with Laboratory(lab_directory, secure_digest="MD5") as laboratory:
        yield laboratory


def test_two_telephones_speak_through_both_registrars_with_mandatory_sdes(
    lab: Laboratory,
) -> None:
    with (
        lab.telephone(lab.stock, "bob", lab.english_wav) as bob,
        lab.telephone(lab.secure, "alice", lab.french_wav) as alice,
    ):
        with lab.capture(bob, alice) as capture:
            alice.dial("sip:bob@stock.test")
            alice.wait_established()
            bob.wait_established()
            let_speak()
            alice.send_digits("159#")
            bob.send_digits("*02")
            assert bob.digits_heard(4) == "159#"
            assert alice.digits_heard(3) == "*02"
            bob.hang_up()
            alice.wait_closed()
            bob.wait_closed()
        keys = sdes_keys(alice.trace())

    assert align(lab.french, bob.heard()[0]).coefficient >= ARRIVED
    assert align(lab.english, alice.heard()[0]).coefficient >= ARRIVED
    assert align(speech(FRENCH_CONTROL, 8), bob.heard()[0]).coefficient < STRANGE
    assert align(speech(ENGLISH_CONTROL, 8), alice.heard()[0]).coefficient < STRANGE

    (handed_over,) = lab.stock.log("neighbour")
    assert handed_over.words[1:] == ("secure.test", "TLSv1.3")

    flows = rtp_flows(capture.packets())
    assert len(flows) == 2
    for flow in flows:
        from_alice = flow.source.port in alice.rtp_ports
        key, wrong = (
            (keys.sending, keys.receiving) if from_alice else (keys.receiving, keys.sending)
        )
        said = lab.french if from_alice else lab.english
        assert flow.packets_per_second >= 50
        assert flow.dscp == {EXPEDITED_FORWARDING}
        opened = decrypt(flow, key)
        assert (len(opened.packets), opened.refused) == (len(flow.packets), 0)
        assert align(said, g711_audio(opened.packets)).coefficient >= ARRIVED
        assert decrypt(flow, wrong).packets == ()
    assert plain_rtp(capture.packets()) == []
    assert speech_in(capture.packets(), lab.english, lab.french) < STRANGE


def test_either_side_ends_a_call_and_the_other_sees_it(lab: Laboratory) -> None:
    with (
        lab.telephone(lab.stock, "bob", lab.english_wav) as bob,
        lab.telephone(lab.secure, "alice", lab.french_wav) as alice,
    ):
        for caller, callee, address, ender in (
            (alice, bob, "sip:bob@stock.test", alice),
            (alice, bob, "sip:bob@stock.test", bob),
            (bob, alice, "sip:alice@secure.test", bob),
        ):
            since = {phone: len(phone.control.events) for phone in (caller, callee)}
            caller.dial(address)
            for phone in (caller, callee):
                phone.wait_established(since[phone])
            ender.hang_up()
            for phone in (caller, callee):
                phone.wait_closed(since[phone])
        assert len(lab.secure.log("bye")) == 3


@pytest.mark.parametrize(
    ("calling", "called"), [("", "srtp-mand"), ("srtp-mand", "")], ids=["caller", "callee"]
)
def test_a_peer_without_srtp_is_refused_with_488(
    lab: Laboratory, calling: str, called: str
) -> None:
    with (
        lab.telephone(lab.stock, "bob", lab.english_wav, keying=called) as bob,
        lab.telephone(lab.secure, "alice", lab.french_wav, keying=calling) as alice,
    ):
        alice.dial("sip:bob@stock.test")
        assert "488" in alice.wait_closed().parameter
        assert bob.heard() == []
        statuses = {line.words[2] for line in lab.secure.log("reply")}
        assert "488" in statuses
        assert "200" not in statuses


def test_control_plain_rtp_is_found_in_a_capture(lab: Laboratory) -> None:
    with (
        lab.telephone(lab.stock, "bob", lab.english_wav, keying="") as bob,
        lab.telephone(lab.secure, "alice", lab.french_wav, keying="") as alice,
        lab.capture(bob, alice) as capture,
    ):
        alice.dial("sip:bob@stock.test")
        alice.wait_established()
        let_speak()
        alice.hang_up()
        bob.wait_closed()
    heard = {}
    for flow in rtp_flows(capture.packets()):
        said = lab.french if flow.source.port in alice.rtp_ports else lab.english
        heard[flow.source.port in alice.rtp_ports] = align(
            said, g711_audio(flow.packets, PCMU)
        ).coefficient
        stranger = SdesKey(1, "AES_CM_128_HMAC_SHA1_80", bytes(30))
        assert decrypt(flow, stranger).packets == ()
    assert len(heard) == 2
    assert min(heard.values()) >= ARRIVED
    assert speech_in(capture.packets(), lab.english) >= ARRIVED
    assert speech_in(capture.packets(), lab.french) >= ARRIVED
    sent = [packet for flow in rtp_flows(capture.packets()) for packet in flow.packets]
    assert len(plain_rtp(capture.packets())) >= 0.9 * len(sent)


def test_a_wrong_password_does_not_register(lab: Laboratory) -> None:
    stranger = lab.telephone(lab.stock, "bob", lab.english_wav, password="wrong")
    with pytest.raises(PeerFailed), stranger:
        pass
    assert lab.stock.log("registered") == []
    assert lab.stock.log("denied")


@pytest.mark.parametrize("defect", ["unknown root", "other name"])
def test_a_neighbour_that_cannot_be_verified_gets_no_call(
    peers: None,  # noqa: ARG001 - skips
    lab_directory: Path,
    defect: str,
) -> None:
    authority = LabAuthority(lab_directory / "stranger", "Stranger")
    if defect == "other name":
        authority = LabAuthority(lab_directory / "pki")
    certificate = authority.server("secure.test" if defect == "unknown root" else "other.test")
    with (
        Laboratory(lab_directory, secure_digest="MD5", secure_certificate=certificate) as lab,
        lab.telephone(lab.stock, "bob", lab.english_wav) as bob,
    ):
        bob.dial("sip:alice@secure.test")
        bob.wait_closed()
        assert "certificate verify failed" in lab.stock.process.text() or [
            line.words for line in lab.stock.log("refused-neighbour")
        ] == [("other.test",)]
        assert not lab.stock.log("reply")


def test_one_registrar_challenges_with_md5_the_other_with_sha_256(
    peers: None,  # noqa: ARG001 - skips
    lab_directory: Path,
) -> None:
    with Laboratory(lab_directory) as lab:
        for registrar, algorithm in ((lab.stock, "MD5"), (lab.secure, "SHA-256")):
            domain = registrar.domain
            answer = ask(domain.port, domain.name, "REGISTER", root=lab.authority.root)
            assert answer.startswith("SIP/2.0 401 ")
            assert f"algorithm={algorithm}" in answer


def test_the_certificate_port_serves_only_clients_with_a_certificate_of_the_root(
    lab: Laboratory,
) -> None:
    domain, root = lab.secure.domain, lab.authority.root
    known = lab.authority.client("alice", domain.name)
    unknown = LabAuthority(lab.directory / "stranger").client("alice", domain.name)
    port = domain.certificate_port
    assert ask(port, domain.name, "OPTIONS", root=root, certificate=known).startswith(
        "SIP/2.0 200 "
    )
    for certificate in (None, unknown):
        with pytest.raises(OSError):  # noqa: PT011 - an alert or a reset, as TLS comes to it
            ask(port, domain.name, "OPTIONS", root=root, certificate=certificate)


def test_registrars_tell_how_long_registration_and_set_up_took(lab: Laboratory) -> None:
    with (
        lab.telephone(lab.stock, "bob", lab.english_wav) as bob,
        lab.telephone(lab.stock, "alice", lab.french_wav) as alice,
    ):
        assert 0 < start_to_registered_ms(alice.process, lab.stock, "alice") < 10_000
        alice.dial("sip:bob@stock.test")
        alice.wait_established()
        alice.hang_up()
        bob.wait_closed()
        (setup,) = call_setups(lab.stock)
        assert 0 < setup.invite_to_200 < setup.first_invite_to_200 < 10_000
