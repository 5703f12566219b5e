"""Opus and G.722 with baresip, called and calling: speech, wideband, digits."""

from __future__ import annotations

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
GOOD = 3.5
"""PESQ-WB, from 1 to 4.64."""
LIKE = 0.9
"""Correlation of envelopes, where the package pesq is missing."""
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


KINDS = {
    "G722": Kind("G722", "G722/16000/1", 16000, 1),
    "opus": Kind("opus", "opus/48000/2", 48000, 2),
}


@dataclass(frozen=True)
class Conversation:
    """One whole call: Offhook said `ours`, baresip `theirs`; who heard what."""

    kind: Kind
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
        return (
            (self.ours, self.heard_by_baresip),
            (self.theirs, self.heard_by_offhook),
        )


@pytest.fixture(scope="module")
def lab(
    peers: None,  # noqa: ARG001 - skips
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Laboratory, None, None]:
    needed = [MODULE_FOLDER / "opus.so", MODULE_FOLDER / "g722.so"]
    needed += [*wideband.files(wideband.OURS), *wideband.files(wideband.THEIRS)]
    lacking = ", ".join(str(file) for file in needed if not file.is_file())
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
    with (bob._directory / "config").open("a") as configuration:
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
        (dump,) = bob._directory.glob("dump-*-dec.wav")
    heard, recorded_rate = wideband.read_wav(recording)
    return Conversation(
        kind,
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
    for said, heard in conversation.directions:
        if conversation.kind.name == "G722":
            assert wideband.correlation(said, heard) >= ARRIVED
        elif pesq is None:
            assert wideband.envelope_correlation(said, heard) >= LIKE
        else:
            assert pesq.pesq(wideband.RATE, said, wideband.aligned(said, heard), "wb") >= GOOD


def test_what_narrow_band_has_not_arrives_too(conversation: Conversation) -> None:
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
        if pesq is not None:
            assert pesq.pesq(wideband.RATE, said, wideband.aligned(said, heard), "wb") < 2


def test_digits_arrive_both_ways(conversation: Conversation) -> None:
    assert conversation.digits_heard_by_baresip == FROM_OFFHOOK
    assert conversation.report["digits_received"] == FROM_BARESIP
