"""What a server may speak: TLS 1.3, or 1.2 with ECDHE and AEAD; all else is refused (RFC 9325)."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.certificates import forge
from tests.shells.net import raw_peer
from tests.shells.net.raw_peer import Answer, RawPeer, hello_13, server_hello, session_of
from tests.shells.net.tls_peer import (
    BEST_GROUP,
    TlsPeer,
    dial,
    dialled,
    server_context,
    settings_for,
)

from offhook.shells.net.tls import ConnectionFailed, SessionCache, TlsRefused

TLS10 = ssl.TLSVersion.TLSv1
TLS11 = ssl.TLSVersion.TLSv1_1
TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
RSA = forge.leaf(key=rsa.generate_private_key(65537, 2048))
EC = forge.leaf()

STRANGERS = {
    "tls-1.0": (EC, TLS10, "ALL:@SECLEVEL=0", "protocol-version"),
    "tls-1.1": (EC, TLS11, "ALL:@SECLEVEL=0", "protocol-version"),
    "null-encryption": (EC, TLS12, "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", "handshake-failure"),
    "null-encryption-and-static-rsa": (RSA, TLS12, "NULL-SHA256:@SECLEVEL=0", "handshake-failure"),
    "anonymous-ecdh": (EC, TLS12, "AECDH-AES256-SHA:@SECLEVEL=0", "handshake-failure"),
    "anonymous-dh-gcm": (EC, TLS12, "ADH-AES256-GCM-SHA384:@SECLEVEL=0", "handshake-failure"),
    "static-rsa-gcm": (RSA, TLS12, "AES256-GCM-SHA384", "handshake-failure"),
    "static-rsa-cbc": (RSA, TLS12, "AES128-SHA:@SECLEVEL=0", "handshake-failure"),
    "ecdhe-cbc-sha256": (EC, TLS12, "ECDHE-ECDSA-AES128-SHA256", "handshake-failure"),
    "ecdhe-cbc-sha1": (RSA, TLS12, "ECDHE-RSA-AES256-SHA", "handshake-failure"),
    "dhe-gcm": (RSA, TLS12, "DHE-RSA-AES256-GCM-SHA384", "handshake-failure"),
    "ecdhe-ccm": (EC, TLS12, "ECDHE-ECDSA-AES128-CCM", "handshake-failure"),
    "ecdhe-ccm-8": (EC, TLS12, "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0", "handshake-failure"),
    "ecdhe-camellia": (EC, TLS12, "ECDHE-ECDSA-CAMELLIA128-SHA256", "handshake-failure"),
    "ecdhe-aria": (RSA, TLS12, "ECDHE-ARIA128-GCM-SHA256", "handshake-failure"),
    "rsa-psk": (RSA, TLS12, "RSA-PSK-AES128-GCM-SHA256", "handshake-failure"),
}
"""Servers that offer nothing that Offhook speaks."""


def retry_twice(client_hello: bytes) -> bytes:
    return hello_13(24, None, session_of(client_hello))


OCCASIONS = {
    "on-first-connection": (settings_for(), 1),
    "on-reconnect": (settings_for(), 2),
    "on-resumption": (settings_for(), 1),
    "at-1970": (settings_for(clock=forge.CLOCK_1970), 1),
    "at-2040": (settings_for(clock=forge.CLOCK_2040), 1),
}
"""The settings on each occasion and how often they connect."""

IMPOSED: dict[str, tuple[tuple[Answer, ...], str]] = {
    "ssl-3": ((server_hello(version=0x0300),), "protocol-version"),
    "tls-1.0": ((server_hello(version=0x0301),), "protocol-version"),
    "tls-1.1": ((server_hello(version=0x0302),), "protocol-version"),
    "tls-1.4": (
        (lambda hello: hello_13(29, bytes(32), session_of(hello), version=0x0305),),
        "protocol-version",
    ),
    "downgrade-to-1.2-by-a-server-of-1.3": (
        (server_hello(random=raw_peer.DOWNGRADE_TO_12),),
        "protocol-version",
    ),
    "null-with-null": ((server_hello(cipher=0x0000),), "cipher"),
    "null-encryption": ((server_hello(cipher=0x003B),), "cipher"),
    "ecdhe-null": ((server_hello(cipher=0xC006),), "cipher"),
    "anonymous-ecdh": ((server_hello(cipher=0xC018),), "cipher"),
    "anonymous-dh-gcm": ((server_hello(cipher=0x00A7),), "cipher"),
    "static-rsa-gcm": ((server_hello(cipher=0x009C),), "cipher"),
    "static-rsa-cbc": ((server_hello(cipher=0x002F),), "cipher"),
    "ecdhe-cbc": ((server_hello(cipher=0xC023),), "cipher"),
    "dhe-gcm": ((server_hello(cipher=0x009E),), "cipher"),
    "rc4": ((server_hello(cipher=0xC007),), "cipher"),
    "export": ((server_hello(cipher=0x0003),), "cipher"),
    "integrity-only-1.3": (
        (
            lambda hello: hello_13(29, bytes(32), session_of(hello)).replace(
                b"\x13\x01", b"\xc0\xb4", 1
            ),
        ),
        "cipher",
    ),
    "suite-of-1.3-in-1.2": ((server_hello(cipher=0x1301),), "cipher"),
    "compression": ((server_hello(compression=1),), "compression"),
    "no-secure-renegotiation": ((server_hello(extensions=b""),), "renegotiation"),
    "retry-with-a-group-not-offered": (
        (lambda hello: hello_13(19, None, session_of(hello)),),
        "group",
    ),
    "retry-twice": ((retry_twice, retry_twice), "tls"),
    "share-of-a-group-not-asked-for": (
        (lambda hello: hello_13(24, bytes(97), session_of(hello)),),
        "group",
    ),
    "share-of-the-wrong-length": (
        (lambda hello: hello_13(29, bytes(31), session_of(hello)),),
        "group",
    ),
    "share-of-low-order": (
        (lambda hello: hello_13(29, bytes(32), session_of(hello)),),
        "group",
    ),
    "plain-sip": ((b"SIP/2.0 400 Bad Request\r\n\r\n",), "not-tls"),
    "http": ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "not-tls"),
    "ssh": ((b"SSH-2.0-OpenSSH_9.2\r\n",), "not-tls"),
    "noise": ((bytes(range(7, 200)),), "not-tls"),
    "data-before-the-handshake": ((raw_peer.record(23, b"INVITE"),), "tls"),
    "record-beyond-the-bound": (
        (b"\x16\x03\x03\xff\xff" + bytes(2000),),
        "too-long",
    ),
    "handshake-message-beyond-the-bound": (
        (raw_peer.record(22, b"\x02\xff\xff\xff" + bytes(2000)),),
        "too-long",
    ),
    "alert": ((raw_peer.record(21, b"\x02\x50"),), "peer-alert"),
}
"""ServerHellos that impose what was not offered, and answers that are none."""


def kept_session(sessions: SessionCache) -> None:
    """Leave a session of an honest server in `sessions`, under the key of `settings_for()`."""

    async def scenario() -> None:
        async with (
            TlsPeer(server_context(EC, version=TLS12)) as peer,
            dialled(peer.address, settings_for(), sessions) as flow,
        ):
            await flow.echoed()

    asyncio.run(scenario())
    assert len(sessions) == 1


@pytest.mark.parametrize("occasion", OCCASIONS)
@pytest.mark.parametrize("name", STRANGERS)
def test_a_server_with_nothing_in_common_is_refused(name: str, occasion: str) -> None:
    certificate, version, ciphers, rule = STRANGERS[name]
    sessions = SessionCache()
    settings, times = OCCASIONS[occasion]
    if occasion == "on-resumption":
        kept_session(sessions)

    async def scenario() -> None:
        context = server_context(certificate, version=version, ciphers=ciphers)
        async with TlsPeer(context) as peer:
            for _ in range(times):
                with pytest.raises(TlsRefused) as refused:
                    await dial(peer.address, settings, sessions)
                assert refused.value.rule == rule
                await peer.connections[-1].gone.wait()
                assert bytes(peer.connections[-1].application) == b""
                assert not peer.connections[-1].handshaken

    asyncio.run(scenario())
    assert len(sessions) == 0


@pytest.mark.parametrize("occasion", OCCASIONS)
@pytest.mark.parametrize("name", IMPOSED)
def test_a_server_that_imposes_is_refused(name: str, occasion: str) -> None:
    answers, rule = IMPOSED[name]
    sessions = SessionCache()
    settings, times = OCCASIONS[occasion]
    if occasion == "on-resumption":
        kept_session(sessions)

    async def scenario() -> None:
        async with RawPeer(*answers) as peer:
            for _ in range(times):
                with pytest.raises(TlsRefused) as refused:
                    await dial(peer.address, settings, sessions)
                assert refused.value.rule == rule, refused.value
                await peer.connections[-1].gone.wait()
                assert peer.connections[-1].application == []

    asyncio.run(scenario())
    assert len(sessions) == 0


SPOKEN = {
    "tls-1.3": (EC, TLS13, "ALL", "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    "tls-1.3-rsa": (RSA, TLS13, "ALL", "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    "tls-1.2-aes-128-ecdsa": (EC, TLS12, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", None),
    "tls-1.2-aes-256-ecdsa": (EC, TLS12, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", None),
    "tls-1.2-chacha-ecdsa": (EC, TLS12, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", None),
    "tls-1.2-aes-128-rsa": (RSA, TLS12, "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", None),
    "tls-1.2-aes-256-rsa": (RSA, TLS12, "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", None),
    "tls-1.2-chacha-rsa": (RSA, TLS12, "ECDHE-RSA-CHACHA20-POLY1305", "TLSv1.2", None),
}


@pytest.mark.parametrize("name", SPOKEN)
def test_a_server_of_today_is_taken_and_resumed(name: str) -> None:
    certificate, version, ciphers, spoken, cipher = SPOKEN[name]
    sessions = SessionCache()

    async def scenario() -> None:
        context = server_context(certificate, version=version, ciphers=ciphers)
        async with TlsPeer(context) as peer:
            for resumed in (False, True, True):
                async with dialled(peer.address, settings_for(), sessions) as flow:
                    report = flow.connection.report
                    assert report.version == spoken
                    assert report.cipher == (cipher or ciphers)
                    assert report.group == (BEST_GROUP if spoken == "TLSv1.3" else "x25519")
                    assert report.resumed is resumed
                    await flow.echoed()

    asyncio.run(scenario())


def test_a_server_that_closes_in_the_handshake_is_no_refusal_but_a_failure() -> None:
    async def scenario() -> None:
        async with RawPeer(b"", closes=True) as peer:
            with pytest.raises(ConnectionFailed, match="during the TLS handshake"):
                await dial(peer.address, settings_for())

    asyncio.run(scenario())


def test_a_server_that_stalls_is_given_up() -> None:
    settings = dataclasses.replace(settings_for(), handshake_timeout_s=0.1)

    async def scenario() -> None:
        async with RawPeer(server_hello()[:20]) as peer:
            with pytest.raises(ConnectionFailed, match=r"within 0\.1 s"):
                await dial(peer.address, settings)
            await peer.connections[-1].gone.wait()

    asyncio.run(scenario())


def test_a_handshake_without_end_is_cut_off() -> None:
    flood = raw_peer.record(22, bytes((11, 0, 0x40, 0)) + bytes(16_000)) * 20

    async def scenario() -> None:
        async with RawPeer(server_hello() + flood) as peer:
            with pytest.raises(TlsRefused) as refused:
                await dial(peer.address, settings_for())
            assert refused.value.rule in ("too-long", "tls")

    asyncio.run(scenario())


def test_a_port_where_nobody_listens_is_named() -> None:
    async def scenario() -> None:
        async with RawPeer() as peer:
            address = peer.address
        with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{address.port}: Connection refused"):
            await dial(address, settings_for())

    asyncio.run(scenario())


def test_the_refused_server_learns_of_it_by_an_alert() -> None:
    wrong = forge.leaf(*forge.dns("other.example.org"))

    async def scenario() -> None:
        for version in (TLS12, TLS13):
            async with TlsPeer(server_context(wrong, version=version)) as peer:
                with pytest.raises(TlsRefused):
                    await dial(peer.address, settings_for())
                served = peer.connections[-1]
                await served.gone.wait()
                assert served.error is not None
                assert served.error.reason == "SSLV3_ALERT_BAD_CERTIFICATE"

    asyncio.run(scenario())
