"""The server's side of digest: challenges, and the check of answers (RFC 7616, RFC 8760)."""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import Randomness, token
from offhook.base.secret import Secret
from offhook.protocols.sip.auth_values import Challenge, parse_credentials
from offhook.protocols.sip.digest_hash import HASHES, DigestInput, algorithm_base, request_digest
from offhook.protocols.sip.uri import parse_uri, same_uri

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Request

NONCE_LIFETIME_S: Final = 300.0
MOST_NONCES: Final = 1024
NEEDED: Final = ("username", "realm", "nonce", "uri", "response", "qop", "cnonce", "nc")

Lookup: TypeAlias = Callable[[str], Secret | None]

_is_count = re.compile("[0-9a-f]{8}", re.ASCII | re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True)
class Verified:
    """The request carries good credentials of `username`, used for the first time."""

    username: str


@dataclass(frozen=True, slots=True)
class NotVerified:
    """Why not; `stale` where only the nonce is at fault, so that a new one will do."""

    reason: str
    stale: bool = False


@dataclass(slots=True)
class _Nonce:
    issued_at: float
    highest_count: int = 0


class DigestVerifier:
    """Challenges for one realm and checks the answers.

    `lookup` gives a user's password, None for no such user. `algorithms` are offered in their
    order, one header field each (RFC 8760 §2.3). The oldest of more than `most_nonces` nonces is
    forgotten, and its user challenged again.
    """

    def __init__(
        self,
        realm: str,
        lookup: Lookup,
        randomness: Randomness,
        algorithms: Sequence[str] = ("SHA-256",),
        *,
        qops: Sequence[str] = ("auth",),
        nonce_lifetime_s: float = NONCE_LIFETIME_S,
        most_nonces: int = MOST_NONCES,
    ) -> None:
        if not algorithms or any(algorithm_base(name) not in HASHES for name in algorithms):
            raise LocalError(f"digest algorithms are {', '.join(HASHES)}, not {algorithms}")
        self._realm = realm
        self._lookup = lookup
        self._randomness = randomness
        self._algorithms = tuple(algorithms)
        self._qops = tuple(qops)
        self._nonce_lifetime_s = nonce_lifetime_s
        self._most_nonces = most_nonces
        self._opaque = token(randomness, 16)
        self._nobody = Secret(randomness.octets(16))
        self._nonces: OrderedDict[str, _Nonce] = OrderedDict()

    def challenges(self, now: float, *, stale: bool = False) -> list[str]:
        """A WWW-Authenticate or Proxy-Authenticate value for each algorithm, with one new nonce."""
        nonce = token(self._randomness, 16)
        self._nonces[nonce] = _Nonce(now)
        while len(self._nonces) > self._most_nonces:
            self._nonces.popitem(last=False)
        parameters = {
            "realm": self._realm,
            "nonce": nonce,
            "opaque": self._opaque,
            "qop": ", ".join(self._qops),
        }
        if stale:
            parameters["stale"] = "true"
        return [
            str(Challenge("Digest", {**parameters, "algorithm": algorithm}))
            for algorithm in self._algorithms
        ]

    def challenge(self, now: float, *, stale: bool = False) -> str:
        """The first of `challenges`, for a server that offers one algorithm."""
        return self.challenges(now, stale=stale)[0]

    def verify(
        self, request: Request, now: float, *, proxy: bool = False
    ) -> Verified | NotVerified:
        """Check the request's Authorization (a proxy's its Proxy-Authorization) for this realm.

        Credentials for other realms are passed over; with none for ours the answer is NotVerified.
        """
        header = "Proxy-Authorization" if proxy else "Authorization"
        try:
            held = self._own_credentials(request.headers.all(header))
            if held is None:
                return NotVerified("there are no credentials for this realm")
            if not same_uri(parse_uri(held["uri"]), request.uri):
                return NotVerified("the credentials are for another Request-URI")
        except PeerError as error:
            return NotVerified(f"the credentials can't be read: {error.reason}")
        fault = self._fault(held)
        if fault is not None:
            return NotVerified(fault)
        if not self._proves(held, request):
            return NotVerified("the user name or the password is wrong")
        return self._use(held, now)

    def _own_credentials(self, values: Sequence[str]) -> dict[str, str] | None:
        for value in values:
            credentials = parse_credentials(value)
            held = credentials.parameters
            if credentials.scheme.lower() == "digest" and held.get("realm") == self._realm:
                missing = [name for name in NEEDED if name not in held]
                if missing:
                    raise PeerError(f"{', '.join(missing)} missing", 400)
                return held
        return None

    def _fault(self, held: dict[str, str]) -> str | None:
        if held.get("algorithm", "MD5").upper() not in map(str.upper, self._algorithms):
            return "the algorithm was not offered"
        if held["qop"] not in self._qops:
            return "the qop was not offered"
        if held.get("opaque") != self._opaque:
            return "the opaque is not ours"
        if not _is_count(held["nc"]):
            return "the nonce count is malformed"
        return None

    def _proves(self, held: dict[str, str], request: Request) -> bool:
        """Whether the response was made with the password; as long for a user who is not there."""
        password = self._lookup(held["username"])
        values = DigestInput(
            algorithm=held.get("algorithm", "MD5"),
            username=held["username"],
            realm=held["realm"],
            nonce=held["nonce"],
            method=request.method,
            uri=held["uri"],
            qop=held["qop"],
            cnonce=held["cnonce"],
            nc=held["nc"],
            body=request.body,
        )
        expected = request_digest(values, self._nobody if password is None else password)
        given = held["response"].encode("utf-8", "replace")
        return hmac.compare_digest(expected.encode(), given) and password is not None

    def _use(self, held: dict[str, str], now: float) -> Verified | NotVerified:
        nonce = self._nonces.get(held["nonce"])
        if nonce is None or now - nonce.issued_at > self._nonce_lifetime_s:
            return NotVerified("the nonce is unknown or too old", stale=True)
        count = int(held["nc"], 16)
        if count <= nonce.highest_count:
            return NotVerified("the nonce count was used before", stale=True)
        nonce.highest_count = count
        return Verified(held["username"])
