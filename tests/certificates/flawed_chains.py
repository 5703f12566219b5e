"""Certificates refused for their chain, their time or their revocation (RFC 5280 §6, RFC 7633)."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

from cryptography import x509
from tests.certificates.case import Catalogue, Presented
from tests.certificates.forge import (
    END,
    SERVICE,
    START,
    Issued,
    ca_wish,
    crl,
    crl_scope,
    dns,
    intermediate,
    issue,
    key_usage,
    leaf,
    leaf_wish,
    new_key,
    root,
    uri,
)

from offhook.protocols.trust.peer_identity import PeerPolicy

FLAWED_CHAINS = Catalogue()
LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 6, 1, tzinfo=UTC)


@FLAWED_CHAINS.refused("expired")
def server_expired() -> Issued:
    return leaf(end=LAST_YEAR)


@FLAWED_CHAINS.refused("not-yet-valid")
def server_not_yet_valid() -> Issued:
    return leaf(start=NEXT_YEAR)


@FLAWED_CHAINS.refused("expired")
def intermediate_expired() -> Issued:
    return leaf(issuer=issue(ca_wish("Expired intermediate", end=LAST_YEAR), root()))


@FLAWED_CHAINS.refused("not-yet-valid")
def intermediate_not_yet_valid() -> Issued:
    return leaf(issuer=issue(ca_wish("Early intermediate", start=NEXT_YEAR), root()))


@FLAWED_CHAINS.refused("expired")
def root_expired() -> Presented:
    old = issue(ca_wish("Old root", end=LAST_YEAR))
    return Presented(leaf(issuer=old), anchors=(old.pem,))


@FLAWED_CHAINS.refused("self-signed")
def self_signed() -> Issued:
    return issue(leaf_wish())


@FLAWED_CHAINS.refused("self-signed")
def self_signed_and_its_own_anchor() -> Presented:
    lonely = issue(leaf_wish())
    return Presented(lonely, anchors=(root().pem, lonely.pem))


@FLAWED_CHAINS.refused(None, wire={"unknown-ca"})
def unknown_ca() -> Issued:
    return leaf(issuer=issue(ca_wish("Stranger")))


@FLAWED_CHAINS.refused(None, wire={"unknown-ca"})
def unknown_ca_that_the_server_sends_along() -> Presented:
    stranger = issue(ca_wish("Stranger sent along"))
    lost = leaf(issuer=stranger)
    return Presented(lost, sent=lost.pem + stranger.pem)


@FLAWED_CHAINS.refused(None, wire={"unknown-ca"})
def unknown_ca_with_the_name_of_a_known_one() -> Issued:
    impostor = issue(ca_wish("Offhook test root", key=new_key()))
    return leaf(issuer=impostor)


@FLAWED_CHAINS.refused(None, wire={"unknown-ca"})
def missing_intermediate() -> Presented:
    complete = leaf()
    return Presented(complete, sent=complete.pem)


@FLAWED_CHAINS.refused(None, wire={"unknown-ca"})
def intermediate_trusted_but_not_its_root() -> Presented:
    return Presented(leaf(), anchors=(intermediate().pem,))


@FLAWED_CHAINS.refused("issuer-not-ca")
def issuer_with_ca_false() -> Issued:
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    ca = issue(ca_wish("Not a CA", constraints=constraints, usage=None), root())
    return leaf(issuer=ca)


@FLAWED_CHAINS.refused("issuer-not-ca")
def issuer_without_basic_constraints() -> Issued:
    return leaf(issuer=issue(ca_wish("Plain", constraints=None, usage=None), root()))


@FLAWED_CHAINS.refused("issuer-not-ca")
def issuer_is_another_server() -> Issued:
    return leaf(issuer=leaf(*dns("other.example.org"), key=new_key()))


@FLAWED_CHAINS.refused("issuer-key-usage", wire={"issuer-not-ca"})
def issuer_without_cert_sign() -> Issued:
    ca = issue(ca_wish("No keyCertSign", usage=key_usage("crl_sign")), root())
    return leaf(issuer=ca)


@FLAWED_CHAINS.refused("path-length")
def beyond_the_path_length() -> Issued:
    return leaf(issuer=issue(ca_wish("Too deep"), intermediate()))


@FLAWED_CHAINS.refused("name-constraints")
def dns_name_not_permitted() -> Issued:
    constraint = x509.NameConstraints(dns("example.org"), None)
    return leaf(issuer=issue(ca_wish("Only example.org", more=((constraint, True),)), root()))


@FLAWED_CHAINS.refused("name-constraints")
def dns_name_excluded() -> Issued:
    constraint = x509.NameConstraints(None, dns(SERVICE))
    return leaf(issuer=issue(ca_wish("Not this one", more=((constraint, True),)), root()))


@FLAWED_CHAINS.refused("name-constraints")
def dns_name_not_permitted_by_the_root() -> Presented:
    constraint = x509.NameConstraints(dns("example.org"), None)
    bound = issue(ca_wish("Bound root", more=((constraint, True),)))
    ca = issue(ca_wish("Below the bound root"), bound)
    return Presented(leaf(issuer=ca), anchors=(bound.pem,))


@FLAWED_CHAINS.refused("name-constraints")
def sip_uri_outside_of_a_dns_constraint() -> Issued:
    constraint = x509.NameConstraints(dns("example.org"), None)
    ca = issue(ca_wish("DNS bound", more=((constraint, True),)), root())
    return leaf(*uri(f"sip:{SERVICE}"), issuer=ca)


@FLAWED_CHAINS.refused("name-constraints")
def sip_uri_under_a_uri_constraint() -> Issued:
    constraint = x509.NameConstraints(uri("example.org"), None)
    ca = issue(ca_wish("URI bound", more=((constraint, True),)), root())
    return leaf(*uri(f"sip:{SERVICE}"), issuer=ca)


@FLAWED_CHAINS.refused("name-constraints")
def sip_uri_excluded() -> Issued:
    constraint = x509.NameConstraints(None, uri(SERVICE))
    ca = issue(ca_wish("URI excluded", more=((constraint, True),)), root())
    return leaf(*uri(f"sip:{SERVICE}"), issuer=ca)


@FLAWED_CHAINS.refused(None, wire={"name-constraints"})
def ip_address_beside_the_name_not_permitted() -> Issued:
    network = x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))
    constraint = x509.NameConstraints([network], None)
    ca = issue(ca_wish("IP bound", more=((constraint, True),)), root())
    return leaf(*dns(SERVICE), x509.IPAddress(ipaddress.ip_address("127.0.0.1")), issuer=ca)


@FLAWED_CHAINS.refused("revoked")
def revoked() -> Presented:
    lost = leaf()
    return Presented(lost, PeerPolicy(crls=(crl(intermediate(), lost),)))


@FLAWED_CHAINS.refused("revoked")
def revoked_by_a_list_that_has_expired_since() -> Presented:
    lost = leaf()
    return Presented(lost, PeerPolicy(crls=(crl(intermediate(), lost, end=LAST_YEAR),)))


@FLAWED_CHAINS.refused("revoked")
def intermediate_revoked() -> Presented:
    return Presented(leaf(), PeerPolicy(crls=(crl(root(), intermediate()),)))


@FLAWED_CHAINS.refused("crl-expired")
def crl_expired_where_demanded() -> Presented:
    lists = (crl(intermediate(), end=LAST_YEAR), crl(root()))
    return Presented(leaf(), PeerPolicy(crls=lists, crl_required=True))


@FLAWED_CHAINS.refused("crl-expired")
def crl_from_the_future_where_demanded() -> Presented:
    lists = (crl(intermediate(), start=NEXT_YEAR), crl(root()))
    return Presented(leaf(), PeerPolicy(crls=lists, crl_required=True))


@FLAWED_CHAINS.refused("crl-missing")
def crl_missing_where_demanded() -> Presented:
    return Presented(leaf(), PeerPolicy(crl_required=True))


@FLAWED_CHAINS.refused("crl-missing")
def crl_missing_for_the_intermediate_where_demanded() -> Presented:
    return Presented(leaf(), PeerPolicy(crls=(crl(intermediate()),), crl_required=True))


@FLAWED_CHAINS.refused("crl-missing")
def crl_signed_by_another_key_where_demanded() -> Presented:
    lists = (crl(intermediate(), key=new_key()), crl(root()))
    return Presented(leaf(), PeerPolicy(crls=lists, crl_required=True))


@FLAWED_CHAINS.refused("crl-missing")
def crl_for_ca_certificates_only_where_demanded() -> Presented:
    scope = crl_scope(ca_only=True)
    lists = (crl(intermediate(), more=((scope, True),)), crl(root()))
    return Presented(leaf(), PeerPolicy(crls=lists, crl_required=True))


@FLAWED_CHAINS.refused("crl-missing")
def crl_for_server_certificates_only_where_one_for_cas_is_demanded() -> Presented:
    lists = (crl(intermediate()), crl(root(), more=((crl_scope(user_only=True), True),)))
    return Presented(leaf(), PeerPolicy(crls=lists, crl_required=True))


@FLAWED_CHAINS.refused("crl-missing")
def crl_of_another_distribution_point_where_demanded() -> Presented:
    scope = crl_scope(uri("http://ca.example.com/1.crl"))
    point = x509.DistributionPoint(uri("http://ca.example.com/2.crl"), None, None, None)
    lists = (crl(intermediate(), more=((scope, True),)), crl(root()))
    server = leaf(more=((x509.CRLDistributionPoints([point]), False),))
    return Presented(server, PeerPolicy(crls=lists, crl_required=True))


@FLAWED_CHAINS.refused("crl-malformed")
def crl_that_is_indirect() -> Presented:
    indirect = crl(intermediate(), more=((crl_scope(indirect=True), True),))
    return Presented(leaf(), PeerPolicy(crls=(indirect,)))


@FLAWED_CHAINS.refused("crl-malformed")
def crl_that_is_a_delta() -> Presented:
    delta = crl(intermediate(), more=((x509.DeltaCRLIndicator(1), True),))
    return Presented(leaf(), PeerPolicy(crls=(delta,)))


@FLAWED_CHAINS.refused("crl-malformed")
def crl_that_is_none() -> Presented:
    return Presented(leaf(), PeerPolicy(crls=(b"no CRL",)))


@FLAWED_CHAINS.refused("crl-missing")
def crl_of_an_issuer_that_may_not_sign_them() -> Presented:
    ca = issue(ca_wish("No cRLSign", usage=key_usage("key_cert_sign")), root())
    lists = (crl(ca), crl(root()))
    return Presented(leaf(issuer=ca), PeerPolicy(crls=lists, crl_required=True))


@FLAWED_CHAINS.refused("must-staple")
def must_staple() -> Issued:
    feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
    return leaf(more=((feature, False),))


@FLAWED_CHAINS.refused("must-staple")
def must_staple_in_the_intermediate() -> Issued:
    feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
    return leaf(issuer=issue(ca_wish("Stapling CA", more=((feature, False),)), root()))


@FLAWED_CHAINS.refused("expired")
def everything_expired() -> Presented:
    lists = (crl(intermediate()), crl(root()))
    assert START < END
    return Presented(leaf(end=LAST_YEAR), PeerPolicy(crls=lists, crl_required=True))
