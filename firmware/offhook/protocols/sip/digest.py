"""Digest credentials for our own requests, and for nothing else (RFC 7616, RFC 8760, RFC 3261 §22).

Whoever can make a phone answer a challenge of his own gets a digest to crack at leisure. So
credentials go out only on the account's verified flow, for its one realm, in answer to a request
that we sent: a REGISTER, a request outside a dialog once the flow is registered, or a request in a
dialog that began with credentials of ours. A dialog that the peer began is never worth them.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import Randomness, token
from offhook.protocols.sip.auth_values import parse_auth_info
from offhook.protocols.sip.digest_challenge import (
    DigestChallenge,
    DigestRefused,
    choose_challenge,
    fit_to_echo,
)
from offhook.protocols.sip.digest_hash import HASHES
from offhook.protocols.sip.values import CSeq

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offhook.base.secret import Secret
    from offhook.protocols.sip.message import Request, Response

__all__ = ["DigestClient", "DigestRefused", "FlowStanding"]

MOST_CHALLENGES: Final = 2
MOST_HELD: Final = 64
NEVER_CHALLENGED: Final = frozenset({"ACK", "CANCEL"})

_K = TypeVar("_K")
_V = TypeVar("_V")


class FlowStanding(enum.Enum):
    """What the account's flow is worth for credentials."""

    NONE = "there is no verified flow"
    VERIFIED = "the flow is verified but not registered"
    REGISTERED = "the flow is registered"


@dataclass(slots=True)
class _Session:
    """An authentication session (RFC 7616 §3.6): one challenge and how often it was answered."""

    challenge: DigestChallenge
    cnonce: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Chain:
    """What one request has cost so far; `nonce` is the one that its credentials were made with."""

    challenges: int
    nonce: str


