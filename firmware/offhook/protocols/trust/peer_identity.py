"""Whether a verified chain speaks for a SIP domain (RFC 5922 §7.3, RFC 5280 §6.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from offhook.base.vocabulary import PeerVerdict
from offhook.protocols.trust.certificate import UNREADABLE, read_certificate
from offhook.protocols.trust.chain_checks import check_chain, read_chain
from offhook.protocols.trust.refusal import ChainRefused
from offhook.protocols.trust.revocation import RevocationList, check_revocation, read_crls
from offhook.protocols.trust.sip_names import canonical_service_name, match_service

Judge = Callable[[tuple[bytes, ...], str, float], PeerVerdict]
"""`(DER chain, leaf first and root last; service name; wall time) -> PeerVerdict`."""


@dataclass(frozen=True, slots=True)
class PeerPolicy:
    """What a trunk's profile may ask for beyond the fixed rules."""

    wildcard_allowed: bool = False
    """Let `*.example.com` in a DNS name stand for one left-most label, against RFC 5922 §7.2."""
    crls: tuple[bytes, ...] = ()
    """Revocation lists in DER, full and direct ones."""
    crl_required: bool = False
    """Refuse every certificate below the root that no current list covers."""


def make_judge(policy: PeerPolicy) -> Judge:
    """A judge under `policy`. CRLs that can't be read make it refuse every chain, saying so."""
    try:
        crls = read_crls(policy.crls)
    except ChainRefused as refusal:
        verdict = PeerVerdict(accepted=False, rule=refusal.rule, name="", detail=refusal.detail)
        return lambda _chain, _name, _time: verdict

    def judge_under_policy(
        chain: tuple[bytes, ...], service_name: str, wall_time: float
    ) -> PeerVerdict:
        return _judge(chain, service_name, wall_time, policy, crls)

    return judge_under_policy


def judge(
    chain: tuple[bytes, ...],
    service_name: str,
    wall_time: float,
    policy: PeerPolicy = PeerPolicy(),
) -> PeerVerdict:
    """Judge one chain (DER, leaf first, root last) for `service_name` at `wall_time` (Unix s).

    That the root is an anchor of ours is the caller's part; all else is checked, signatures
    included. Never raises: hostile octets give a refusal.
    """
    return make_judge(policy)(chain, service_name, wall_time)


def issued(chain: tuple[bytes, ...]) -> float:
    """When an accepted chain's leaf begins to be valid (Unix s): it can't be earlier now.

    A lower bound that the CA's signature proves, whoever sent it. Raises ChainRefused for octets
    that are no certificate.
    """
    return read_certificate(chain[0], "server").raw.not_valid_before_utc.timestamp()


def policy_id(policy: PeerPolicy, anchors: Iterable[bytes]) -> str:
    """A digest over policy and anchors: what was judged under another one is judged anew."""
    digest = hashlib.sha256(
        f"{policy.wildcard_allowed} {policy.crl_required} {len(policy.crls)}".encode()
    )
    for octets in (*policy.crls, *sorted(anchors)):
        digest.update(hashlib.sha256(octets).digest())
    return digest.hexdigest()


def _judge(
    ders: tuple[bytes, ...],
    service_name: str,
    wall_time: float,
    policy: PeerPolicy,
    crls: tuple[RevocationList, ...],
) -> PeerVerdict:
    try:
        service = canonical_service_name(service_name)
        chain = read_chain(ders)
        check_chain(chain, wall_time)
        rule, name = match_service(
            chain[0].alternative_names, service, wildcard_allowed=policy.wildcard_allowed
        )
        check_revocation(chain, crls, wall_time, required=policy.crl_required)
    except ChainRefused as refusal:
        return PeerVerdict(accepted=False, rule=refusal.rule, name="", detail=refusal.detail)
    except UNREADABLE as error:  # cryptography reads some fields only when they are asked for
        return PeerVerdict(
            accepted=False,
            rule="malformed",
            name="",
            detail=f"a certificate in the chain can't be read: {error}",
        )
    return PeerVerdict(
        accepted=True,
        rule=rule,
        name=name,
        detail=f"the {chain[0].title} speaks for {service!r} by {rule}",
    )
