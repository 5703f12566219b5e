"""The one way in which Offhook speaks TLS (RFC 8446, RFC 5246, RFC 9325, RFC 5922 §7.3)."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from offhook.base.secret import Secret
from offhook.base.vocabulary import PeerVerdict
from offhook.shells.net.errors import TlsRefused

Judge = Callable[[tuple[bytes, ...], str, float], PeerVerdict]
"""`(DER chain, leaf first and root last; service name; wall time) -> PeerVerdict`."""

NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: the judge holds the chain against the wall time it is given."""
TLS12_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
TLS13_CIPHERS: Final = frozenset(
    {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}
)
LEGACY: Final = 0x4 | 0x40000
"""SSL_OP_LEGACY_SERVER_CONNECT, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION: RFC 5746 ignored."""
IGNORE_UNEXPECTED_EOF: Final = 0x80
"""SSL_OP_IGNORE_UNEXPECTED_EOF, which some Pythons set: a cut stream is no close_notify."""
CS3: Final = 24


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a server that asks for it is shown: the PEM chain, leaf first, and its PEM key."""

    chain: bytes
    key: Secret


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Everything one account's flows are made from; no part has an insecure value.

    `service_name` is what SNI carries and what the certificate must be for, whatever address the
    octets go to. `anchors` are the only CAs trusted, in PEM (one or more each) or DER.
    `policy_id` names what `judge` decides by: another one starts without kept sessions.
    `wall_time` gives Unix seconds.
    """

    service_name: str
    anchors: tuple[bytes, ...]
    judge: Judge
    policy_id: str
    wall_time: Callable[[], float]
    client_certificate: ClientCertificate | None = None
    dscp: int = CS3
    handshake_timeout_s: float = 5.0
    connect_timeout_s: float = 5.0
    account: str = ""


def session_key(settings: TlsSettings, anchors: tuple[bytes, ...]) -> str:
    """A digest over all that must be the same for a session to be offered again."""
    digest = hashlib.sha256()
    client = settings.client_certificate
    parts = (
        settings.account.encode(),
        settings.service_name.encode(),
        settings.policy_id.encode(),
        *(() if client is None else (client.chain,)),
        b"anchors",
        *anchors,
    )
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def server_name(settings: TlsSettings) -> str | None:
    """What SNI carries (RFC 6066 §3): the service name, or None where that is an IP address.

    Raises TlsRefused("service-name") for a name that can't be carried.
    """
    name = settings.service_name
    try:
        ipaddress.ip_address(name)
    except ValueError:
        labels = name.removesuffix(".").split(".")
        if not (name.isascii() and name.isprintable() and all(0 < len(x) < 64 for x in labels)):
            raise TlsRefused(
                "service-name", f"the service name {name!r} is no host name in ASCII"
            ) from None
        return name
    return None


def current_anchors(settings: TlsSettings) -> tuple[bytes, ...]:
    """The CA certificates (DER) to trust at this wall time.

    One outside of its validity is left out where another of the same name is within: OpenSSL,
    which judges no time here, might otherwise build the chain on an old root while its renewal
    lies beside it. Raises TlsRefused where there is no anchor, or one can't be read.
    """
    now = settings.wall_time()
    anchors = _read_anchors(settings.anchors)
    served = {anchor.subject for anchor in anchors if anchor.start <= now <= anchor.end}
    return tuple(
        anchor.der
        for anchor in anchors
        if anchor.start <= now <= anchor.end or anchor.subject not in served
    )


def make_context(settings: TlsSettings, anchors: tuple[bytes, ...]) -> ssl.SSLContext:
    """A client context with exactly these anchors; the system's are never loaded.

    Raises TlsRefused where the client certificate can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.set_ciphers(TLS12_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.options &= ~(LEGACY | IGNORE_UNEXPECTED_EOF)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags = ssl.VerifyFlags(
        ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_TRUSTED_FIRST | NO_CHECK_TIME
    )
    _load_anchors(context, anchors)
    if settings.client_certificate is not None:
        _load_client_certificate(context, settings.client_certificate)
    return context


def verified_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The chain that OpenSSL verified, DER, leaf first; empty before that and on resumption."""
    if hasattr(tls, "get_verified_chain"):
        return tuple(tls.get_verified_chain())
    chain = tls._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001 -- public from Python 3.13 on
    return tuple(certificate.public_bytes(ENCODING_DER) for certificate in chain or ())


ENCODING_DER: Final = 2
"""_ssl.ENCODING_DER, for the private form of get_verified_chain."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    der: bytes
    subject: str
    start: int
    end: int


@functools.lru_cache(maxsize=16)
def _read_anchors(anchors: tuple[bytes, ...]) -> tuple[_Anchor, ...]:
    store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load_anchors(store, anchors)
    return tuple(
        _Anchor(
            der,
            str(fields["subject"]),
            ssl.cert_time_to_seconds(str(fields["notBefore"])),
            ssl.cert_time_to_seconds(str(fields["notAfter"])),
        )
        for der, fields in zip(
            store.get_ca_certs(binary_form=True), store.get_ca_certs(), strict=True
        )
    )


def _load_anchors(context: ssl.SSLContext, anchors: tuple[bytes, ...]) -> None:
    if not anchors:
        raise TlsRefused(
            "no-anchors", "no trust anchor (CA) is configured, so no server can be verified"
        )
    for number, anchor in enumerate(anchors, 1):
        try:
            text = anchor.decode("ascii") if b"-----BEGIN" in anchor else None
            context.load_verify_locations(cadata=anchor if text is None else text)
        except (ssl.SSLError, ValueError) as error:
            raise TlsRefused(
                "anchors-unreadable", f"trust anchor {number} is no certificate: {error}"
            ) from error
    if not context.cert_store_stats()["x509_ca"]:
        raise TlsRefused("no-anchors", "none of the configured trust anchors is a CA certificate")


def _load_client_certificate(context: ssl.SSLContext, client: ClientCertificate) -> None:
    """Hand chain and key to OpenSSL, which takes them by file name only, from memory."""

    def refuse_to_ask() -> NoReturn:
        raise TlsRefused("client-certificate", "the key of the client certificate is encrypted")

    descriptor = os.memfd_create("offhook-client-certificate", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(client.key.reveal().strip() + b"\n" + client.chain)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=refuse_to_ask)
    except (ssl.SSLError, OSError) as error:
        raise TlsRefused(
            "client-certificate", f"the client certificate or its key can't be used: {error}"
        ) from error
    finally:
        os.close(descriptor)
