"""TLS 1.3 records made by hand from a server's traffic secret (RFC 8446 §5.2, §7.1, §7.2)."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

HANDSHAKE = 22
APPLICATION = 23
KEY_UPDATE = bytes.fromhex("18 000001 00")
KEY_UPDATE_REQUESTED = bytes.fromhex("18 000001 01")


def watched(context: ssl.SSLContext, log: Path) -> ssl.SSLContext:
    """`context` without session tickets, its secrets written to `log`."""
    context.num_tickets = 0
    context.keylog_filename = str(log)
    return context


class Tls13Sender:
    """Continues a TLS_AES_256_GCM_SHA384 server's stream that has sent no application data yet."""

    def __init__(self, log: Path) -> None:
        for line in log.read_text().splitlines():
            if line.startswith("SERVER_TRAFFIC_SECRET_0 "):
                self._use(bytes.fromhex(line.split()[2]))

    def _use(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = AESGCM(_expand(secret, b"key", 32))
        self._iv = _expand(secret, b"iv", 12)
        self._sequence = 0

    def record(self, content: bytes, content_type: int = APPLICATION) -> bytes:
        """One encrypted record."""
        inner = content + bytes((content_type,))
        header = bytes((23, 3, 3)) + (len(inner) + 16).to_bytes(2, "big")
        nonce = (int.from_bytes(self._iv, "big") ^ self._sequence).to_bytes(12, "big")
        self._sequence += 1
        return header + self._cipher.encrypt(nonce, inner, header)

    def key_update(self, message: bytes = KEY_UPDATE) -> bytes:
        """A KeyUpdate in a record of its own; what follows is under the next keys."""
        sent = self.record(message, HANDSHAKE)
        self._use(_expand(self._secret, b"traffic upd", 48))
        return sent


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(full),)) + full + b"\0"
    return HKDFExpand(hashes.SHA384(), length, info).derive(secret)