class DigestClient:
    """The credentials of one account and the rules for giving them.

    `realm` is the account's; None pins the realm of the first challenge to our own REGISTER, for
    the life of this object. `algorithms` are IANA's names ("SHA-512-256", "SHA-256", "MD5"); each
    allows its session variant too. `registers` is False for an account that never registers: its
    verified flow counts as registered, and its realm has to be given.
    """

    def __init__(
        self,
        username: str,
        password: Secret,
        realm: str | None,
        algorithms: Sequence[str] = ("SHA-256",),
        *,
        randomness: Randomness,
        registers: bool = True,
    ) -> None:
        unknown = [name for name in algorithms if name not in HASHES]
        if unknown or not algorithms:
            raise LocalError(f"digest algorithms are {', '.join(HASHES)}, not {unknown}")
        self.challenged_by_register = False
        self._username = username
        self._password = password
        self._realm = realm
        self._algorithms = tuple(algorithms)
        self._randomness = randomness
        self._registers = registers
        self._standing = FlowStanding.NONE
        self._sessions: dict[tuple[str, str], _Session] = {}
        self._chains: OrderedDict[tuple[str, str, int], _Chain] = OrderedDict()
        self._own_dialogs: OrderedDict[tuple[str, str], None] = OrderedDict()

    @property
    def realm(self) -> str | None:
        """The realm given or pinned, None until there is one."""
        return self._realm

    @property
    def standing(self) -> FlowStanding:
        """What the account's flow is worth now."""
        return self._standing

    def flow_opened(self) -> None:
        """A new flow is up and its peer verified: nothing of an older flow's nonces is kept."""
        self.flow_lost()
        self._standing = FlowStanding.VERIFIED if self._registers else FlowStanding.REGISTERED

    def flow_registered(self, *, registered: bool = True) -> None:
        """The registrar accepted (or dropped) our binding on the flow that is open."""
        if self._standing is not FlowStanding.NONE and self._registers:
            self._standing = FlowStanding.REGISTERED if registered else FlowStanding.VERIFIED

    def flow_lost(self) -> None:
        """The flow is gone: no credentials until another one is verified."""
        self._standing = FlowStanding.NONE
        self._sessions.clear()
        self._chains.clear()

    def authorize(
        self, request: Request, response: Response, *, cseq: int | None = None
    ) -> Request | DigestRefused:
        """`request` once more with credentials, if this 401 or 407 deserves them.

        `request` is the very one that `response` answers. The copy has `cseq` (by default one more
        than before) and no Via: the endpoint adds a fresh one. Credentials that were refused are
        not sent again; a `stale` nonce is replaced once.
        """
        try:
            return self._authorize(request, response, cseq)
        except PeerError as error:
            return DigestRefused(f"the challenge can't be read: {error.reason}", "malformed")

    def take_up(self, call_id: str, from_tag: str) -> None:
        """Count a dialog as begun with credentials of ours: by an earlier run of this account."""
        _hold(self._own_dialogs, (call_id, from_tag), None)

    def preempt(self, request: Request) -> Request:
        """`request` with credentials made of a nonce that this flow has already given us.

        Only a REGISTER, or a request outside a dialog whose method was challenged before, gets
        them; every other request comes back as it is. The CSeq stays.
        """
        if request.to.tag is not None:
            return request
        needed = FlowStanding.VERIFIED if request.method == "REGISTER" else FlowStanding.REGISTERED
        if self._standing is not FlowStanding.REGISTERED and self._standing is not needed:
            return request
        for header in ("Authorization", "Proxy-Authorization"):
            session = self._sessions.get((request.method, header))
            if session is not None:
                request = self._with_credentials(request, header, session, 0)
        return request

    def answered(self, request: Request, response: Response) -> None:
        """Take the next nonce out of the answer to a request with credentials (RFC 7616 §3.5)."""
        if not 200 <= response.status < 300 or not _answers(response, request):
            return
        for header, info in (
            ("Authorization", "Authentication-Info"),
            ("Proxy-Authorization", "Proxy-Authentication-Info"),
        ):
            session = self._sessions.get((request.method, header))
            value = response.headers.get(info)
            if session is None or value is None:
                continue
            try:
                nonce = parse_auth_info(value).get("nextnonce", "")
            except PeerError:
                continue
            if session.challenge.per_session or not fit_to_echo(nonce):
                del self._sessions[request.method, header]
            elif nonce and nonce != session.challenge.nonce:
                session.challenge = replace(session.challenge, nonce=nonce)
                session.count = 0

    def _authorize(
        self, request: Request, response: Response, cseq: int | None
    ) -> Request | DigestRefused:
        refused = self._undue(request, response)
        if refused is not None:
            return refused
        header = "Authorization" if response.status == 401 else "Proxy-Authorization"
        key = (request.call_id, request.method, request.cseq.number)
        chain = self._chains.get(key)
        if chain is None and (
            "Authorization" in request.headers or "Proxy-Authorization" in request.headers
        ):
            return DigestRefused("the request's credentials are not of our making", "loop")
        registers = request.method == "REGISTER"
        if self._realm is None and not registers:
            return DigestRefused("no realm is set and no REGISTER of ours has met one", "realm")
        chosen = choose_challenge(response, self._realm, self._algorithms)
        if isinstance(chosen, DigestRefused):
            return chosen
        if chain is not None:
            if chain.challenges >= MOST_CHALLENGES:
                return DigestRefused("the server challenges without end", "loop")
            if not chosen.stale and (chain.challenges or chain.nonce == chosen.nonce):
                return DigestRefused("the server refuses the user name or the password", "rejected")
        self._chains.pop(key, None)
        if registers:
            self._realm = chosen.realm
            self.challenged_by_register = True
        session = _Session(chosen, token(self._randomness, 16))
        self._sessions[request.method, header] = session
        number = request.cseq.number + 1 if cseq is None else cseq
        again = replace(request, headers=request.headers.copy())
        again.headers.remove("Via")
        again.headers.set("CSeq", str(CSeq(number, request.method)))
        challenges = (chain.challenges if chain else 0) + 1
        return self._with_credentials(again, header, session, challenges)

    def _undue(self, request: Request, response: Response) -> DigestRefused | None:
        """The rule that forbids credentials whatever the challenge says, or None."""
        if response.status not in (401, 407):
            return DigestRefused(f"a {response.status} is no challenge", "status")
        if request.method in NEVER_CHALLENGED:
            return DigestRefused(f"an {request.method} can't be challenged", "method")
        if not _answers(response, request):
            return DigestRefused("the challenge answers no request of ours", "not-ours")
        if self._standing is FlowStanding.NONE or (
            self._standing is FlowStanding.VERIFIED and request.method != "REGISTER"
        ):
            return DigestRefused(self._standing.value, "flow")
        dialog = (request.call_id, request.from_.tag or "")
        if request.to.tag is not None and dialog not in self._own_dialogs:
            return DigestRefused("the dialog did not begin with credentials of ours", "dialog")
        return None

    def _with_credentials(
        self, request: Request, header: str, session: _Session, challenges: int
    ) -> Request:
        again = replace(request, headers=request.headers.copy())
        if session.count and not session.challenge.per_session:
            session.cnonce = token(self._randomness, 16)
        session.count += 1
        again.headers.set(
            header,
            str(
                session.challenge.credentials(
                    again, self._username, self._password, session.cnonce, session.count
                )
            ),
        )
        key = (again.call_id, again.method, again.cseq.number)
        _hold(self._chains, key, _Chain(challenges, session.challenge.nonce))
        if again.to.tag is None:
            _hold(self._own_dialogs, (again.call_id, again.from_.tag or ""), None)
        return again


def _answers(response: Response, request: Request) -> bool:
    """Whether Call-ID, CSeq, From tag and (where known) branch say that they belong together."""
    sent = request.vias
    return (
        response.call_id == request.call_id
        and response.cseq == request.cseq
        and response.from_.tag == request.from_.tag
        and (not sent or [via.branch for via in response.vias[:1]] == [sent[0].branch])
    )


def _hold(table: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > MOST_HELD:
        table.popitem(last=False)
