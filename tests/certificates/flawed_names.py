"""Certificates refused for their names (RFC 5922 §7.1, §7.2)."""

from __future__ import annotations

import ipaddress

from cryptography import x509
from tests.certificates.case import Catalogue, Presented
from tests.certificates.der import encode
from tests.certificates.forge import SERVICE, Issued, dns, leaf, uri

from offhook.protocols.trust.peer_identity import PeerPolicy

FLAWED_NAMES = Catalogue()
SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
IA5_STRING = 0x16
ANY_WILDCARD = PeerPolicy(wildcard_allowed=True)


@FLAWED_NAMES.refused("wildcard")
def wildcard() -> Issued:
    return leaf(*dns("*.example.com"))


@FLAWED_NAMES.refused("name-mismatch")
def wildcard_with_letters_behind() -> Issued:
    return leaf(*dns("*ice.example.com"))


@FLAWED_NAMES.refused("name-mismatch")
def wildcard_with_letters_before() -> Issued:
    return leaf(*dns("vo*.example.com"))


@FLAWED_NAMES.refused("name-mismatch")
def wildcard_with_letters_though_wildcards_are_allowed() -> Presented:
    return Presented(leaf(*dns("v*.example.com", "*e.example.com")), ANY_WILDCARD)


@FLAWED_NAMES.refused("name-mismatch")
def wildcard_in_the_middle_though_wildcards_are_allowed() -> Presented:
    return Presented(leaf(*dns("voice.*.com")), ANY_WILDCARD)


@FLAWED_NAMES.refused("name-mismatch")
def wildcard_over_two_labels_though_wildcards_are_allowed() -> Presented:
    return Presented(leaf(*dns("*.example.com")), ANY_WILDCARD, service="a.voice.example.com")


@FLAWED_NAMES.refused("name-mismatch")
def wildcard_over_its_parent_though_wildcards_are_allowed() -> Presented:
    return Presented(leaf(*dns("*.voice.example.com")), ANY_WILDCARD)


@FLAWED_NAMES.refused("name-mismatch")
def wildcard_of_a_top_level_domain_though_wildcards_are_allowed() -> Presented:
    return Presented(leaf(*dns("*.com", "*")), ANY_WILDCARD, service="example.com")


@FLAWED_NAMES.refused("uri-san-mismatch")
def wildcard_in_a_sip_uri_though_wildcards_are_allowed() -> Presented:
    return Presented(leaf(*uri("sip:x.example.com", "sip:*.example.com")), ANY_WILDCARD)


@FLAWED_NAMES.refused("name-mismatch")
def name_with_leading_dot() -> Issued:
    return leaf(*dns(".example.com", f".{SERVICE}"))


@FLAWED_NAMES.refused("name-mismatch")
def name_with_trailing_dot() -> Issued:
    return leaf(*dns(f"{SERVICE}."))


@FLAWED_NAMES.refused("name-mismatch")
def name_of_a_subdomain() -> Issued:
    return leaf(*dns(f"sub.{SERVICE}"))


@FLAWED_NAMES.refused("name-mismatch")
def name_of_the_parent_domain() -> Issued:
    return leaf(*dns("example.com"))


@FLAWED_NAMES.refused("name-mismatch")
def name_with_the_service_domain_as_suffix() -> Issued:
    return leaf(*dns(f"evil{SERVICE}"))


@FLAWED_NAMES.refused("name-mismatch")
def name_with_the_service_domain_as_prefix() -> Issued:
    return leaf(*dns(f"{SERVICE}.evil.example"))


@FLAWED_NAMES.refused("name-mismatch")
def name_with_nul() -> Issued:
    return leaf(*dns(f"{SERVICE}\0.evil.example", f"{SERVICE}\0"))


@FLAWED_NAMES.refused("name-mismatch")
def name_with_space() -> Issued:
    return leaf(*dns(f"{SERVICE} ", f" {SERVICE}"))


@FLAWED_NAMES.refused("name-mismatch")
def name_of_the_srv_target_only() -> Issued:
    return leaf(*dns("sbc1.provider.example"))


@FLAWED_NAMES.refused("no-identity")
def srv_name_only() -> Issued:
    value = encode(IA5_STRING, b"_sips." + SERVICE.encode())
    return leaf(x509.OtherName(SRV_NAME, value))


@FLAWED_NAMES.refused("cn-only")
def common_name_only() -> Issued:
    return leaf(common_name=SERVICE, names=None)


@FLAWED_NAMES.refused("name-mismatch")
def common_name_right_and_dns_name_other() -> Issued:
    return leaf(*dns("other.example.org"), common_name=SERVICE)


@FLAWED_NAMES.refused("no-identity")
def common_name_right_and_mail_address_only() -> Issued:
    return leaf(x509.RFC822Name(f"admin@{SERVICE}"), common_name=SERVICE)


@FLAWED_NAMES.refused("ip-san-only")
def ip_address_only() -> Issued:
    return leaf(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@FLAWED_NAMES.refused("ip-san-only")
def ip_address_where_the_service_is_one() -> Presented:
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return Presented(leaf(address), service="127.0.0.1")


@FLAWED_NAMES.refused("name-mismatch")
def ip_address_written_as_dns_name() -> Presented:
    return Presented(leaf(*dns("127.0.0.1")), service="127.0.0.1")


@FLAWED_NAMES.refused("uri-san-mismatch")
def sip_uri_of_another_domain_beside_the_right_dns_name() -> Issued:
    return leaf(*dns(SERVICE), *uri("sip:other.example.org"))


@FLAWED_NAMES.refused("uri-san-mismatch")
def sip_uri_of_a_subdomain() -> Issued:
    return leaf(*uri(f"sip:sub.{SERVICE}"))


@FLAWED_NAMES.refused("uri-san-mismatch")
def sip_uri_with_trailing_dot() -> Issued:
    return leaf(*uri(f"sip:{SERVICE}."))


@FLAWED_NAMES.refused("no-identity")
def sip_uri_of_a_user() -> Issued:
    return leaf(*uri(f"sip:alice@{SERVICE}"))


@FLAWED_NAMES.refused("no-identity")
def sip_uri_of_a_user_named_like_the_domain() -> Issued:
    return leaf(*uri(f"sip:{SERVICE}@other.example.org", f"sip:{SERVICE}:5061@other.example.org"))


@FLAWED_NAMES.refused("no-identity")
def https_uri() -> Issued:
    return leaf(*uri(f"https://{SERVICE}/", f"https:{SERVICE}"))


@FLAWED_NAMES.refused("no-identity")
def sips_uri_only() -> Issued:
    return leaf(*uri(f"sips:{SERVICE}"))


@FLAWED_NAMES.refused("no-identity")
def sip_uri_with_slashes() -> Issued:
    return leaf(*uri(f"sip://{SERVICE}"))


@FLAWED_NAMES.refused("no-identity")
def sip_uri_with_nul() -> Issued:
    return leaf(*uri(f"sip:{SERVICE}\0.evil.example"))


@FLAWED_NAMES.refused("no-identity")
def sip_uri_with_escapes() -> Issued:
    return leaf(*uri("sip:%76oice.example.com"))


@FLAWED_NAMES.refused("service-name")
def service_name_with_trailing_dot() -> Presented:
    return Presented(leaf(*dns(f"{SERVICE}.")), service=f"{SERVICE}.")
