"""The laws of RFC 5922 §7.2 over any name: equal as DNS names, in full, or not at all."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import example, given
from hypothesis import strategies as st
from tests.certificates.forge import SERVICE, dns, uri

from offhook.protocols.trust.refusal import ChainRefused
from offhook.protocols.trust.sip_names import (
    ascii_lower,
    canonical_service_name,
    is_dns_name,
    match_service,
    sip_identities,
)

LABELS = st.sampled_from(["voice", "VOICE", "example", "com", "*", "v*", "", "voice\0", "sub"])
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


def matches(names: tuple[x509.GeneralName, ...], *, wildcard_allowed: bool = False) -> bool:
    try:
        match_service(names, SERVICE, wildcard_allowed=wildcard_allowed)
    except ChainRefused:
        return False
    return True


@given(NAMES)
@example(SERVICE)
def test_a_dns_name_matches_if_it_is_the_same_name(name: str) -> None:
    assert matches(dns(name)) == (name.lower() == SERVICE)


@given(NAMES)
@example("*.example.com")
def test_an_allowed_wildcard_stands_for_the_leftmost_label_alone(name: str) -> None:
    expected = name.lower() in (SERVICE, "*.example.com")

    assert matches(dns(name), wildcard_allowed=True) == expected


@given(NAMES)
@example(SERVICE)
def test_a_sip_uri_matches_if_its_host_is_the_same_name(name: str) -> None:
    assert matches(uri(f"sip:{name}")) == (name.lower() == SERVICE)


@given(st.text(max_size=40))
def test_any_uri_is_put_up_with(text: str) -> None:
    names = uri(text, f"sip:{text}")

    assert all(host == ascii_lower(host) for host in sip_identities(names).uri_hosts)


@given(NAMES)
def test_beside_a_sip_uri_no_dns_name_counts(name: str) -> None:
    assert not matches(dns(SERVICE, name) + uri("sip:other.example.org"))


@pytest.mark.parametrize(
    "value",
    [
        f"sip:{SERVICE}@other.example.org",
        f"sip:{SERVICE};x=1@other.example.org",
        f"sip:{SERVICE};x=a@b",
        f"sip:@{SERVICE}",
        f"sip:a:b@{SERVICE}",
        f"sips:{SERVICE}",
        f"sip://{SERVICE}",
        f"sip:{SERVICE}/",
        f"sip:{SERVICE}:",
        f"sip:{SERVICE}:123456",
        f"sip: {SERVICE}",
        f" sip:{SERVICE}",
        f"sip:[{SERVICE}]",
        f"tel:{SERVICE}",
        "sip:",
        "",
    ],
)
def test_a_uri_that_names_no_sip_domain_does_not_count(value: str) -> None:
    assert SERVICE not in sip_identities(uri(value)).uri_hosts


def test_letters_beyond_ascii_are_never_folded() -> None:
    assert ascii_lower("\N{KELVIN SIGN}AZ[`{") == "\N{KELVIN SIGN}az[`{"
    with pytest.raises(ChainRefused):
        canonical_service_name("\N{KELVIN SIGN}elvin.example")


def test_an_address_has_one_form() -> None:
    assert canonical_service_name("2001:DB8:0::1") == "2001:db8::1"
    assert matches_address("[2001:db8:0:0::1]")


def matches_address(host: str) -> bool:
    names = uri(f"sip:{host}")
    return match_service(names, "2001:db8::1", wildcard_allowed=False)[0] == "uri-san"


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "-a.b", "a-.b", "a_b", "a" * 64, "a." * 130 + "a", "a.b.", "*.a.b"]
)
def test_what_is_no_host_name(name: str) -> None:
    assert not is_dns_name(name)
