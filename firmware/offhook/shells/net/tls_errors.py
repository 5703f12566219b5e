"""OpenSSL's errors as rules and sentences (RFC 5280 §6, RFC 8446 §6)."""

from __future__ import annotations

import ssl
from typing import Final

from offhook.shells.net.errors import TlsRefused

VERIFY_RULES: Final[dict[int, str]] = {
    2: "unknown-ca",
    7: "broken-chain",
    18: "self-signed",
    19: "unknown-ca",
    20: "unknown-ca",
    21: "unknown-ca",
    22: "chain-too-long",
    24: "malformed",
    25: "path-length",
    26: "extended-key-usage",
    30: "authority-key",
    31: "authority-key",
    32: "issuer-key-usage",
    34: "critical-extension",
    37: "malformed",
    39: "key-usage",
    40: "proxy-certificate",
    41: "malformed",
    42: "malformed",
    45: "malformed",
    47: "name-constraints",
    48: "name-constraints",
    49: "name-constraints",
    51: "name-constraints",
    52: "name-constraints",
    53: "name-constraints",
    66: "key-size",
    67: "key-size",
    68: "weak-signature",
    76: "weak-signature",
    77: "malformed",
    78: "malformed",
    79: "issuer-not-ca",
    80: "malformed",
    81: "malformed",
    82: "key-usage",
    83: "malformed",
    84: "malformed",
    85: "authority-key",
    86: "authority-key",
    87: "malformed",
    88: "malformed",
    89: "ca-not-critical",
    90: "authority-key",
    91: "malformed",
    92: "issuer-key-usage",
    93: "malformed",
    94: "curve",
}
"""X509_V_ERR_… by number; those absent give "certificate"."""

VERIFY_HINTS: Final[dict[int, str]] = {
    2: "a CA in the chain is unknown and the server did not send it",
    18: "the server's certificate is self-signed and is no trust anchor",
    19: "the chain ends at a root that is none of the configured trust anchors",
    20: "the issuer is none of the configured trust anchors, or an intermediate is missing",
    21: "the issuer is none of the configured trust anchors, or an intermediate is missing",
    79: "the issuer is no CA, or a CA that may not sign certificates",
    89: "a CA certificate's basicConstraints are not critical (RFC 5280 §4.2.1.9)",
    92: "a CA certificate has no keyUsage with keyCertSign (RFC 5280 §4.2.1.3)",
}

REASONS: Final[dict[str, tuple[str, str]]] = {
    "WRONG_VERSION_NUMBER": ("not-tls", "what the server sent is not TLS"),
    "HTTP_REQUEST": ("not-tls", "what the server sent is not TLS"),
    "UNSUPPORTED_PROTOCOL": ("protocol-version", "the server chose TLS 1.1 or older"),
    "TLSV1_ALERT_PROTOCOL_VERSION": ("protocol-version", "the server has neither TLS 1.2 nor 1.3"),
    "BAD_PROTOCOL_VERSION_NUMBER": ("protocol-version", "the server chose an unknown TLS version"),
    "WRONG_SSL_VERSION": ("protocol-version", "the server changed the TLS version"),
    "INAPPROPRIATE_FALLBACK": ("protocol-version", "the server saw a fallback to an older version"),
    "WRONG_CIPHER_RETURNED": ("cipher", "the server chose a cipher suite that was not offered"),
    "UNKNOWN_CIPHER_RETURNED": ("cipher", "the server chose an unknown cipher suite"),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "handshake-failure",
        "no ECDHE suite with AEAD in common, or no client certificate (alert handshake_failure)",
    ),
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": (
        "handshake-failure",
        "the server wants stronger suites (alert insufficient_security)",
    ),
    "DH_KEY_TOO_SMALL": ("key-size", "the server's key-exchange key is too small"),
    "EE_KEY_TOO_SMALL": ("key-size", "the server's certificate key is too small"),
    "WRONG_CURVE": ("group", "the server chose a key-exchange group that was not offered"),
    "BAD_KEY_SHARE": ("group", "the server chose a key-exchange group that was not offered"),
    "BAD_ECPOINT": ("group", "the server's key-exchange value is no point of its curve"),
    "WRONG_SIGNATURE_TYPE": ("signature-algorithm", "the server signed by a refused algorithm"),
    "BAD_SIGNATURE": ("signature", "the server does not hold the key of its certificate"),
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": (
        "renegotiation",
        "the server lacks secure renegotiation (RFC 5746)",
    ),
    "NO_RENEGOTIATION": ("renegotiation", "the server asked for renegotiation"),
    "COMPRESSION_DISABLED": ("compression", "the server chose compression"),
    "UNSUPPORTED_COMPRESSION_ALGORITHM": ("compression", "the server chose compression"),
    "EXCESSIVE_MESSAGE_SIZE": ("too-long", "the server sent a handshake message beyond all bounds"),
    "PACKET_LENGTH_TOO_LONG": ("too-long", "the server sent a TLS record beyond all bounds"),
    "ENCRYPTED_LENGTH_TOO_LONG": ("too-long", "the server sent a TLS record beyond all bounds"),
    "DATA_LENGTH_TOO_LONG": ("too-long", "the server sent a TLS record beyond all bounds"),
    "RECORD_LAYER_FAILURE": ("bad-record", "a TLS record was changed on its way"),
    "RECORD_TOO_SMALL": ("flood", "the server floods the connection with empty TLS records"),
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": ("bad-record", "a TLS record was changed on its way"),
    "TLSV1_ALERT_UNKNOWN_CA": (
        "client-certificate",
        "the server does not know the CA of our client certificate (alert unknown_ca)",
    ),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": (
        "client-certificate",
        "the server demands a client certificate (alert certificate_required)",
    ),
    "SSLV3_ALERT_BAD_CERTIFICATE": (
        "client-certificate",
        "the server refuses our client certificate (alert bad_certificate)",
    ),
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": (
        "client-certificate",
        "the server refuses our client certificate (alert unsupported_certificate)",
    ),
    "SSLV3_ALERT_CERTIFICATE_REVOKED": (
        "client-certificate",
        "our client certificate is revoked (alert certificate_revoked)",
    ),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": (
        "client-certificate",
        "our client certificate has expired (alert certificate_expired)",
    ),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": (
        "client-certificate",
        "the server refuses our client certificate (alert certificate_unknown)",
    ),
    "TLSV1_ALERT_ACCESS_DENIED": (
        "client-certificate",
        "the server grants us no access (alert access_denied)",
    ),
    "TLSV1_UNRECOGNIZED_NAME": (
        "server-name",
        "the server does not serve the service name (alert unrecognized_name)",
    ),
}
"""OpenSSL's reason names; an alert in them is one that the server sent."""


def refusal(error: ssl.SSLError) -> TlsRefused:
    """The rule and sentence for what OpenSSL raised during or after a handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        text = VERIFY_HINTS.get(code, error.verify_message)
        return TlsRefused(VERIFY_RULES.get(code, "certificate"), text)
    reason = error.reason or ""
    if reason in REASONS:
        return TlsRefused(*REASONS[reason])
    words = reason.replace("_", " ").lower() or str(error)
    if "_ALERT_" in reason:
        name = reason.partition("_ALERT_")[2].replace("_", " ").lower()
        return TlsRefused("peer-alert", f"the server ended the handshake with the alert “{name}”")
    return TlsRefused("tls", f"OpenSSL refuses what the server sent: {words}")
