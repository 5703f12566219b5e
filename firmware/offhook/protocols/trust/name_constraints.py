"""Name constraints that a CA puts on the names below it (RFC 5280 §4.2.1.10).

DNS names, the hosts of `sip:` URIs, and URIs are judged here; for directory names, mail and IP
addresses the TLS library's own check stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from offhook.protocols.trust.certificate import Certificate
from offhook.protocols.trust.refusal import ChainRefused
from offhook.protocols.trust.sip_names import ascii_lower, sip_identities


def check_name_constraints(leaf: Certificate, issuers: Iterable[Certificate]) -> None:
    """Raise ChainRefused("name-constraints") where a name in `leaf` is outside what is granted.

    A DNS constraint holds for the host of a `sip:` URI as well: RFC 5280 alone would let a CA
    that is confined by DNS names speak for every SIP domain.
    """
    names = leaf.alternative_names or ()
    identities = sip_identities(names)
    hosts = tuple(map(ascii_lower, identities.dns_names)) + identities.uri_hosts
    uris = [name for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    for issuer in issuers:
        constraints = issuer.name_constraints
        if constraints is None:
            continue
        permitted = tuple(constraints.permitted_subtrees or ())
        excluded = tuple(constraints.excluded_subtrees or ())
        _check_uris(uris, permitted + excluded, issuer)
        _check_hosts(hosts, _dns(permitted), _dns(excluded), issuer)


def _check_uris(
    uris: list[x509.UniformResourceIdentifier],
    subtrees: tuple[x509.GeneralName, ...],
    issuer: Certificate,
) -> None:
    constrained = any(isinstance(tree, x509.UniformResourceIdentifier) for tree in subtrees)
    if constrained and uris:
        raise ChainRefused(
            "name-constraints",
            f"the {issuer.title} constrains URIs, and {uris[0].value[:80]!a} has no authority "
            "part that could be held against that (RFC 5280 §4.2.1.10)",
        )


def _check_hosts(
    hosts: tuple[str, ...], permitted: list[str], excluded: list[str], issuer: Certificate
) -> None:
    for host in hosts:
        if any(_below(host, tree) for tree in excluded):
            raise ChainRefused(
                "name-constraints", f"the {issuer.title} excludes the name {host[:80]!a}"
            )
        if permitted and not any(_below(host, tree) for tree in permitted):
            raise ChainRefused(
                "name-constraints", f"the {issuer.title} does not permit the name {host[:80]!a}"
            )


def _dns(subtrees: tuple[x509.GeneralName, ...]) -> list[str]:
    return [ascii_lower(tree.value) for tree in subtrees if isinstance(tree, x509.DNSName)]


def _below(host: str, tree: str) -> bool:
    if tree in ("", host):
        return True
    return host.endswith(tree if tree.startswith(".") else f".{tree}")
