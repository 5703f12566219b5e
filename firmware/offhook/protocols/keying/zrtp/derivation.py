"""Where ZRTP puts its secrets to use: MAC, KDF, s0, CFB (RFC 6189 §4.4.1.4, §4.5, §5.7).

No other module of ZRTP opens a Secret.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.algorithms import HashType

_NAMES: Final = {HashType.S256: "sha256", HashType.S384: "sha384"}
_COUNTER: Final = struct.pack("!I", 1)
_PURPOSE: Final = b"ZRTP-HMAC-KDF"


def digest(kind: HashType, *parts: bytes) -> bytes:
    """The negotiated hash of the parts, one after the other."""
    return hashlib.new(_NAMES[kind], b"".join(parts)).digest()


def mac(kind: HashType, key: Secret, octets: bytes) -> bytes:
    """The leftmost 64 bits of the negotiated MAC."""
    return hmac.digest(key.reveal(), octets, _NAMES[kind])[:8]


def same(one: bytes, other: bytes) -> bool:
    """Whether they are equal, in constant time."""
    return hmac.compare_digest(one, other)


def kdf(kind: HashType, key: Secret, label: str, context: bytes, length: int) -> Secret:
    """`length` octets for the purpose that `label` names (§4.5.1)."""
    return Secret(kdf_octets(kind, key, label, context, length))


def kdf_octets(kind: HashType, key: Secret, label: str, context: bytes, length: int) -> bytes:
    """The same for what is no secret: the SAS, which people say aloud."""
    if not 0 < length <= kind.length:
        raise LocalError(f"the key derivation of {kind.value} yields no {length} octets")
    octets = _COUNTER + label.encode("ascii") + b"\0" + context + struct.pack("!I", 8 * length)
    return hmac.digest(key.reveal(), octets, _NAMES[kind])[:length]


def agreed_secret(
    kind: HashType,
    result: Secret,
    public_info: bytes,
    shared: tuple[Secret | None, Secret | None, Secret | None],
) -> Secret:
    """s0 of DH mode (§4.4.1.4): `public_info` is ZIDi, ZIDr and total_hash in one."""
    parts = [_COUNTER, result.reveal(), _PURPOSE, public_info]
    for each in shared:
        octets = b"" if each is None else each.reveal()
        parts += [struct.pack("!I", len(octets)), octets]
    return Secret(digest(kind, *parts))


def joined(key: Secret, salt: Secret) -> Secret:
    """Master key and salt as SRTP takes them."""
    return Secret(key.reveal() + salt.reveal())


def encrypt(key: Secret, iv: bytes, octets: bytes) -> bytes:
    """AES in full-block CFB (§5.7)."""
    cipher = Cipher(algorithms.AES(key.reveal()), modes.CFB(iv)).encryptor()
    return cipher.update(octets) + cipher.finalize()


def decrypt(key: Secret, iv: bytes, octets: bytes) -> bytes:
    """What `encrypt` made."""
    cipher = Cipher(algorithms.AES(key.reveal()), modes.CFB(iv)).decryptor()
    return cipher.update(octets) + cipher.finalize()
