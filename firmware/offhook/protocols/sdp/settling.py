"""Which keys an answer settles on (RFC 4568 §5.1.3 and §7.1.3, RFC 8842 §5.4, RFC 6189 §8).

An answer is read by its attributes, whatever its profile is called: one crypto line is SDES, a
fingerprint DTLS-SRTP, neither of them but a hash of a Hello is ZRTP alone. Both is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.keying.dtls.agreed import Agreed as DtlsAgreed
from offhook.protocols.keying.dtls.setup import offerer_role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes import SkippedCrypto, parse_crypto
from offhook.protocols.keying.srtp_keys import CryptoLine, SrtpKeys
from offhook.protocols.sdp.errors import Unacceptable
from offhook.protocols.sdp.said import (
    DTLS_PROFILES,
    PROFILES,
    Said,
    bad_setup,
    check_hash_echo,
    read_dtls,
)
from offhook.protocols.sdp.taking import announced, check_trust

if TYPE_CHECKING:
    from offhook.protocols.keying.zrtp.hello_hash import HelloHash
    from offhook.protocols.sdp.policy import MediaPolicy
    from offhook.protocols.sdp.terms import Agreement, LocalMedia

_NAMES: Final = {Keying.SDES: "SDES keys", Keying.DTLS: "DTLS-SRTP"}


@dataclass(frozen=True, slots=True)
class Settled:
    """One keying: SDES, else DTLS-SRTP, else ZRTP alone."""

    keys: SrtpKeys | None
    dtls: DtlsAgreed | None
    zrtp_hashes: tuple[HelloHash, ...]


@dataclass(frozen=True, slots=True)
class Settler:
    """Our offer, and what it stood on."""

    ours: Said
    local: LocalMedia
    policy: MediaPolicy
    before: Agreement | None

    def settle(self, theirs: Said, profile: str, *, moved: bool) -> Settled:
        """What that answer settles on; `moved`: of a peer that receives elsewhere than before.

        Raises Unacceptable.
        """
        keying = self._keying(theirs, profile)
        hashes = announced(theirs, self.policy, self.before)
        keys = self._keys(theirs) if keying is Keying.SDES else None
        dtls = self._dtls(theirs, moved=moved) if keying is Keying.DTLS else None
        if profile not in PROFILES:
            raise Unacceptable("profile", "The answer names a transport that was not offered.")
        check_hash_echo(hashes, self.local.zrtp_hash)
        check_trust(self.policy, self.before, keying, theirs, hashes)
        return Settled(keys, dtls, hashes)

    def _keying(self, theirs: Said, profile: str) -> Keying:
        named = [keying for keying in _NAMES if keying in theirs.methods]
        names = [_NAMES[keying] for keying in named]
        if theirs.foreign:
            names.append(theirs.foreign)
        if len(names) > 1:
            raise Unacceptable("two-methods", f"The answer has both {' and '.join(names)}.")
        if named and named[0] in self.ours.methods:
            return named[0]
        if names:
            raise Unacceptable(
                "keying-not-offered", f"The answer has {names[0]}, which was not offered."
            )
        if self.ours.zrtp_hashes and theirs.zrtp_hashes and profile not in DTLS_PROFILES:
            return Keying.ZRTP
        raise Unacceptable("no-keys", "The answer has no keys: the call would not be encrypted.")

    def _keys(self, theirs: Said) -> SrtpKeys:
        if self.policy.sdes is None:
            raise LocalError("an offer was made with keys that the policy does not have")
        lines = self.policy.sdes.read(theirs.crypto)
        if len(lines) > 1:
            raise Unacceptable(
                "several-crypto", f"The answer has {len(lines)} crypto lines, not one."
            )
        line = lines[0]
        if isinstance(line, SkippedCrypto):
            raise Unacceptable(f"crypto-{line.rule}", f"The answer's crypto line {line.reason}.")
        return SrtpKeys(self._send_keys(line), line)

    def _send_keys(self, theirs: CryptoLine) -> CryptoLine:
        offered = [parse_crypto(value, short_tags=True) for value in self.ours.crypto]
        own = [line for line in offered if isinstance(line, CryptoLine)]
        if any(theirs.master == line.master for line in (*own, *self.local.crypto)):
            raise Unacceptable("key-echoed", "The answer sends our own key back.")
        line = next((line for line in own if line.tag == theirs.tag), None)
        if line is None:
            raise Unacceptable(
                "crypto-tag", f"The answer's crypto tag {theirs.tag} was not offered."
            )
        if line.suite != theirs.suite:
            raise Unacceptable(
                "crypto-suite",
                f"The answer has {theirs.suite.name} under tag {theirs.tag}, "
                f"where {line.suite.name} was offered.",
            )
        return line

    def _dtls(self, theirs: Said, *, moved: bool) -> DtlsAgreed:
        offered, answered = read_dtls(self.ours), read_dtls(theirs)
        if set(offered.fingerprints) & set(answered.fingerprints):
            raise Unacceptable("key-echoed", "The answer sends our own fingerprint back.")
        before = None if self.before is None else self.before.dtls
        try:
            role = offerer_role(
                offered.setup, answered.setup, None if before is None else before.role
            )
        except PeerError as fault:
            raise bad_setup(fault) from None
        return DtlsAgreed(role, answered.fingerprints, answered.tls_id, moved=moved)
