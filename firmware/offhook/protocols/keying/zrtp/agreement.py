"""Key agreements: DH3k, X255, X448, EC25, EC38 (RFC 6189 §4.4.1, §5.1.5; RFC 3526, 7748, 5903).

The library makes the private keys. Its exponent for the 3072-bit group has 275 bits, by the
strength of the group (RFC 7919 §5.2 says the same); RFC 6189 would have 512 where AES-256 is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import dh, ec, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.algorithms import KeyAgreement
from offhook.protocols.keying.zrtp.refusals import ErrorCode, Refused

PRIME: Final = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879"
    "8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B"
    "0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA4836"
    "1C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804"
    "F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6"
    "955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64"
    "ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D226"
    "1AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
"""The 3072-bit group of RFC 3526 §4; its generator is 2."""

_GROUP: Final = dh.DHParameterNumbers(PRIME, 2)

_DhKey: TypeAlias = dh.DHPrivateKey | ec.EllipticCurvePrivateKey
_XKey: TypeAlias = x25519.X25519PrivateKey | x448.X448PrivateKey
PrivateKey: TypeAlias = _DhKey | _XKey


class KeyPair:
    """One ephemeral key. It agrees once: no secret is ever made of it again."""

    __slots__ = ("_private", "agreement", "public")

    def __init__(self, agreement: KeyAgreement, private: PrivateKey) -> None:
        self.agreement = agreement
        self.public = _public(private)
        self._private: PrivateKey | None = private
        if len(self.public) != agreement.public_length:
            raise LocalError(f"that is no key for {agreement.value}")

    def agree(self, theirs: bytes) -> Secret:
        """DHResult with that public value. Refused where the value is no sound one (§4.4.1.2).

        LocalError the second time.
        """
        private, self._private = self._private, None
        if private is None:
            raise LocalError("a ZRTP key is used once")
        check_public(self.agreement, theirs)
        try:
            return Secret(_exchange(private, theirs))
        except ValueError:
            raise Refused(
                ErrorCode.PUBLIC_VALUE, "the peer's public value is not on the curve, or weak"
            ) from None


KeyMaker: TypeAlias = Callable[[KeyAgreement], KeyPair]


def fresh(agreement: KeyAgreement) -> KeyPair:
    """A new key pair, by the library's own randomness."""
    if agreement is KeyAgreement.X255:
        return KeyPair(agreement, x25519.X25519PrivateKey.generate())
    if agreement is KeyAgreement.X448:
        return KeyPair(agreement, x448.X448PrivateKey.generate())
    if agreement is KeyAgreement.EC25:
        return KeyPair(agreement, ec.generate_private_key(ec.SECP256R1()))
    if agreement is KeyAgreement.EC38:
        return KeyPair(agreement, ec.generate_private_key(ec.SECP384R1()))
    if agreement is KeyAgreement.DH3K:
        return KeyPair(agreement, _GROUP.parameters().generate_private_key())
    raise LocalError(f"{agreement.value} has no key pair")


def check_public(agreement: KeyAgreement, public: bytes) -> None:
    """Refused where a public value has not its length, or is 0, 1, p-1 or beyond (§4.4.1.2).

    It costs next to nothing; a point's place on its curve is checked when it is used.
    """
    if len(public) != agreement.public_length:
        raise Refused(ErrorCode.MALFORMED, f"the public value is none of {agreement.value}")
    number = int.from_bytes(public, "big")
    if not number or (agreement is KeyAgreement.DH3K and not 1 < number < PRIME - 1):
        raise Refused(ErrorCode.PUBLIC_VALUE, "the peer's public value is 0, 1 or p-1")


def _public(private: PrivateKey) -> bytes:
    public = private.public_key()
    if isinstance(public, dh.DHPublicKey):
        return public.public_numbers().y.to_bytes(384, "big")
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
    return public.public_bytes_raw()


def _exchange(private: PrivateKey, theirs: bytes) -> bytes:
    if isinstance(private, dh.DHPrivateKey):
        numbers = dh.DHPublicNumbers(int.from_bytes(theirs, "big"), _GROUP)
        return private.exchange(numbers.public_key()).rjust(384, b"\0")
    if isinstance(private, ec.EllipticCurvePrivateKey):
        point = ec.EllipticCurvePublicKey.from_encoded_point(private.curve, b"\x04" + theirs)
        return private.exchange(ec.ECDH(), point)
    if isinstance(private, x25519.X25519PrivateKey):
        return private.exchange(x25519.X25519PublicKey.from_public_bytes(theirs))
    return private.exchange(x448.X448PublicKey.from_public_bytes(theirs))
