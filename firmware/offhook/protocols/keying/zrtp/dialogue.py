"""What both sides have said on one stream, and what we say next (RFC 6189 §4.2, §4.4, §5).

`hearing` takes the peer's messages into it; the table in `states` says when which is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.agreement import KeyPair
from offhook.protocols.keying.zrtp.algorithms import Chosen, KeyAgreement, choose
from offhook.protocols.keying.zrtp.chain import HashChain, PeerChain, sealed
from offhook.protocols.keying.zrtp.confirm import sealed_confirm
from offhook.protocols.keying.zrtp.derivation import digest
from offhook.protocols.keying.zrtp.exchange import (
    Parties,
    StreamKeys,
    keys_of_meeting,
    keys_of_stream,
)
from offhook.protocols.keying.zrtp.messages import (
    Commit,
    Confirmation,
    DhPart,
    Hello,
    SecretIds,
)
from offhook.protocols.keying.zrtp.refusals import ErrorCode, Refused
from offhook.protocols.keying.zrtp.retained import (
    FOR_EVER,
    Continuity,
    Keepsakes,
    Remembered,
    Role,
    Shared,
)
from offhook.protocols.keying.zrtp.session import ZrtpSession
from offhook.protocols.keying.zrtp.writing import serialise


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, by the Hello that was taken."""

    hello: Hello
    octets: bytes
    source: int


class Dialogue:
    """The messages and secrets of one stream's exchange. Everything in it was checked."""

    def __init__(self, session: ZrtpSession) -> None:
        self.session = session
        self.chain = HashChain(session.randomness)
        self.further = session.begin()
        """Whether this stream gets its keys out of the call's first one."""
        settings = session.settings
        hello = Hello(
            self.chain.h3, session.zid, settings.algorithms.offered(), client=settings.client
        )
        self.hello = sealed(serialise(hello), self.chain.h2)
        self.keepsakes = Keepsakes(Remembered(), settings.aux)
        self.peer: Peer | None = None
        self.peer_chain: PeerChain | None = None
        self.role: Role | None = None
        self.commit = b""
        self.commitment = b""
        self.part1 = b""
        self.part2 = b""
        self.confirmed: Confirmation | None = None
        self.bad_confirms = 0
        self.shared: Shared | None = None
        self._chosen: Chosen | None = None
        self._pair: KeyPair | None = None
        self._keys: StreamKeys | None = None

    def meet(self, peer: Peer) -> None:
        """Take the peer's Hello."""
        self.peer = peer
        self.peer_chain = PeerChain(peer.hello.h3, peer.octets)

    @property
    def met(self) -> Peer:
        """The peer."""
        if self.peer is None:
            raise LocalError("no Hello was heard")
        return self.peer

    @property
    def chosen(self) -> Chosen:
        """What the Commit that counts has chosen."""
        if self._chosen is None:
            raise LocalError("nothing is chosen yet")
        return self._chosen

    @property
    def keys(self) -> StreamKeys:
        """The keys that were made."""
        if self._keys is None:
            raise LocalError("there are no keys")
        return self._keys

    @property
    def own_role(self) -> Role:
        """Ours."""
        if self.role is None:
            raise LocalError("nobody has committed")
        return self.role

    def say_commit(self) -> bytes:
        """Our Commit. Refused where nothing is in common."""
        met = self.met
        self.role = Role.INITIATOR
        if self.further:
            self._chosen = self._further_choice()
            self.commitment = self.session.nonce()
        else:
            self._chosen = choose(self.session.settings.algorithms, met.hello.offered)
            self._pair = self.session.make_key(self._chosen.agreement)
            self.part2 = self._say_part(2, self._pair)
            self.commitment = digest(self._chosen.hash, self.part2, met.octets)[:32]
        chosen = self._chosen
        codes = (
            chosen.hash.value,
            chosen.cipher.value,
            chosen.auth_tag.value,
            chosen.agreement.value,
            chosen.sas.value,
        )
        commit = Commit(self.chain.h2, self.session.zid, codes, self.commitment)
        self.commit = sealed(serialise(commit), self.chain.h1)
        if self.further:
            self._further_keys(met.octets)
        return self.commit

    def respond(self, chosen: Chosen, octets: bytes) -> None:
        """The peer's Commit is the one that counts; ours, if there was one, is discarded."""
        self.role = Role.RESPONDER
        self.commit = octets
        self.commitment = self.part2 = b""
        self._chosen = chosen
        if self._pair is not None and self._pair.agreement is not chosen.agreement:
            self._pair = None
        if self.further:
            self._further_keys(self.hello)

    def say_part1(self) -> bytes:
        """Our public value, as the responder."""
        if self._pair is None:
            self._pair = self.session.make_key(self.chosen.agreement)
        self.part1 = self._say_part(1, self._pair)
        return self.part1

    def agree(self, part: DhPart) -> None:
        """Make the keys with the peer's public value. Refused where that is unsound."""
        pair, self._pair = self._pair, None
        if pair is None:
            raise LocalError("there is no key pair")
        peer, chosen = self.met, self.chosen
        initiator = self.own_role is Role.INITIATOR
        result = pair.agree(part.public)
        self.shared = self.keepsakes.compare(
            chosen.hash, self.own_role.other, peer.hello.h3, part.ids
        )
        hello = peer.octets if initiator else self.hello
        messages = (hello, self.commit, self.part1, self.part2)
        self._keys = keys_of_meeting(chosen, self._parties(), messages, result, self.shared)

    def say_confirm(self) -> bytes:
        """Our Confirm: 1 of the responder, 2 of the initiator."""
        keep_s = self.session.settings.keep_s
        inside = Confirmation(
            self.chain.h0,
            FOR_EVER if self.further else keep_s,
            verified=self.continued and self.keepsakes.remembered.verified and keep_s > 0,
        )
        number = 1 if self.own_role is Role.RESPONDER else 2
        confirm = sealed_confirm(
            number,
            self.chosen.hash,
            self.keys.of(self.own_role),
            inside,
            self.session.randomness,
        )
        return serialise(confirm)

    @property
    def continued(self) -> bool:
        """Whether a kept secret turned out to be shared."""
        return self.shared is not None and self.shared.continuity is Continuity.CONTINUED

    def erase(self) -> None:
        """The exchange failed: nothing of it is to be used."""
        self._pair = None
        self._keys = None
        self.keepsakes = Keepsakes(Remembered(), None)
        self.shared = None

    def _say_part(self, part: int, pair: KeyPair) -> bytes:
        ids: SecretIds = self.keepsakes.ids(
            self.chosen.hash, self.own_role, self.chain.h3, self.session.randomness
        )
        message = DhPart(part, self.chain.h1, ids, pair.public)
        return sealed(serialise(message), self.chain.h0)

    def _parties(self) -> Parties:
        own, peer = self.session.zid, self.met.hello.zid
        return Parties(own, peer) if self.own_role is Role.INITIATOR else Parties(peer, own)

    def _further_choice(self) -> Chosen:
        multistream = KeyAgreement.MULTISTREAM
        if multistream.value not in self.met.hello.offered.agreements:
            raise Refused(ErrorCode.AGREEMENT, "the peer can't key another stream")
        return replace(self.session.first().chosen, agreement=multistream)

    def _further_keys(self, hello: bytes) -> None:
        self._keys = keys_of_stream(
            self.chosen,
            self._parties(),
            (hello, self.commit),
            self.session.first().meeting.session,
        )
