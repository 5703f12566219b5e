from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from offhook.phone.call.trust import (
    Caution,
    Hops,
    MediaEvidence,
    SignedFingerprint,
    TrustLevel,
    state_trust,
)
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.retained import Continuity

HOPS = Hops("trunk.example", "x25519")
SDES = MediaEvidence(Keying.SDES, "AEAD_AES_256_GCM", heard=True, spoke=True)
DTLS = replace(SDES, keying=Keying.DTLS)
ZRTP = replace(SDES, keying=Keying.ZRTP, suite="AES_CM_128_HMAC_SHA1_80", zrtp=ZrtpTrust())
CONTINUED = ZrtpTrust(verified=True, continuity=Continuity.CONTINUED)
MISMATCH = ZrtpTrust(continuity=Continuity.MISMATCH)


def level(evidence: MediaEvidence) -> TrustLevel:
    return state_trust(evidence, HOPS).level


@pytest.mark.parametrize("keyed", [SDES, DTLS, ZRTP], ids=["sdes", "dtls", "zrtp"])
def test_nothing_is_claimed_before_packets_went_both_ways(keyed: MediaEvidence) -> None:
    for less in (
        MediaEvidence(None, None, heard=True, spoke=True),
        replace(keyed, heard=False),
        replace(keyed, spoke=False),
        replace(keyed, heard=False, zrtp=CONTINUED, compared=True),
    ):
        assert level(less) is TrustLevel.NONE


@pytest.mark.parametrize(
    ("evidence", "stated"),
    [
        (SDES, TrustLevel.HOP_BY_HOP),
        (DTLS, TrustLevel.HOP_BY_HOP),
        (replace(DTLS, signed=SignedFingerprint("+49 30 1")), TrustLevel.END_TO_END),
        (ZRTP, TrustLevel.END_TO_END),
        (replace(ZRTP, zrtp=ZrtpTrust(announced=True)), TrustLevel.END_TO_END),
        (replace(ZRTP, zrtp=ZrtpTrust(peer_verified=True)), TrustLevel.END_TO_END),
        (replace(ZRTP, zrtp=ZrtpTrust(continuity=Continuity.CONTINUED)), TrustLevel.END_TO_END),
        (replace(ZRTP, zrtp=CONTINUED), TrustLevel.VERIFIED),
        (replace(ZRTP, compared=True), TrustLevel.VERIFIED),
        (replace(ZRTP, zrtp=replace(MISMATCH, verified=True), compared=True), TrustLevel.VERIFIED),
        (replace(ZRTP, zrtp=MISMATCH), TrustLevel.NONE),
        (replace(ZRTP, zrtp=replace(MISMATCH, verified=True)), TrustLevel.NONE),
        (replace(ZRTP, zrtp=ZrtpTrust(verified=True)), TrustLevel.END_TO_END),
        (replace(ZRTP, compared=False), TrustLevel.NONE),
        (replace(ZRTP, zrtp=CONTINUED, compared=False), TrustLevel.NONE),
        (replace(ZRTP, zrtp=replace(CONTINUED, relay=True)), TrustLevel.HOP_BY_HOP),
        (replace(ZRTP, zrtp=replace(CONTINUED, disclosure=True)), TrustLevel.HOP_BY_HOP),
        (replace(ZRTP, zrtp=ZrtpTrust(disclosure=True), compared=True), TrustLevel.HOP_BY_HOP),
        (replace(ZRTP, zrtp=replace(MISMATCH, relay=True)), TrustLevel.NONE),
    ],
)
def test_each_statement_follows_from_its_evidence(
    evidence: MediaEvidence, stated: TrustLevel
) -> None:
    statement = state_trust(evidence, HOPS)
    assert statement.level is stated
    assert all(statement.reasons)
    assert "both ways" in statement.reasons[1]


def test_what_lowers_a_call_is_the_first_reason_and_a_caution() -> None:
    stated = state_trust(replace(ZRTP, zrtp=replace(MISMATCH, disclosure=True)), HOPS)
    assert stated.cautions == (Caution.MISMATCH, Caution.DISCLOSURE)
    assert stated.reasons[0] == Caution.MISMATCH.value
    assert Caution.DISCLOSURE.value in stated.reasons[2:]


@pytest.mark.parametrize("evidence", [SDES, DTLS])
def test_whoever_carries_the_keys_or_vouches_for_them_is_named(evidence: MediaEvidence) -> None:
    assert "trunk.example" in state_trust(evidence, HOPS).reasons[0]


def test_what_a_recording_of_the_signalling_is_worth_is_told_where_keys_went_through_it() -> None:
    classic = state_trust(SDES, HOPS).reasons[-1]
    hybrid = state_trust(SDES, Hops("trunk.example", "X25519MLKEM768")).reasons[-1]
    assert "could open" in classic
    assert "withstands" in hybrid
    assert all("quantum" not in each for each in state_trust(ZRTP, HOPS).reasons)


def test_zrtp_that_was_agreed_on_and_failed_is_told_beside_the_keys_that_are_left() -> None:
    stated = state_trust(replace(SDES, missing="nobody answered"), HOPS)
    assert stated.level is TrustLevel.HOP_BY_HOP
    assert "ZRTP brought no keys: nobody answered" in stated.reasons


def test_nothing_in_the_firmware_makes_a_signed_fingerprint_before_signatures_are_read() -> None:
    made = [
        str(path)
        for path in Path("firmware").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, (ast.Name, ast.Attribute))
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        == SignedFingerprint.__name__
    ]
    assert made == []
