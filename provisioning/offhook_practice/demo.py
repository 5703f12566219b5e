"""The demonstration: a practice trunk, a phone, one call to the echo, and what came of it.

`python -m offhook_practice.demo` makes a throw-away authority, starts the trunk on loopback, lets
the phone (a process of its own) register, call, speak and hang up, and compares what was recorded
with what was played. It exits 0 only if the speech came back over an encrypted path.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from offhook.base.errors import OffhookError
from offhook.base.secret import Secret
from offhook_practice.cli import DOMAIN, USER
from offhook_practice.extensions import EXTENSIONS
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import PracticeFiles, make_practice_pki
from offhook_practice.report import render
from offhook_practice.speech import (
    RATE,
    Likeness,
    Samples,
    compare,
    compose,
    read_wav,
    write_wav,
)
from offhook_practice.trunk import PracticeTrunk

SPEECH_S: Final = 6.0
MOST_DELAY_MS: Final = 800.0
ALIKE: Final = 0.95
"""Correlation from which on speech counts as having come back."""
POLL_S: Final = 0.05
DEMONSTRABLE: Final = frozenset(
    {"echo", "tone", "busy", "no-answer", "plain-offer", "plain-answer", "silent", "wrong-key"}
)
TRUST_ANOTHER: Final = "wrong-certificate"
"""Not an extension: the phone is told to trust another authority than the trunk's."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demonstration found; `reason` is empty where all is well."""

    call: dict[str, Any]
    likeness: Likeness | None
    reason: str
    exit_status: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0 only if the speech came back over an encrypted path."""
    options = _parser().parse_args(arguments)
    try:
        outcome = asyncio.run(demonstrate(options.dial, play=options.play, keep=options.keep))
    except OffhookError as error:
        sys.stderr.write(f"demonstration: {error}\n")
        return 1
    if options.json:
        likeness = outcome.likeness
        found = {
            "call": outcome.call,
            "correlation": None if likeness is None else round(likeness.correlation, 4),
            "round_trip_ms": None if likeness is None else likeness.delay_ms,
            "reason": outcome.reason,
        }
        sys.stdout.write(f"{json.dumps(found, indent=2)}\n")
    else:
        sys.stdout.write(f"{render(outcome.call, outcome.likeness, outcome.reason)}\n")
    return outcome.exit_status


async def demonstrate(dial: str, *, play: Path | None = None, keep: Path | None = None) -> Outcome:
    """One call to the extension `dial`; `keep` is a folder for everything that is made."""
    if keep is not None:
        return await _demonstrate(keep, dial, play)
    with tempfile.TemporaryDirectory(prefix="offhook-demo-") as folder:
        return await _demonstrate(Path(folder), dial, play)


async def _demonstrate(folder: Path, dial: str, play: Path | None) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  nothing else runs yet
    played = compose(SPEECH_S) if play is None else read_wav(play)
    write_wav(folder / "played.wav", played)
    files = make_practice_pki(folder, DOMAIN)
    anchor = files.ca
    if dial == TRUST_ANOTHER:
        anchor = make_practice_pki(folder / "another", DOMAIN, ca_name="another-ca").ca
        dial = "echo"
    password = Secret(secrets.token_urlsafe(18))
    trunk = _trunk(files, password)
    address = await trunk.start()
    settings = write_phone_settings(folder, PhoneAccess(DOMAIN, USER, password, address, anchor))
    recorded = folder / "recorded.wav"
    seconds = len(played) / RATE + MOST_DELAY_MS / 1000
    talk = ("--play", str(folder / "played.wav"), "--record", str(recorded))
    try:
        if dial == "plain-offer":
            call, exit_status = await _be_called(trunk, settings, dial)
        else:
            arguments = ("call", dial, *talk, "--seconds", f"{seconds:.2f}", "--ring", "8")
            call, exit_status = await _phone(settings, arguments)
    finally:
        await trunk.stop()
    return _judge(call, exit_status, recorded, played)


async def _be_called(trunk: PracticeTrunk, settings: Path, dial: str) -> tuple[dict[str, Any], int]:
    """The phone waits for a call, and the trunk makes it; the report is the call's."""
    phone = asyncio.create_task(_phone(settings, ("answer", "--calls", "1", "--wait", "8")))
    while not phone.done() and not trunk.call(USER, dial):  # noqa: ASYNC110  another process's
        await asyncio.sleep(POLL_S)
    report, exit_status = await phone
    calls = report.get("calls") or [{}]
    return calls[0], exit_status


def _trunk(files: PracticeFiles, password: Secret) -> PracticeTrunk:
    return PracticeTrunk(DOMAIN, {USER: password}, files.certificate, files.key)


async def _phone(settings: Path, arguments: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Run `offhook` as a process of its own; its report and exit status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "offhook.app.cli",
        *arguments,
        "--settings",
        str(settings),
        "--json",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    try:
        return json.loads(output), int(process.returncode or 0)
    except ValueError:
        return {}, int(process.returncode or 1)


def _judge(call: dict[str, Any], exit_status: int, recorded: Path, played: Samples) -> Outcome:
    """Everything that has to be true of a good demonstration, checked on what was really had."""
    likeness = None
    if recorded.exists():
        likeness = compare(played, read_wav(recorded), MOST_DELAY_MS)
    media = call.get("media") or {}
    quality = call.get("quality") or {}
    checks = (
        (bool(call), "the phone gave no report"),
        (exit_status == 0, str(call.get("reason") or "the phone's exit status")),
        (call.get("outcome") == "completed", f"the call was not completed: {call.get('outcome')}"),
        ((call.get("signalling") or {}).get("peer_name") == DOMAIN, "the trunk was not verified"),
        (media.get("suite") is not None, "the speech was not encrypted"),
        (quality.get("received", 0) > 0, "no authenticated packet came back"),
        (likeness is not None, "nothing was recorded"),
        (
            likeness is not None and likeness.correlation >= ALIKE,
            "what came back is not what was said",
        ),
    )
    failed = [reason for passed, reason in checks if not passed]
    if not failed:
        return Outcome(call, likeness, "", 0)
    return Outcome(call, likeness, failed[0], exit_status or 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/run --demo",
        description="Call the practice trunk and see whether speech comes back encrypted.",
    )
    parser.add_argument(
        "--dial",
        default="echo",
        choices=[each.name for each in EXTENSIONS if each.name in DEMONSTRABLE] + [TRUST_ANOTHER],
        help="what to show (default: echo); all others must fail, each with its reason",
    )
    parser.add_argument("--play", type=Path, metavar="IN.wav", help="speech of your own")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep recordings and settings")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
