"""One end of a DTLS 1.2 association in OpenSSL, over memory (RFC 6347, RFC 5764 §4.1).

OpenSSL keeps its own clock for repeating a flight, and its own randomness. No callback is
installed: cffi's would need memory that can be both written and executed. OpenSSL is therefore
told beforehand which certificate to take (`trust`), and refuses every other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from OpenSSL import SSL, _util, crypto

from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.events import DtlsFault
from offhook.protocols.keying.dtls.identity import DtlsIdentity
from offhook.protocols.keying.dtls.profiles import (
    EXPORTER_LABEL,
    OPENSSL_NAMES,
    KeyPair,
    exported_length,
    split_exported,
)
from offhook.protocols.keying.dtls.records import MAX_DATAGRAM
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.srtp_keys import CryptoSuite

DTLS_1_2: Final = 0xFEFD
CIPHERS: Final = b"ECDHE+AESGCM:@SECLEVEL=2"
"""Forward secrecy and AEAD, with one length of nonce and tag; RSA is there for the certificates
of others."""

_OPTIONS: Final = SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION
_NO_CHECK_TIME: Final = 0x200000
_STORE_FLAGS: Final = (
    _NO_CHECK_TIME | crypto.X509StoreFlags.PARTIAL_CHAIN | crypto.X509StoreFlags.IGNORE_CRITICAL
)
"""A certificate stands for its key: dates, issuers and extensions say nothing (RFC 5763 §5)."""

_CHUNK: Final = 16384
_ALERT: Final = re.compile(r"alert (.+)$")
_RULES: Final = (
    ("certificate verify failed", "certificate", "its certificate is too weak or unsound"),
    ("did not return a certificate", "no-certificate", "it showed no certificate"),
    ("no shared cipher", "cipher", "it offers no cipher that is strong enough"),
    ("unsupported protocol", "version", "it doesn't speak DTLS 1.2"),
    ("wrong version number", "version", "it doesn't speak DTLS 1.2"),
    ("wrong ssl version", "version", "it doesn't speak DTLS 1.2"),
    ("timeout", "unanswered", "it stopped answering"),
)


class Progress(Enum):
    """How far the association has come."""

    UNFINISHED = "handshake goes on"
    FINISHED = "handshake finished"
    CLOSED = "closed by the peer"


class Endpoint:
    """The client (active) or the server (passive). Octets are fed in and taken out by hand."""

    __slots__ = ("_connection", "_finished", "_role", "_store", "_suites")

    def __init__(self, identity: DtlsIdentity, role: Role, suites: Sequence[CryptoSuite]) -> None:
        """LocalError where the identity can't be used or a suite has no profile."""
        context = _context(identity, suites)
        store = context.get_cert_store()
        if store is None:
            raise LocalError("OpenSSL has no place for certificates")
        self._store = store
        self._store.set_flags(_STORE_FLAGS)
        _take_any_purpose(self._store)
        self._suites = {OPENSSL_NAMES[suite.name].encode(): suite for suite in suites}
        self._role = role
        self._finished = False
        self._connection = SSL.Connection(context, None)
        self._connection.set_ciphertext_mtu(MAX_DATAGRAM)
        if role is Role.ACTIVE:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    def trust(self, certificate: bytes) -> None:
        """Take this certificate (DER) from the peer; DtlsFault where it is none."""
        try:
            self._store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, certificate))
        except crypto.Error:
            raise DtlsFault("certificate", "its certificate can't be read") from None

    def feed(self, records: bytes) -> None:
        """Whole records of one datagram."""
        self._connection.bio_write(records)

    def advance(self) -> Progress:
        """Let OpenSSL work on what was fed; DtlsFault where that is the end."""
        try:
            if not self._finished:
                self._connection.do_handshake()
                self._finished = True
            while True:
                # Application data has no meaning here (RFC 5764 §4.1).
                self._connection.recv(_CHUNK)
        except SSL.WantReadError:
            return Progress.FINISHED if self._finished else Progress.UNFINISHED
        except SSL.ZeroReturnError:
            return Progress.CLOSED
        except SSL.Error as error:
            raise _fault(error) from None

    def take_output(self) -> bytes:
        """The records that OpenSSL has written since, one after the other."""
        written = b""
        while True:
            try:
                written += self._connection.bio_read(_CHUNK)
            except SSL.WantReadError:
                return written

    def timeout(self) -> float | None:
        """Seconds until `repeat` has something to do, by OpenSSL's clock; None: never."""
        return self._connection.DTLSv1_get_timeout()

    def repeat(self) -> bool:
        """Write the flight again if OpenSSL's time for it has come; DtlsFault after too many."""
        try:
            return self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise _fault(error) from None

    def peer_certificate(self) -> bytes:
        """The certificate (DER) whose key the peer has proven to hold; DtlsFault without."""
        certificate = self._connection.get_peer_certificate()
        if certificate is None:
            raise DtlsFault("no-certificate", "it showed no certificate")
        return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)

    def keys(self) -> KeyPair:
        """The keys for the suite agreed on; DtlsFault where no profile was agreed on."""
        suite = self._suites.get(self._connection.get_selected_srtp_profile())
        if suite is None:
            raise DtlsFault("profile", "it agrees to no SRTP profile that is good enough")
        if self._connection.get_protocol_version() != DTLS_1_2:
            raise DtlsFault("version", "it doesn't speak DTLS 1.2")
        exported = self._connection.export_keying_material(EXPORTER_LABEL, exported_length(suite))
        return split_exported(exported, suite, self._role)

    def close(self) -> None:
        """Write close_notify."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            return  # there was nothing left to close


def _context(identity: DtlsIdentity, suites: Sequence[CryptoSuite]) -> SSL.Context:
    if not suites or any(suite.name not in OPENSSL_NAMES for suite in suites):
        raise LocalError("DTLS-SRTP needs suites that it has profiles for")
    key = load_der_private_key(identity.key.reveal(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise LocalError("the key for DTLS is on no elliptic curve")
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(DTLS_1_2)
    context.set_max_proto_version(DTLS_1_2)
    context.set_options(_OPTIONS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(CIPHERS)
    context.set_tlsext_use_srtp(":".join(OPENSSL_NAMES[each.name] for each in suites).encode())
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    context.use_certificate(x509.load_der_x509_certificate(identity.certificate))
    context.use_privatekey(key)
    context.check_privatekey()
    return context


def _take_any_purpose(store: crypto.X509Store) -> None:
    """Let a certificate made for a web server do for a client too, as many gateways want it to.

    pyOpenSSL has no call for it. Where the one underneath is missing, such a peer is refused.
    """
    lib: Any = _util.lib
    set_purpose = getattr(lib, "X509_STORE_set_purpose", None)
    if set_purpose is not None:
        set_purpose(store._store, lib.X509_PURPOSE_ANY)  # noqa: SLF001 - see above


def _fault(error: SSL.Error) -> DtlsFault:
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    text = "; ".join(str(entry[-1]) for entry in entries) or "OpenSSL gave no reason"
    for words, rule, reason in _RULES:
        if words in text and "alert" not in text:
            return DtlsFault(rule, reason)
    told = _ALERT.search(text)
    if told is not None:
        return DtlsFault("alert", f"it refused: {told[1]}")
    return DtlsFault("protocol", f"its handshake is unsound: {text}")
