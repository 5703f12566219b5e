"""Certificates refused for their extensions, keys and signatures (RFC 5280 §4, RFC 9325 §4.5)."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.certificates.case import Catalogue
from tests.certificates.der import (
    ECDSA_SHA1,
    RSA_MD5,
    RSA_SHA1,
    doubled_extension,
    mismatched_algorithm,
    signed_otherwise,
)
from tests.certificates.forge import (
    SIP_DOMAIN,
    Issued,
    ca_wish,
    intermediate,
    issue,
    key_usage,
    leaf,
    new_key,
    root,
)

FLAWED_CONTENTS = Catalogue()
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")


@FLAWED_CONTENTS.refused("critical-extension")
def unknown_critical_extension() -> Issued:
    return leaf(more=((UNKNOWN, True),))


@FLAWED_CONTENTS.refused("critical-extension")
def unknown_critical_extension_in_the_intermediate() -> Issued:
    return leaf(issuer=issue(ca_wish("Odd CA", more=((UNKNOWN, True),)), root()))


@FLAWED_CONTENTS.refused("critical-extension")
def inhibit_any_policy() -> Issued:
    return leaf(
        issuer=issue(ca_wish("Policy CA", more=((x509.InhibitAnyPolicy(0), True),)), root())
    )


@FLAWED_CONTENTS.refused("policy-constraints")
def explicit_policy_demanded() -> Issued:
    constraints = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    return leaf(issuer=issue(ca_wish("Explicit CA", more=((constraints, False),)), root()))


@FLAWED_CONTENTS.refused("authority-key")
def no_authority_key_identifier() -> Issued:
    return leaf(authority_key=False)


@FLAWED_CONTENTS.refused("authority-key")
def no_authority_key_identifier_in_the_intermediate() -> Issued:
    return leaf(issuer=issue(ca_wish("No AKI", authority_key=False), root()))


@FLAWED_CONTENTS.refused("authority-key", wire={"unknown-ca"})
def authority_key_identifier_of_another_key() -> Issued:
    wrong = x509.AuthorityKeyIdentifier.from_issuer_public_key(new_key().public_key())
    return leaf(authority_key=False, more=((wrong, False),))


@FLAWED_CONTENTS.refused("extended-key-usage")
def extended_key_usage_client_only() -> Issued:
    return leaf(extended_usage=(ExtendedKeyUsageOID.CLIENT_AUTH,))


@FLAWED_CONTENTS.refused("extended-key-usage")
def extended_key_usage_code_signing_only() -> Issued:
    return leaf(extended_usage=(ExtendedKeyUsageOID.CODE_SIGNING,))


@FLAWED_CONTENTS.refused("extended-key-usage")
def extended_key_usage_sip_domain_only() -> Issued:
    return leaf(extended_usage=(SIP_DOMAIN,))


@FLAWED_CONTENTS.refused("extended-key-usage")
def extended_key_usage_any_only() -> Issued:
    return leaf(extended_usage=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,))


@FLAWED_CONTENTS.refused("extended-key-usage")
def extended_key_usage_client_only_in_the_intermediate() -> Issued:
    usage = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    return leaf(issuer=issue(ca_wish("Client CA", extended_usage=usage), root()))


@FLAWED_CONTENTS.refused("key-usage", wire={"key-usage", "handshake-failure"})
def key_usage_without_digital_signature() -> Issued:
    return leaf(usage=key_usage("key_agreement"))


@FLAWED_CONTENTS.refused("key-usage")
def key_usage_for_encipherment_only() -> Issued:
    key = rsa.generate_private_key(65537, 2048)
    return leaf(key=key, usage=key_usage("key_encipherment"))


@FLAWED_CONTENTS.refused("leaf-is-ca")
def server_certificate_is_a_ca() -> Issued:
    return leaf(
        constraints=x509.BasicConstraints(ca=True, path_length=0),
        usage=key_usage("digital_signature", "key_cert_sign"),
        issuer=issue(ca_wish("CA of CAs"), root()),
    )


@FLAWED_CONTENTS.refused("key-size")
def key_rsa_1024() -> Issued:
    return leaf(key=rsa.generate_private_key(65537, 1024))  # noqa: S505 -- the defect wanted


@FLAWED_CONTENTS.refused("key-size")
def key_rsa_1024_of_the_intermediate() -> Issued:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- the defect wanted
    return leaf(issuer=issue(ca_wish("Small CA", key=key), root()))


@FLAWED_CONTENTS.refused("key-exponent")
def key_rsa_with_exponent_3() -> Issued:
    return leaf(key=rsa.generate_private_key(3, 2048))


@FLAWED_CONTENTS.refused("curve", wire={"handshake-failure", "protocol-version"})
def key_p224() -> Issued:
    return leaf(key=new_key(ec.SECP224R1()))


@FLAWED_CONTENTS.refused("curve")
def key_p224_of_the_intermediate() -> Issued:
    return leaf(issuer=issue(ca_wish("P-224 CA", key=new_key(ec.SECP224R1())), root()))


@FLAWED_CONTENTS.refused("curve")
def key_secp256k1_of_the_intermediate() -> Issued:
    return leaf(issuer=issue(ca_wish("Koblitz CA", key=new_key(ec.SECP256K1())), root()))


@FLAWED_CONTENTS.refused("weak-signature")
def signed_with_sha1() -> Issued:
    return signed_otherwise(leaf(), intermediate(), ECDSA_SHA1)


@FLAWED_CONTENTS.refused("weak-signature")
def signed_with_sha1_and_rsa() -> Issued:
    ca = issue(ca_wish("RSA CA", key=rsa.generate_private_key(65537, 2048)), root())
    return signed_otherwise(leaf(issuer=ca), ca, RSA_SHA1)


@FLAWED_CONTENTS.refused("weak-signature")
def intermediate_signed_with_sha1() -> Issued:
    ca = signed_otherwise(issue(ca_wish("SHA-1 CA"), root()), root(), ECDSA_SHA1)
    return leaf(issuer=ca)


@FLAWED_CONTENTS.refused("weak-signature")
def signed_with_md5() -> Issued:
    ca = issue(ca_wish("RSA CA", key=rsa.generate_private_key(65537, 2048)), root())
    return signed_otherwise(leaf(issuer=ca), ca, RSA_MD5)


@FLAWED_CONTENTS.refused("malformed", wire=set())
def extension_twice() -> Issued:
    return doubled_extension(leaf(), intermediate())


@FLAWED_CONTENTS.refused(None, wire={"malformed"})
def signature_algorithm_stated_in_two_ways() -> Issued:
    return mismatched_algorithm(leaf(), intermediate())
