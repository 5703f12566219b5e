"""Every codec with baresip, called and calling: speech, wideband, digits.

With OFFHOOK_CODEC_TABLE=FILE in the environment, what was found is written there as JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.interop.lab import wideband
from tests.interop.lab.laboratory import SPEECH_S, Laboratory, let_speak
from tests.interop.lab.logs import show_logs_of
from tests.interop.lab.offhook import Ended
from tests.interop.lab.speech import Samples

try:
    import pesq  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:
    pesq = None

ARRIVED, STRANGE = 0.95, 0.2
GOOD_NARROW = 3.0
"""PESQ of G.711, which itself has 3.9 with this voice."""
STRANGE_QUALITY = 2.2
LIKE = 0.9
"""Correlation of envelopes, where the package pesq is missing."""
DIRECTIONS = ("Offhook to baresip", "baresip to Offhook")
TABLE = "OFFHOOK_CODEC_TABLE"
FROM_OFFHOOK, FROM_BARESIP = "159#", "*02"
MODULES = "module opus.so\nmodule g722.so\nopus_bitrate 48000\n"
MODULE_FOLDER = Path("/usr/lib/baresip/modules")
# Long enough for Offhook's digits, which take the place of its speech.
LEAD_S, TAIL_S = 1.5, 90.0


@dataclass(frozen=True)
class Kind:
    """A codec, as baresip names it, and what files its two ends want."""

    name: str
    baresip: str
    rate: int
    channels: int

    @property
    def wide(self) -> bool:
        return self.rate > 8000

    def heard_of(self, samples: Samples) -> Samples:
        """What of 16 kHz speech it can carry."""
        return samples if self.wide else wideband.narrowed(samples)


KINDS = {
    "PCMA": Kind("PCMA", "PCMA/8000/1", 8000, 1),
    "PCMU": Kind("PCMU", "PCMU/8000/1", 8000, 1),
    "G722": Kind("G722", "G722/16000/1", 16000, 1),
    "opus": Kind("opus", "opus/48000/2", 48000, 2),
}


@dataclass(frozen=True)
class Conversation:
    """One whole call: Offhook said `ours`, baresip `theirs`; who heard what."""

    kind: Kind
    caller: str
    ended: Ended
    ours: Samples
    theirs: Samples
    heard_by_offhook: Samples
    recorded_rate: int
    heard_by_baresip: Samples
    digits_heard_by_baresip: str

    @property
    def report(self) -> dict[str, Any]:
        (call,) = self.ended.report.get("calls", [self.ended.report])
        return dict(call)

    @property
    def directions(self) -> tuple[tuple[Samples, Samples], ...]:
        """What was said and what was heard of it, from Offhook and to it."""
        return (
            (self.kind.heard_of(self.ours), self.heard_by_baresip),
            (self.kind.heard_of(self.theirs), self.heard_by_offhook),
        )

    def quality(self, said: Samples, heard: Samples) -> float | None:
        """PESQ; None where the package is missing."""
        if pesq is None:
            return None
        one, other = said, wideband.aligned(said, heard)
        if self.kind.wide:
            return float(pesq.pesq(wideband.RATE, one, other, "wb"))
        halved = (wideband.halved(each) for each in (one, other))
        return float(pesq.pesq(wideband.RATE // 2, *halved, "nb"))


@pytest.fixture(scope="module")
def lab(
    peers: None,  # noqa: ARG001 - skips
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Laboratory, None, None]:
    needed = [MODULE_FOLDER / "opus.so", MODULE_FOLDER / "g722.so"]
    needed += [*wideband.files(wideband.OURS), *wideband.files(wideband.THEIRS)]
    lacking = ", ".join(str(file) for file in needed if not file.is_file())
    if pesq is None and os.environ.get("OFFHOOK_REQUIRE_PEERS"):
        pytest.fail("not installed: pesq (scripts/test interop installs it)")
    if lacking and os.environ.get("OFFHOOK_REQUIRE_PEERS"):
        pytest.fail(f"not installed: {lacking}")
    if lacking:
        pytest.skip(f"not installed: {lacking}")
    directory = tmp_path_factory.mktemp("codecs")
    show_logs_of(request.node, directory)
    with Laboratory(directory) as laboratory:
        yield laboratory


@pytest.fixture(
    scope="module",
    params=[(kind, caller) for kind in KINDS for caller in ("offhook calls", "baresip calls")],
    ids=lambda each: f"{each[0]}, {each[1]}",
)
def conversation(lab: Laboratory, request: pytest.FixtureRequest) -> Conversation:
    """Both speak wideband for as long as they have words, and send digits."""
    name, caller = request.param
    kind = KINDS[name]
    ours = wideband.wide_speech(wideband.OURS, SPEECH_S)
    theirs = wideband.wide_speech(wideband.THEIRS, SPEECH_S)
    place = lab.directory / f"{name}-{caller.replace(' ', '-')}"
    # Offhook's file has 16 kHz for either codec: with Opus it is resampled.
    our_file, their_file = (
        wideband.write_wav(
            place.with_suffix(f".{which}.wav"),
            samples,
            rate=rate,
            channels=channels,
            before_s=LEAD_S,
            after_s=TAIL_S,
        )
        for which, samples, rate, channels in (
            ("ours", ours, wideband.RATE, 1),
            ("theirs", theirs, kind.rate, kind.channels),
        )
    )
    recording = place.with_suffix(".heard.wav")
    talk = ["--play", str(our_file), "--record", str(recording), "--digits", FROM_OFFHOOK]
    bob = lab.telephone(lab.stock, "bob", their_file, codecs=kind.baresip)
    with (bob.directory / "config").open("a") as configuration:
        configuration.write(MODULES)
    phone = lab.desk()
    with bob:
        if caller == "offhook calls":
            command = phone.run("call", "sip:bob@stock.test", *talk)
        else:
            command = phone.run("answer", "--calls", "1", *talk)
        with command:
            command.wait_registered(lab.secure, "alice")
            if caller == "baresip calls":
                bob.dial("sip:alice@secure.test")
            bob.wait_established()
            let_speak(LEAD_S + SPEECH_S + 0.5)
            bob.send_digits(FROM_BARESIP)
            digits = bob.digits_heard(len(FROM_OFFHOOK))
            bob.hang_up()
            bob.wait_closed()
            ended = command.end()
        (dump,) = bob.directory.glob("dump-*-dec.wav")
    heard, recorded_rate = wideband.read_wav(recording)
    return Conversation(
        kind,
        caller,
        ended,
        ours,
        theirs,
        heard,
        recorded_rate,
        wideband.read_wav(dump)[0],
        digits,
    )


def test_the_call_is_completed_with_that_codec(conversation: Conversation) -> None:
    report = conversation.report
    assert conversation.ended.status == 0
    assert report["outcome"] == "completed"
    assert report["media"]["codec"] == conversation.kind.name
    assert report["media"]["keying"] == "sdes"
    assert report["quality"]["lost"] == 0


def test_the_recording_has_the_rate_of_the_session(conversation: Conversation) -> None:
    assert conversation.recorded_rate == conversation.kind.rate


def test_speech_arrives_both_ways(conversation: Conversation) -> None:
    for direction, (said, heard) in zip(DIRECTIONS, conversation.directions, strict=True):
        quality = conversation.quality(said, heard)
        likeness = wideband.correlation(said, heard)
        note(conversation, direction, quality, likeness)
        if conversation.kind.name != "opus":
            assert likeness >= ARRIVED
        elif quality is None:
            assert wideband.envelope_correlation(said, heard) >= LIKE
        assert quality is None or quality >= (
            wideband.GOOD if conversation.kind.wide else GOOD_NARROW
        )


def note(
    conversation: Conversation, direction: str, quality: float | None, likeness: float
) -> None:
    """One row of the table, if there is to be one."""
    if TABLE not in os.environ:
        return
    file = Path(os.environ[TABLE])
    rows = json.loads(file.read_text()) if file.is_file() else {}
    report = conversation.report
    rows[f"{conversation.kind.name}, {conversation.caller}, {direction}"] = {
        "codec": conversation.kind.name,
        "caller": conversation.caller,
        "direction": direction,
        "pesq": None if quality is None else round(quality, 2),
        "correlation": round(likeness, 3),
        "suite": report["media"]["suite"],
        "lost": report["quality"]["lost"],
    }
    file.write_text(json.dumps(rows, indent=1) + "\n")


def test_what_narrow_band_has_not_arrives_too(conversation: Conversation) -> None:
    if not conversation.kind.wide:
        return
    for said, heard in conversation.directions:
        high, arrived = (
            wideband.upper_band(each) for each in (said, wideband.aligned(said, heard))
        )
        assert abs(arrived.astype(float)).mean() > 0.4 * abs(high.astype(float)).mean()
        if conversation.kind.name == "G722":
            assert wideband.correlation(high, arrived) >= 0.7


def test_control_other_speech_is_not_heard(conversation: Conversation) -> None:
    for said, heard in (
        (conversation.theirs, conversation.heard_by_baresip),
        (conversation.ours, conversation.heard_by_offhook),
    ):
        assert wideband.correlation(said, heard) < STRANGE + 0.1
        assert (conversation.quality(said, heard) or 1) < STRANGE_QUALITY


def test_digits_arrive_both_ways(conversation: Conversation) -> None:
    assert conversation.digits_heard_by_baresip == FROM_OFFHOOK
    assert conversation.report["digits_received"] == FROM_BARESIP
