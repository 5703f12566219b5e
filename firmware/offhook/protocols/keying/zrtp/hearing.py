"""The checks of what the peer says, the cheap ones first (RFC 6189 §4.2, §4.4.1, §8.1.1, §9).

Each function takes one message into the dialogue, or raises Discarded (it is not used) or Refused
(the exchange ends), and then has changed nothing that counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.agreement import check_public
from offhook.protocols.keying.zrtp.algorithms import KeyAgreement, accept
from offhook.protocols.keying.zrtp.chain import PeerChain
from offhook.protocols.keying.zrtp.confirm import opened_confirm
from offhook.protocols.keying.zrtp.derivation import digest, same
from offhook.protocols.keying.zrtp.dialogue import Dialogue
from offhook.protocols.keying.zrtp.hello_hash import HelloHash
from offhook.protocols.keying.zrtp.messages import VERSION, Commit, Confirm, DhPart, Hello
from offhook.protocols.keying.zrtp.refusals import Discarded, ErrorCode, Refused

MOST_BAD_CONFIRMS: Final = 3
"""So many that are not authentic end the exchange: stray ones don't, an altered exchange does."""


def check_announced(octets: bytes, announced: Sequence[HelloHash]) -> bool:
    """Whether signalling named that Hello; Discarded where it named another (§8.1)."""
    usable = [each for each in announced if each.usable]
    if usable and not any(each.names(octets) for each in usable):
        raise Discarded("the Hello is not the one that signalling announced")
    return bool(usable)


def check_hello(
    dialogue: Dialogue, hello: Hello, octets: bytes, source: int, own_source: int
) -> None:
    """The first Hello of a peer, already compared with what signalling announced."""
    if octets == dialogue.hello:
        raise Discarded("our own Hello came back")
    version = hello.version[:3]
    if version > VERSION[:3]:
        raise Discarded(f"the peer speaks version {hello.version} of ZRTP, we {VERSION}")
    if version < VERSION[:3]:
        raise Refused(ErrorCode.VERSION, f"the peer speaks version {hello.version} of ZRTP")
    if hello.zid == dialogue.session.zid:
        raise Refused(ErrorCode.EQUAL_ZID, "the peer has the same ZID as this phone")
    if source == own_source:
        raise Refused(ErrorCode.SSRC_COLLISION, "the peer has the same SSRC as this stream")
    agreed = dialogue.session.agreed
    if agreed is not None and hello.zid != agreed.peer_zid:
        raise Discarded("the Hello is of another than the call's first stream has agreed with")


def hear_commit(dialogue: Dialogue, commit: Commit, octets: bytes) -> bool:
    """Whether the peer's Commit counts; False where ours does, by the tie-break of §4.2."""
    chain = _chain(dialogue)
    if not chain.fits(2, commit.h2):
        raise Discarded("a Commit does not fit the peer's hash chain")
    if commit.zid != dialogue.met.hello.zid:
        raise Refused(ErrorCode.HELLO_MISMATCH, "the Commit has another ZID than the Hello")
    if not chain.learn(2, commit.h2):
        raise Refused(ErrorCode.HELLO_MISMATCH, "the peer's Hello was altered on its way")
    if commit.key_id:
        raise Refused(ErrorCode.NO_SECRET, "the peer wants to do without a key agreement")
    chosen = accept(dialogue.session.settings.algorithms, commit.codes)
    further = chosen.agreement is KeyAgreement.MULTISTREAM
    if further and not dialogue.further:
        raise Refused(ErrorCode.NO_SECRET, "the peer wants keys of a call that has none")
    if dialogue.further and not further:
        raise Refused(ErrorCode.AGREEMENT, "the peer wants a second key agreement in one call")
    if commit.commitment < dialogue.commitment:
        return False
    if further and not dialogue.session.is_new(commit.commitment):
        raise Refused(ErrorCode.NONCE_REUSE, "the peer used a nonce twice")
    chain.keep(1, octets)
    dialogue.respond(chosen, octets)
    return True


def hear_part1(dialogue: Dialogue, part: DhPart, octets: bytes) -> None:
    """The responder's public value."""
    _hear_part(dialogue, part, octets)
    dialogue.part1 = octets
    dialogue.agree(part)


def hear_part2(dialogue: Dialogue, part: DhPart, octets: bytes) -> None:
    """The initiator's public value, which its Commit has committed to."""
    _hear_part(dialogue, part, octets)
    dialogue.part2 = octets
    dialogue.agree(part)


def _hear_part(dialogue: Dialogue, part: DhPart, octets: bytes) -> None:
    chain = _chain(dialogue)
    if not chain.fits(1, part.h1):
        raise Discarded(f"a DHPart{part.part} does not fit the peer's hash chain")
    check_public(dialogue.chosen.agreement, part.public)
    if part.part == 2:
        expected = digest(dialogue.chosen.hash, octets, dialogue.hello)[:32]
        if not same(expected, _commitment(dialogue.commit)):
            raise Refused(
                ErrorCode.COMMITMENT, "the peer's public value is not the one it committed to"
            )
    if not chain.learn(1, part.h1):
        raise Refused(ErrorCode.HELLO_MISMATCH, "the peer's Hello or Commit was altered on its way")
    chain.keep(0, octets)


def hear_confirm(dialogue: Dialogue, confirm: Confirm) -> None:
    """The peer's proof that it has the keys."""
    chosen, peer = dialogue.chosen, dialogue.keys.of(dialogue.own_role.other)
    inside = opened_confirm(chosen.hash, peer, confirm)
    if inside is None:
        dialogue.bad_confirms += 1
        reason = f"a Confirm{confirm.number} is not authentic"
        if dialogue.bad_confirms < MOST_BAD_CONFIRMS:
            raise Discarded(reason)
        raise Refused(ErrorCode.CONFIRM_MAC, reason)
    chain = _chain(dialogue)
    if not chain.fits(0, inside.h0):
        raise Refused(ErrorCode.MALFORMED, "the Confirm does not fit the peer's hash chain")
    if not chain.learn(0, inside.h0):
        raise Refused(
            ErrorCode.HELLO_MISMATCH, "a message before the Confirm was altered on its way"
        )
    dialogue.confirmed = inside


def _chain(dialogue: Dialogue) -> PeerChain:
    if dialogue.peer_chain is None:
        raise LocalError("no Hello was heard")
    return dialogue.peer_chain


def _commitment(commit: bytes) -> bytes:
    return commit[-40:-8]
