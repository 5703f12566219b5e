"""The judge never raises: whatever the octets, the answer is a verdict."""

from __future__ import annotations

import math

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from tests.certificates.forge import SERVICE, TODAY, crl, dns, intermediate, leaf, root

from offhook.protocols.trust.certificate import MAX_CERTIFICATE_OCTETS
from offhook.protocols.trust.chain_checks import MAX_CHAIN
from offhook.protocols.trust.peer_identity import PeerPolicy, judge, make_judge, policy_id

GOOD = leaf().chain
LIST = crl(intermediate())


def test_the_control_is_accepted() -> None:
    assert judge(GOOD, SERVICE, TODAY).accepted


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_noise_is_refused(chain: list[bytes]) -> None:
    assert not judge(tuple(chain), SERVICE, TODAY).accepted


@given(st.data())
def test_one_changed_octet_is_refused_or_never_signed(data: st.DataObject) -> None:
    """Every octet of a certificate is under its signature, or is that signature."""
    member = data.draw(st.integers(0, 1))
    position = data.draw(st.integers(0, len(GOOD[member]) - 1))
    change = data.draw(st.integers(1, 255))
    der = bytearray(GOOD[member])
    der[position] ^= change
    chain = tuple(bytes(der) if i == member else each for i, each in enumerate(GOOD))

    verdict = judge(chain, SERVICE, TODAY)

    assert not verdict.accepted
    assert verdict.rule
    assert verdict.detail


def test_unused_bits_of_a_signature_are_refused_whatever_its_last_bits_are() -> None:
    signature = x509.load_der_x509_certificate(GOOD[0]).signature
    for unused in range(1, 8):
        der = bytearray(GOOD[0])
        der[-len(signature) - 1] = unused
        assert judge((bytes(der), *GOOD[1:]), SERVICE, TODAY).rule == "malformed"


@given(st.data())
def test_a_certificate_cut_short_or_with_more_behind_is_refused(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(GOOD[0]) - 1))
    more = data.draw(st.binary(min_size=1, max_size=20))

    assert judge((GOOD[0][:cut], *GOOD[1:]), SERVICE, TODAY).rule == "malformed"
    assert judge((GOOD[0] + more, *GOOD[1:]), SERVICE, TODAY).rule == "malformed"


@given(st.text(max_size=80))
def test_any_service_name_is_put_up_with(name: str) -> None:
    verdict = judge(GOOD, name, TODAY)

    assert verdict.accepted == (name.isascii() and name.lower() == SERVICE)


@pytest.mark.parametrize("clock", [math.inf, -math.inf, 1e300, -1e300, 0.0, math.nan])
def test_any_clock_is_put_up_with(clock: float) -> None:
    assert not judge(GOOD, SERVICE, clock).accepted


@given(st.data())
def test_a_changed_revocation_list_never_counts_as_current(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(LIST) - 1))
    change = data.draw(st.integers(1, 255))
    changed = bytearray(LIST)
    changed[position] ^= change
    policy = PeerPolicy(crls=(bytes(changed), crl(root())), crl_required=True)

    assert not make_judge(policy)(GOOD, SERVICE, TODAY).accepted


def test_no_chain_is_refused() -> None:
    assert judge((), SERVICE, TODAY).rule == "no-certificate"


def test_an_endless_chain_is_refused() -> None:
    assert judge(GOOD * MAX_CHAIN, SERVICE, TODAY).rule == "chain-too-long"


def test_a_huge_certificate_is_refused_before_it_is_read() -> None:
    huge = bytes(MAX_CERTIFICATE_OCTETS + 1)

    assert judge((huge, *GOOD[1:]), SERVICE, TODAY).rule == "malformed"


def test_a_chain_in_another_order_is_refused() -> None:
    assert judge((GOOD[0], GOOD[2], GOOD[1]), SERVICE, TODAY).rule in ("unknown-ca", "broken-chain")
    assert not judge(GOOD[::-1], SERVICE, TODAY).accepted


def test_a_chain_without_its_root_is_refused() -> None:
    assert judge(GOOD[:2], SERVICE, TODAY).rule == "unknown-ca"


def test_a_chain_with_a_gap_is_refused() -> None:
    assert judge((GOOD[0], GOOD[2]), SERVICE, TODAY).rule == "broken-chain"


def test_thousands_of_names_are_refused() -> None:
    many = leaf(*dns(*(f"{n}.example.org" for n in range(1001))))

    assert judge(many.chain, SERVICE, TODAY).rule == "malformed"


def test_a_policy_has_its_own_identity() -> None:
    anchors = (root().pem,)
    policies = (
        PeerPolicy(),
        PeerPolicy(wildcard_allowed=True),
        PeerPolicy(crl_required=True),
        PeerPolicy(crls=(LIST,)),
        PeerPolicy(crls=(LIST,), crl_required=True),
    )

    identities = {policy_id(policy, anchors) for policy in policies}
    identities.add(policy_id(PeerPolicy(), ()))
    identities.add(policy_id(PeerPolicy(), (*anchors, leaf().pem)))

    assert len(identities) == len(policies) + 2
    assert policy_id(PeerPolicy(), anchors) == policy_id(PeerPolicy(), iter(anchors))
