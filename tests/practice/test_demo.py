"""The demonstration with real processes, TLS and SRTP on loopback: what must fail, fails."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from offhook.app.exit_status import ExitStatus
from offhook.app.report import schema
from offhook_practice.demo import Outcome, demonstrate

FAILURES = {
    "busy": (ExitStatus.REFUSED, "486 Busy Here"),
    "no-answer": (ExitStatus.REFUSED, "given up"),
    "plain-answer": (ExitStatus.INSECURE, "would not encrypt"),
    "plain-offer": (ExitStatus.INSECURE, "would not encrypt"),
    "silent": (ExitStatus.NO_MEDIA, "no authenticated packet came"),
    "wrong-key": (ExitStatus.NO_MEDIA, "no authenticated packet came"),
    "wrong-certificate": (ExitStatus.UNTRUSTED, "unknown-ca"),
    "tone": (1, "what came back is not what was said"),
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    async def run() -> list[Outcome]:
        return await asyncio.gather(*(demonstrate(name) for name in FAILURES))

    return dict(zip(FAILURES, asyncio.run(run()), strict=True))


@pytest.fixture(scope="module")
def echoed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    folder = tmp_path_factory.mktemp("demo")
    return asyncio.run(demonstrate("echo", keep=folder)), folder


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_not_the_speech_over_an_encrypted_path_fails_with_its_reason(
    outcomes: dict[str, Outcome], name: str
) -> None:
    exit_status, reason = FAILURES[name]
    assert reason in outcomes[name].reason
    assert outcomes[name].exit_status == exit_status


def test_the_echo_brings_the_speech_back_over_an_encrypted_path(
    echoed: tuple[Outcome, Path],
) -> None:
    outcome, _ = echoed
    assert outcome.reason == ""
    assert outcome.exit_status == 0
    assert outcome.likeness is not None
    assert outcome.likeness.correlation >= 0.95
    media = outcome.call["media"]
    assert (media["suite"], media["keying"]) == ("AEAD_AES_256_GCM", "sdes")
    assert media["trust"] == "hop by hop"
    assert outcome.call["quality"]["rejected"] == 0


def test_every_report_fits_the_schema(
    outcomes: dict[str, Outcome], echoed: tuple[Outcome, Path]
) -> None:
    for outcome in (*outcomes.values(), echoed[0]):
        jsonschema.validate(outcome.call, schema("call"))


def test_a_peer_of_another_authority_is_sent_no_sip(outcomes: dict[str, Outcome]) -> None:
    report = outcomes["wrong-certificate"].call
    assert report["signalling"] is None
    assert report["failure"] == {
        "stage": "signalling",
        "reason": outcomes["wrong-certificate"].reason,
        "rule": "unknown-ca",
    }


def test_an_unencrypted_call_sends_no_packet(outcomes: dict[str, Outcome]) -> None:
    for name in ("plain-answer", "plain-offer"):
        quality: dict[str, Any] = outcomes[name].call["quality"]
        assert quality["sent"] == 0


def test_secrets_lie_in_files_of_their_owner_alone(echoed: tuple[Outcome, Path]) -> None:
    _, folder = echoed
    for name in ("password", "trunk.key", "recorded.wav"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name
    assert "password = {" in (folder / "settings.toml").read_text()
    assert not list(folder.rglob("*ca*.key")), json.dumps([str(p) for p in folder.iterdir()])
