"""SRTP written out from RFC 3711, RFC 6188 and RFC 7714, to hold the library against."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offhook.protocols.keying.srtp_keys import CryptoLine


def counter_mode(key: bytes, block: bytes, plain: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(block)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def derive(key: bytes, salt: bytes, label: int, length: int) -> bytes:
    """RFC 3711 §4.3.3 with a key derivation rate of 0."""
    salt = salt.ljust(14, b"\0")
    x = int.from_bytes(salt, "big") ^ (label << 48)
    return counter_mode(key, (x << 16).to_bytes(16, "big"), bytes(length))


def gcm_iv(salt: bytes, ssrc: bytes, index: int) -> bytes:
    """RFC 7714 §8.1: SSRC, ROC and SEQ over the salt."""
    block = bytes(2) + ssrc + index.to_bytes(6, "big")
    return bytes(a ^ b for a, b in zip(block, salt, strict=True))


@dataclass
class ByHand:
    """Session keys for SRTP; `roc` is the sender's."""

    key: bytes
    salt: bytes
    auth: bytes
    gcm: bool
    roc: int = 0
    tag: int = 10

    @classmethod
    def of(cls, line: CryptoLine, *, rtcp: bool = False) -> ByHand:
        master, size = line.master.reveal(), line.suite.key_length
        key, salt = master[:size], master[size:]
        first_label = 3 if rtcp else 0
        return cls(
            derive(key, salt, first_label, size),
            derive(key, salt, first_label + 2, len(salt)),
            derive(key, salt, first_label + 1, 20),
            "GCM" in line.suite.name,
            tag=4 if line.suite.name.endswith("_32") and not rtcp else 10,
        )

    def _counter(self, ssrc: bytes, index: int) -> bytes:
        """RFC 3711 §4.1.1."""
        salt = int.from_bytes(self.salt, "big")
        block = salt << 16 ^ int.from_bytes(ssrc, "big") << 64 ^ index << 16
        return block.to_bytes(16, "big")

    def protect(self, packet: bytes) -> bytes:
        header, payload = packet[:12], packet[12:]
        index = self.roc << 16 | int.from_bytes(packet[2:4], "big")
        ssrc = packet[8:12]
        if self.gcm:
            iv = gcm_iv(self.salt, ssrc, index)
            return header + AESGCM(self.key).encrypt(iv, payload, header)
        block = self._counter(ssrc, index)
        made = header + counter_mode(self.key, block, payload)
        return made + hmac.digest(self.auth, made + self.roc.to_bytes(4, "big"), "sha1")[: self.tag]

    def protect_rtcp(self, packet: bytes, index: int, *, encrypted: bool = True) -> bytes:
        header, body, ssrc = packet[:8], packet[8:], packet[4:8]
        trailer = (encrypted << 31 | index).to_bytes(4, "big")
        if self.gcm:
            iv = gcm_iv(self.salt, ssrc, index)
            if encrypted:
                return header + AESGCM(self.key).encrypt(iv, body, header + trailer) + trailer
            return packet + AESGCM(self.key).encrypt(iv, b"", packet + trailer) + trailer
        block = self._counter(ssrc, index)
        if encrypted:
            body = counter_mode(self.key, block, body)
        made = header + body + trailer
        return made + hmac.digest(self.auth, made, "sha1")[:10]
