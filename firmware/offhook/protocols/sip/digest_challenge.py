"""Which challenge of a 401 or 407 is answered, and how (RFC 7616 §3.3-§3.4, RFC 8760 §2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.auth_values import Credentials, parse_challenges
from offhook.protocols.sip.digest_hash import (
    HASHES,
    SESSION,
    DigestInput,
    algorithm_base,
    request_digest,
)
from offhook.protocols.sip.grammar import is_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from offhook.base.secret import Secret
    from offhook.protocols.sip.message import Request, Response

LONGEST: Final = 1024
"""Octets of a realm, nonce or opaque that we are willing to hold and to send back."""


@dataclass(frozen=True, slots=True)
class DigestRefused:
    """Why no credentials were given: a sentence for a person, and a short name for programs.

    `rule` is one of "status", "method", "not-ours", "flow", "dialog", "malformed", "realm",
    "algorithm", "qop", "rejected" (the credentials themselves) and "loop".
    """

    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class DigestChallenge:
    """One usable Digest challenge. `algorithm` as sent, None for none (MD5 by default)."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str | None
    qop: str | None
    stale: bool

    @property
    def base(self) -> str:
        """The hash's registered name."""
        return algorithm_base(self.algorithm or "MD5")

    @property
    def per_session(self) -> bool:
        """Whether this is the session variant (RFC 7616 §3.4.2)."""
        return (self.algorithm or "").upper().endswith(SESSION)

    def credentials(
        self, request: Request, username: str, password: Secret, cnonce: str, count: int
    ) -> Credentials:
        """The answer to this challenge for `request`; `count` is how often the nonce was used."""
        uri = str(request.uri)
        values = DigestInput(
            algorithm=self.algorithm or "MD5",
            username=username,
            realm=self.realm,
            nonce=self.nonce,
            method=request.method,
            uri=uri,
            qop=self.qop,
            cnonce=cnonce,
            nc=f"{count:08x}",
            body=request.body,
        )
        parameters = {
            "username": username,
            "realm": self.realm,
            "nonce": self.nonce,
            "uri": uri,
            "response": request_digest(values, password),
        }
        if self.algorithm is not None:
            parameters["algorithm"] = self.algorithm
        if self.qop is not None:
            parameters |= {"cnonce": cnonce, "qop": self.qop, "nc": values.nc}
        if self.opaque is not None:
            parameters["opaque"] = self.opaque
        return Credentials("Digest", parameters)


def choose_challenge(
    response: Response, realm: str | None, algorithms: Sequence[str]
) -> DigestChallenge | DigestRefused:
    """The challenge with the best of `algorithms`, of `realm` alone unless that is None.

    A 401's WWW-Authenticate and a 407's Proxy-Authenticate are looked at, nothing else. Values
    that can't be parsed and schemes that aren't Digest are passed over (RFC 8760 §2.4).
    """
    name = "Proxy-Authenticate" if response.status == 407 else "WWW-Authenticate"
    offered = list(_digest_parameters(response.headers.all(name)))
    if not offered:
        return DigestRefused(f"the {response.status} holds no Digest challenge", "malformed")
    ours = [each for each in offered if realm is None or each["realm"] == realm]
    if not ours:
        names = ", ".join(sorted({repr(each["realm"][:64]) for each in offered}))
        return DigestRefused(
            f"the challenge is for the realm {names}, this account's is {realm!r}", "realm"
        )
    known = [each for each in ours if algorithm_base(each.get("algorithm", "MD5")) in algorithms]
    if not known:
        return _no_algorithm(ours, algorithms)
    with_qop = [found for each in known if (found := _challenge(each)) is not None]
    if not with_qop:
        return DigestRefused("the challenge asks for a qop other than auth and auth-int", "qop")
    strength = list(HASHES)
    return min(with_qop, key=lambda found: strength.index(found.base))


def _digest_parameters(values: Iterable[str]) -> Iterable[dict[str, str]]:
    for value in values:
        try:
            challenges = parse_challenges(value)
        except PeerError:
            continue
        for challenge in challenges:
            held = challenge.parameters
            if (
                challenge.scheme.lower() == "digest"
                and "realm" in held
                and held.get("nonce")
                and all(fit_to_echo(held.get(key, "")) for key in ("realm", "nonce", "opaque"))
            ):
                yield held


def fit_to_echo(value: str) -> bool:
    """Whether we can hold this value of the peer's and put it into a header field of our own."""
    return len(value) <= LONGEST and value.isprintable()


def _challenge(parameters: dict[str, str]) -> DigestChallenge | None:
    algorithm = parameters.get("algorithm")
    offered = parameters.get("qop")
    qop: str | None
    if offered is None:
        # RFC 8760 §2.6 makes "auth" the default; servers of RFC 2069's time know MD5 alone and
        # reckon without it.
        qop = None if (algorithm or "MD5").upper() == "MD5" else "auth"
    else:
        tokens = [token.strip().lower() for token in offered.split(",")]
        # auth first: a session border controller that rewrites SDP breaks auth-int.
        qop = next((known for known in ("auth", "auth-int") if known in tokens), None)
        if qop is None:
            return None
    return DigestChallenge(
        realm=parameters["realm"],
        nonce=parameters["nonce"],
        opaque=parameters.get("opaque"),
        algorithm=algorithm,
        qop=qop,
        stale=parameters.get("stale", "").lower() == "true",
    )


def _no_algorithm(offered: list[dict[str, str]], allowed: Sequence[str]) -> DigestRefused:
    names = [each.get("algorithm", "MD5") for each in offered]
    shown = dict.fromkeys(name if is_token(name) else "?" for name in names)
    reason = (
        f"the server offers digest with {', '.join(shown)[:80]}"
        f", this account allows {', '.join(allowed)}"
    )
    bases = {algorithm_base(name) for name in names}
    missing = [name for name in HASHES if name in bases]
    if missing:
        wanted = ", ".join(f'"{name}"' for name in [*allowed, missing[0]])
        reason += f"; to allow it, set digest = [{wanted}] in the trunk profile (trunk.digest)"
    if missing and missing[0] == "MD5":
        reason += ", knowing that an MD5 digest is soon cracked by whoever sees it"
    return DigestRefused(reason, "algorithm")
