"""Which suite to ask for once another one proved to be broken (RFC 4568 §7.1.4, RFC 3711 §9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.sdp.negotiation import Agreement, LocalMedia, MediaPolicy


def other_suite(agreement: Agreement, local: LocalMedia, policy: MediaPolicy) -> CryptoLine | None:
    """A key of ours, never used, for another suite of the policy; None where there is none.

    One of another kind comes first: what breaks one AEAD suite is likely to break the next.
    """
    if agreement.keys is None:
        return None
    in_use = agreement.keys.send
    keys = {line.suite.name: line for line in local.crypto}
    left = [keys[name] for name in policy.suites if name in keys and name != in_use.suite.name]
    left.sort(key=lambda line: _is_aead(line.suite.name) is _is_aead(in_use.suite.name))
    return left[0] if left else None


def without_suites(policy: MediaPolicy, broken: Collection[str]) -> MediaPolicy:
    """The policy without suites that don't work; as it is where no suite would be left."""
    left = tuple(name for name in policy.suites if name not in broken)
    if policy.sdes is None or not left or left == policy.suites:
        return policy
    return replace(policy, sdes=replace(policy.sdes, suites=left))


def _is_aead(name: str) -> bool:
    return name.startswith("AEAD")
