"""Peers that complete a handshake of some kind, but not one that keys may come from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.protocols.keying.dtls.pair import OURS, THEIRS, Pair, events_of
from tests.protocols.keying.dtls.raw_peer import DTLS_1_0, RawPeer

from offhook.base.secret import Secret
from offhook.protocols.keying.dtls.association import PATIENCE_S, DtlsAssociation
from offhook.protocols.keying.dtls.events import (
    DtlsClosed,
    DtlsEvent,
    DtlsFailed,
    DtlsFault,
    DtlsKeysReady,
)
from offhook.protocols.keying.dtls.identity import DtlsIdentity
from offhook.protocols.keying.dtls.openssl import Endpoint, Progress
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.dtls.states import DtlsState

WE_ARE = pytest.mark.parametrize("role", [Role.ACTIVE, Role.PASSIVE])


def meet(role: Role, peer: RawPeer, announced: DtlsIdentity = THEIRS) -> list[DtlsEvent]:
    ours = DtlsAssociation(OURS, role)
    ours.set_remote([announced.fingerprint()], 0.0)
    ours.start(0.0)
    peer.meet(ours, 0.0)
    return events_of(ours)


def rule_of(events: list[DtlsEvent]) -> str:
    (event,) = events
    assert isinstance(event, DtlsFailed), event
    assert event.reason
    return event.rule


@WE_ARE
def test_control_a_good_raw_peer_gets_the_same_keys(role: Role) -> None:
    peer = RawPeer(server=role is Role.ACTIVE)
    (keys,) = meet(role, peer)
    assert isinstance(keys, DtlsKeysReady)
    exported = peer.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 88)
    client, server = exported[:32] + exported[64:76], exported[32:64] + exported[76:]
    ours = (keys.send.master.reveal(), keys.receive.master.reveal())
    assert ours == ((client, server) if role is Role.ACTIVE else (server, client))


@WE_ARE
@pytest.mark.parametrize(
    "srtp", [None, b"SRTP_AES128_CM_SHA1_32"], ids=["no use_srtp", "weak profile only"]
)
def test_without_a_profile_that_is_good_enough_there_is_no_key(
    role: Role, srtp: bytes | None
) -> None:
    peer = RawPeer(server=role is Role.ACTIVE, srtp=srtp)
    assert rule_of(meet(role, peer)) == "profile"
    assert "ZeroReturn" in peer.died


@WE_ARE
def test_of_a_weak_and_a_good_profile_the_good_one_is_taken(role: Role) -> None:
    srtp = b"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80"
    if role is Role.ACTIVE:
        srtp = srtp[23:]
    (keys,) = meet(role, RawPeer(server=role is Role.ACTIVE, srtp=srtp))
    assert isinstance(keys, DtlsKeysReady)
    assert keys.suite.name == "AES_CM_128_HMAC_SHA1_80"


@WE_ARE
def test_the_old_version_is_not_spoken(role: Role) -> None:
    peer = RawPeer(server=role is Role.ACTIVE, version=DTLS_1_0, ciphers=b"ALL:@SECLEVEL=0")
    assert rule_of(meet(role, peer)) in {"version", "alert"}
    assert not peer.finished


@WE_ARE
@pytest.mark.parametrize(
    "ciphers",
    [
        b"ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0",
        b"ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0",
        b"ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0",
        b"AECDH-AES256-SHA:@SECLEVEL=0",
        b"AES256-GCM-SHA384:@SECLEVEL=0",
    ],
    ids=["CBC SHA-1", "CBC", "no encryption", "anonymous", "no forward secrecy"],
)
def test_weak_ciphers_are_not_agreed_to(role: Role, ciphers: bytes) -> None:
    peer = RawPeer(server=role is Role.ACTIVE, ciphers=ciphers)
    assert rule_of(meet(role, peer)) in {"cipher", "alert"}
    assert not peer.finished


def test_a_client_without_a_certificate_gets_no_key() -> None:
    peer = RawPeer(server=False, identity=None)
    assert rule_of(meet(Role.PASSIVE, peer)) == "no-certificate"


def test_a_server_that_asks_for_no_certificate_still_shows_the_one_announced() -> None:
    (keys,) = meet(Role.ACTIVE, RawPeer(server=True, asks=False))
    assert isinstance(keys, DtlsKeysReady)


def certificate(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    *usages: x509.ObjectIdentifier,
    ballast: int = 2,
) -> DtlsIdentity:
    """One as a certification authority would make it for a web server, from another issuer."""
    today = datetime(2024, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx.example")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Some CA")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(today)
        .not_valid_after(today + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.1"), bytes(ballast)),
            critical=True,
        )
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return DtlsIdentity(
        made.public_bytes(Encoding.DER),
        Secret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
    )


@WE_ARE
@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA 2048"])
def test_a_gateway_s_web_certificate_counts_by_its_fingerprint_alone(role: Role, kind: str) -> None:
    key = (
        rsa.generate_private_key(65537, 2048)
        if kind.startswith("RSA")
        else ec.generate_private_key(ec.SECP256R1() if kind == "P-256" else ec.SECP384R1())
    )
    theirs = certificate(key, ExtendedKeyUsageOID.SERVER_AUTH)
    peer = RawPeer(server=role is Role.ACTIVE, identity=theirs)
    (event,) = meet(role, peer, theirs)
    assert isinstance(event, DtlsKeysReady)


@WE_ARE
def test_a_key_that_is_too_short_is_refused_whatever_was_announced(role: Role) -> None:
    weak = certificate(rsa.generate_private_key(65537, 1024))  # noqa: S505 - it is to be refused
    peer = RawPeer(server=role is Role.ACTIVE, identity=weak)
    assert rule_of(meet(role, peer, weak)) in {"certificate", "protocol"}


@WE_ARE
def test_renegotiation_is_refused_and_changes_no_key(role: Role) -> None:
    ours = DtlsAssociation(OURS, role)
    ours.set_remote([THEIRS.fingerprint()], 0.0)
    ours.start(0.0)
    peer = RawPeer(server=role is Role.ACTIVE)
    peer.meet(ours, 0.0)
    assert ours._endpoint is not None
    before = ours._endpoint.keys()
    assert len(events_of(ours)) == 1
    peer.connection.renegotiate()
    peer.finished = False
    peer.meet(ours, 0.0)
    peer.meet(ours, 0.0)
    if ours._endpoint is not None:
        assert ours._endpoint.keys() == before
    # A peer with OpenSSL 3.5 takes the refusal so badly that it ends the association itself.
    assert events_of(ours) in ([], [DtlsClosed(by_peer=True)])


def test_a_server_that_asks_for_a_cookie_first_gets_it() -> None:
    (event,) = meet(Role.ACTIVE, RawPeer(server=True, cookies=True))
    assert isinstance(event, DtlsKeysReady)


@WE_ARE
def test_fragments_as_small_as_a_peer_can_make_them_are_put_together(role: Role) -> None:
    (event,) = meet(role, RawPeer(server=role is Role.ACTIVE, mtu=256))
    assert isinstance(event, DtlsKeysReady)


@pytest.mark.parametrize("size", [1000, 5000, 15000])
def test_certificates_of_any_size_go_through_in_datagrams_of_1200_octets(size: int) -> None:
    big = certificate(ec.generate_private_key(ec.SECP256R1()), ballast=size)
    pair = Pair(DtlsAssociation(big, Role.ACTIVE), DtlsAssociation(big, Role.PASSIVE))
    for each in (pair.active, pair.passive):
        each.set_remote([big.fingerprint()], pair.now)
    pair.start()
    pair.run()
    assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive
    assert max(len(datagram) for _, datagram in pair.sent) <= 1200
    assert len(pair.sent) > 2 * (len(big.certificate) // 1200)


@WE_ARE
def test_a_certificate_without_end_is_refused(role: Role) -> None:
    endless = certificate(ec.generate_private_key(ec.SECP256R1()), ballast=20_000)
    ours = DtlsAssociation(OURS, role)
    ours.set_remote([endless.fingerprint()], 0.0)
    ours.start(0.0)
    RawPeer(server=role is Role.ACTIVE, identity=endless).meet(ours, 0.0)
    assert events_of(ours) == []
    ours.tick(PATIENCE_S)
    assert rule_of(events_of(ours)) == "unanswered"


@WE_ARE
@pytest.mark.parametrize("rule", ["alert", "protocol"])
def test_once_there_are_keys_an_alert_ends_them_and_any_other_fault_does_not(
    role: Role, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = DtlsAssociation(OURS, role)
    ours.set_remote([THEIRS.fingerprint()], 0.0)
    ours.start(0.0)
    peer = RawPeer(server=role is Role.ACTIVE)
    peer.meet(ours, 0.0)
    assert len(events_of(ours)) == 1

    def faulty(_: Endpoint) -> Progress:
        raise DtlsFault(rule, "as OpenSSL had it")

    monkeypatch.setattr(Endpoint, "advance", faulty)
    peer.connection.send(b"x")
    peer.meet(ours, 0.0)
    if rule == "protocol":
        assert events_of(ours) == []
        assert ours.state is DtlsState.KEYED
        ours.close(0.0)
    assert events_of(ours) == [DtlsClosed(by_peer=rule == "alert")]


@WE_ARE
def test_application_data_means_nothing(role: Role) -> None:
    ours = DtlsAssociation(OURS, role)
    ours.set_remote([THEIRS.fingerprint()], 0.0)
    ours.start(0.0)
    peer = RawPeer(server=role is Role.ACTIVE)
    peer.meet(ours, 0.0)
    assert len(events_of(ours)) == 1
    for _ in range(20):
        peer.connection.send(b"x" * 1000)
        peer.meet(ours, 0.0)
    assert events_of(ours) == []
    assert ours.datagrams_to_send() == []


@WE_ARE
def test_mutant_control_the_last_check_stands_without_the_first(
    role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the certificate that passes by misread, the one that OpenSSL has still decides."""
    monkeypatch.setattr(DtlsAssociation, "_check_shown", lambda _: None)
    peer = RawPeer(server=role is Role.ACTIVE)
    assert rule_of(meet(role, peer, OURS)) == "fingerprint"
    assert peer.finished


@WE_ARE
def test_mutant_control_openssl_takes_no_certificate_that_it_wasn_t_told_of(
    role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Endpoint, "trust", lambda *_: None)
    peer = RawPeer(server=role is Role.ACTIVE)
    assert rule_of(meet(role, peer)) == "certificate"
