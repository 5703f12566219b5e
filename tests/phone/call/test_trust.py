from __future__ import annotations

import pytest

from offhook.phone.call.trust import MediaEvidence, TrustLevel, state_trust


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        (MediaEvidence(None, None, heard=True, spoke=True), TrustLevel.NONE),
        (MediaEvidence("sdes", "AEAD_AES_256_GCM", heard=False, spoke=True), TrustLevel.NONE),
        (MediaEvidence("sdes", "AEAD_AES_256_GCM", heard=True, spoke=False), TrustLevel.NONE),
        (MediaEvidence("sdes", "AEAD_AES_256_GCM", heard=True, spoke=True), TrustLevel.HOP_BY_HOP),
    ],
)
def test_trust_is_stated_from_what_really_happened(
    evidence: MediaEvidence, level: TrustLevel
) -> None:
    statement = state_trust(evidence, "trunk.example")
    assert statement.level is level
    assert statement.reasons


def test_keys_that_went_through_the_trunk_are_never_called_end_to_end() -> None:
    evidence = MediaEvidence("sdes", "AES_CM_128_HMAC_SHA1_80", heard=True, spoke=True)
    assert "trunk.example" in state_trust(evidence, "trunk.example").reasons[0]
