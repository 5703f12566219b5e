"""Certificates that a SIP client takes (RFC 5922 §7, RFC 5280, RFC 5924)."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tests.certificates.case import Catalogue, Presented
from tests.certificates.forge import (
    SERVER,
    SERVICE,
    SIP_DOMAIN,
    START,
    Issued,
    ca_wish,
    crl,
    crl_scope,
    dns,
    intermediate,
    issue,
    leaf,
    new_key,
    root,
    uri,
)

from offhook.protocols.trust.peer_identity import PeerPolicy

SOUND = Catalogue()


@SOUND.accepted()
def dns_name_is_the_service_domain() -> Issued:
    return leaf()


@SOUND.accepted()
def dns_name_in_other_case() -> Issued:
    return leaf(*dns("VOICE.Example.COM"))


@SOUND.accepted()
def service_name_in_other_case() -> Presented:
    return Presented(leaf(), service="Voice.EXAMPLE.com")


@SOUND.accepted()
def dns_name_among_others() -> Issued:
    return leaf(*dns("a.example.org", SERVICE, "*.example.net"))


@SOUND.accepted()
def dns_name_right_and_common_name_other() -> Issued:
    return leaf(common_name="other.example.org")


@SOUND.accepted()
def dns_name_of_an_international_domain_in_its_ascii_form() -> Presented:
    return Presented(leaf(*dns("xn--mnchen-3ya.example")), service="xn--mnchen-3ya.example")


@SOUND.accepted()
def dns_name_of_one_label() -> Presented:
    return Presented(leaf(*dns("localhost")), service="localhost")


@SOUND.accepted("uri-san")
def uri_is_sip_and_the_service_domain() -> Issued:
    return leaf(*uri(f"sip:{SERVICE}"))


@SOUND.accepted("uri-san")
def uri_in_any_case() -> Issued:
    return leaf(*uri("SIP:Voice.EXAMPLE.Com"))


@SOUND.accepted("uri-san")
def uri_beside_other_dns_names() -> Issued:
    return leaf(*dns("a.example.org", "*.example.net"), *uri(f"sip:{SERVICE}"))


@SOUND.accepted("uri-san")
def uri_beside_another_sip_uri() -> Issued:
    return leaf(*uri("sip:a.example.org", f"sip:{SERVICE}"))


@SOUND.accepted("uri-san")
def uri_with_port_and_parameters_that_do_not_count() -> Issued:
    return leaf(*uri(f"sip:{SERVICE}:5061;transport=tls"))


@SOUND.accepted("uri-san")
def uri_of_an_address_where_the_service_is_one() -> Presented:
    return Presented(leaf(*uri("sip:127.0.0.1")), service="127.0.0.1")


@SOUND.accepted()
def dns_name_right_beside_a_sips_uri() -> Issued:
    return leaf(*dns(SERVICE), *uri("sips:other.example.org"))


@SOUND.accepted()
def dns_name_right_beside_a_user_uri() -> Issued:
    return leaf(*dns(SERVICE), *uri("sip:alice@other.example.org"))


@SOUND.accepted()
def names_critical_and_subject_empty() -> Issued:
    return leaf(common_name=None, names_critical=True)


@SOUND.accepted("dns-san-wildcard")
def wildcard_where_the_profile_allows_it() -> Presented:
    return Presented(leaf(*dns("*.example.com")), PeerPolicy(wildcard_allowed=True))


@SOUND.accepted()
def no_extended_key_usage() -> Issued:
    return leaf(extended_usage=None)


@SOUND.accepted()
def extended_key_usage_server() -> Issued:
    return leaf(extended_usage=SERVER)


@SOUND.accepted()
def extended_key_usage_server_and_sip_domain() -> Issued:
    return leaf(extended_usage=(*SERVER, SIP_DOMAIN))


@SOUND.accepted()
def no_key_usage() -> Issued:
    return leaf(usage=None)


@SOUND.accepted()
def no_basic_constraints() -> Issued:
    return leaf(constraints=None)


@SOUND.accepted()
def issued_by_the_root_itself() -> Issued:
    return leaf(issuer=root())


@SOUND.accepted()
def two_intermediates_as_the_path_length_allows() -> Issued:
    upper = issue(ca_wish("Offhook test upper", path_length=1), root())
    return leaf(issuer=issue(ca_wish("Offhook test lower", path_length=0), upper))


@SOUND.accepted()
def dns_name_permitted_by_constraint() -> Issued:
    constraint = x509.NameConstraints(dns("example.com"), dns("secret.example.com"))
    return leaf(issuer=issue(ca_wish("Constrained", more=((constraint, True),)), root()))


@SOUND.accepted("uri-san")
def uri_host_permitted_by_dns_constraint() -> Issued:
    constraint = x509.NameConstraints(dns("example.com"), None)
    ca = issue(ca_wish("Constrained for URI", more=((constraint, True),)), root())
    return leaf(*uri(f"sip:{SERVICE}"), issuer=ca)


@SOUND.accepted()
def policies_critical_without_a_demand_for_them() -> Issued:
    policies = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)]
    )
    return leaf(more=((policies, True),))


@SOUND.accepted()
def key_rsa_2048() -> Issued:
    return leaf(key=rsa.generate_private_key(65537, 2048))


@SOUND.accepted()
def key_p384() -> Issued:
    return leaf(key=new_key(ec.SECP384R1()))


@SOUND.accepted()
def key_p521() -> Issued:
    return leaf(key=new_key(ec.SECP521R1()))


@SOUND.accepted()
def key_ed25519() -> Issued:
    return leaf(key=ed25519.Ed25519PrivateKey.generate())


@SOUND.accepted()
def signed_with_sha384() -> Issued:
    return leaf(hash=hashes.SHA384())


@SOUND.accepted()
def current_crl_without_it() -> Presented:
    policy = PeerPolicy(crls=(crl(intermediate(), leaf()),))
    return Presented(leaf(), policy)


@SOUND.accepted()
def current_crls_where_demanded() -> Presented:
    policy = PeerPolicy(crls=(crl(intermediate()), crl(root())), crl_required=True)
    return Presented(leaf(), policy)


@SOUND.accepted()
def crl_of_another_ca_with_the_same_serial_number() -> Presented:
    mine = leaf()
    other = issue(ca_wish("Offhook other root"))
    return Presented(mine, PeerPolicy(crls=(crl(other, mine),)))


@SOUND.accepted()
def current_crl_of_its_own_distribution_point() -> Presented:
    point = uri("http://ca.example.com/2.crl")
    points = x509.CRLDistributionPoints([x509.DistributionPoint(point, None, None, None)])
    lists = (crl(intermediate(), more=((crl_scope(point), True),)), crl(root()))
    policy = PeerPolicy(crls=lists, crl_required=True)
    return Presented(leaf(more=((points, False),)), policy)


@SOUND.accepted()
def crl_expired_and_not_demanded() -> Presented:
    expired = crl(intermediate(), end=START.replace(month=2))
    return Presented(leaf(), PeerPolicy(crls=(expired,)))
