"""The engine in this process: commands in, reports out, over real ports."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from tests.app.engine.scene import SUITE, HandSound, MadeSound, Side, connected, play, towards
from tests.protocols.media.likeness import correlation, piecewise
from tests.protocols.media.link import CODECS, FORMAT, periods, speech, vowels
from tests.shells.audio.test_wav import read_wav, write_wav

from offhook.app.engine.engine import MAX_SESSIONS, Engine
from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress, PcmFormat
from offhook.protocols.keying.srtp_keys import SrtpKeys
from offhook.protocols.media import g722
from offhook.protocols.media.keying_messages import Keyed
from offhook.protocols.media.messages import (
    Command,
    DtmfReceived,
    FirstPacketSent,
    KeysConfirmed,
    LocalReady,
    Prepare,
    Report,
    SendDtmf,
    SessionFailed,
    SetRemote,
    Start,
    Stop,
    Stopped,
)
from offhook.shells.audio.sound import OnPeriod
from offhook.shells.audio.wav import WavSound

BOTH = ("AEAD_AES_256_GCM", SUITE)


def test_prepare_opens_a_path_and_makes_a_fresh_key_per_suite_in_order() -> None:
    async def scene() -> None:
        side = Side("a")
        first, second = side.prepare(1, BOTH), side.prepare(2, BOTH)
        for ready in (first, second):
            assert [line.tag for line in ready.crypto] == [1, 2]
            assert [line.suite.name for line in ready.crypto] == list(BOTH)
            assert [len(line.master) for line in ready.crypto] == [44, 30]
            assert ready.rtp.host == ready.rtcp.host == "127.0.0.1"
            assert ready.rtcp.port == ready.rtp.port + 1
        masters = [line.master for ready in (first, second) for line in ready.crypto]
        assert all(one != other for one in masters for other in masters if one is not other)
        side.engine.close()

    play(scene())


@pytest.mark.parametrize("mux", [True, False])
def test_speech_crosses_two_engines(mux: bool) -> None:
    async def scene() -> None:
        alice, bob = Side("a"), Side("b")
        connected(alice, bob, mux=mux)
        said = speech(1)
        heard = b""
        for at in range(0, len(said), FORMAT.octets):
            alice.sound.period(said[at : at + FORMAT.octets])
            heard += bob.sound.period(bytes(FORMAT.octets))
            await asyncio.sleep(0.001)
        for _ in range(6):
            heard += bob.sound.period(bytes(FORMAT.octets))
            await asyncio.sleep(0.001)
        assert correlation(said, heard)[0] >= 0.999
        assert alice.of(FirstPacketSent)[0].after_ms < 1000
        assert len(bob.of(KeysConfirmed)) == len(alice.of(KeysConfirmed)) == 1
        alice.engine.handle(Stop(1))
        bob.engine.handle(Stop(1))
        statistics = (await bob.wait(Stopped)).statistics
        assert (statistics.received, statistics.lost, statistics.rejected) == (50, 0, 0)
        assert (alice.sound.opened, alice.sound.closed) == (1, 1)

    play(scene())


def test_what_came_while_the_sound_was_opened_is_not_played_late() -> None:
    class SlowSound(HandSound):
        """So slow to open that the other side has said a third of a second meanwhile."""

        def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
            super().open(pcm_format, on_period)
            for _ in range(16):
                alice.sound.period(bytes(FORMAT.octets))
                alice.engine._sessions[1]._pump()

    alice: Side

    async def scene() -> None:
        nonlocal alice
        slow = SlowSound()
        alice, bob = Side("a"), Side("b", lambda _: slow)
        connected(alice, bob)
        heard = b""
        said = speech(1)
        for at in range(0, len(said), FORMAT.octets):
            alice.sound.period(said[at : at + FORMAT.octets])
            heard += slow.period(bytes(FORMAT.octets))
            await asyncio.sleep(0.001)
        delay_ms = correlation(said, heard)[1] / 8
        assert delay_ms <= 100
        bob.engine.handle(Stop(1))
        assert (await bob.wait(Stopped)).statistics.received == 50
        alice.engine.close()

    play(scene())


@pytest.mark.parametrize(("name", "rate", "like"), [("G722", 16000, 0.99), ("opus", 48000, 0.8)])
def test_the_sound_is_opened_at_the_codecs_own_rate(name: str, rate: int, like: float) -> None:
    async def scene() -> None:
        alice, bob = Side("a"), Side("b")
        connected(alice, bob, codec=CODECS[name])
        pcm_format = PcmFormat(rate, 20)
        assert (alice.sound.pcm_format, bob.sound.pcm_format) == (pcm_format, pcm_format)
        said = vowels(1, rate)
        heard = b""
        for spoken in (*periods(said, pcm_format.octets), *6 * [bytes(pcm_format.octets)]):
            alice.sound.period(spoken)
            heard += bob.sound.period(bytes(pcm_format.octets))
            await asyncio.sleep(0.001)
        assert correlation(said, heard)[0] >= like
        alice.engine.close()
        bob.engine.close()

    play(scene())


def test_a_codec_whose_library_is_missing_ends_the_session_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(g722, "G722", None)

    async def scene() -> None:
        alice, bob = Side("a"), Side("b")
        mine, theirs = alice.prepare(), bob.prepare()
        alice.engine.handle(towards(mine, theirs, codec=CODECS["G722"]))
        (failed,) = alice.of(SessionFailed)
        assert "pip install g722" in failed.reason
        assert alice.of(Stopped)
        bob.engine.close()

    play(scene())


def test_digits_cross_two_engines() -> None:
    async def scene() -> None:
        alice, bob = Side("a"), Side("b")
        connected(alice, bob)
        alice.engine.handle(SendDtmf(1, "17#"))
        for _ in range(40):
            alice.sound.period(bytes(FORMAT.octets))
            await asyncio.sleep(0)
        await bob.wait(DtmfReceived, 3)
        assert [report.digit for report in bob.of(DtmfReceived)] == ["1", "7", "#"]
        alice.engine.close()
        bob.engine.close()

    play(scene())


def free_ports() -> range:
    side = Side("x")
    first = side.prepare().rtp.port
    side.engine.close()
    return range(first, first + 2)


READY = LocalReady(1, PathAddress("127.0.0.1", 9), PathAddress("127.0.0.1", 9), ())


def test_stop_for_an_unknown_session_asks_for_nothing() -> None:
    async def scene() -> None:
        side = Side("a")
        side.engine.handle(Stop(1))
        assert side.reports == []

    play(scene())


@pytest.mark.parametrize("command", [Start(1), SendDtmf(1, "1")])
def test_a_command_for_an_unknown_session_is_a_report(command: Command) -> None:
    async def scene() -> None:
        side = Side("a")
        side.engine.handle(command)
        assert side.reports == [SessionFailed(1, "there is no session of this number")]

    play(scene())


@pytest.mark.parametrize("before", ["prepared", "agreed", "running"])
@pytest.mark.parametrize("wrong", [Prepare, SetRemote, Start])
def test_a_command_in_the_wrong_order_ends_the_session_with_its_reason(
    before: str, wrong: type[Command]
) -> None:
    fitting = {("prepared", SetRemote), ("agreed", SetRemote), ("running", SetRemote)}

    async def scene() -> None:
        side, other = Side("a"), Side("b")
        terms = towards(side.prepare(), other.prepare())
        if before != "prepared":
            side.engine.handle(terms)
        if before == "running":
            side.engine.handle(Start(1))
        ways: dict[type[Command], Command] = {
            Prepare: Prepare(1, "127.0.0.1", BOTH),
            SetRemote: terms,
            Start: Start(1),
        }
        side.engine.handle(ways[wrong])
        if (before, wrong) in fitting or (before, wrong) == ("agreed", Start):
            assert not side.of(SessionFailed)
        else:
            failed, stopped = side.reports[-2:]
            assert isinstance(failed, SessionFailed)
            assert f"{wrong.__name__} does not fit a session" in failed.reason
            assert isinstance(stopped, Stopped)
            assert side.engine._sessions == {}
        side.engine.close()
        other.engine.close()

    play(scene())


def test_digits_that_cannot_be_sent_are_dropped_and_the_call_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        side, other = Side("a"), Side("b")
        side.engine.handle(SendDtmf(1, "1"))
        terms = towards(side.prepare(), other.prepare(), dtmf=None)
        side.engine.handle(SendDtmf(1, "1"))
        side.engine.handle(terms)
        side.engine.handle(Start(1))
        side.engine.handle(SendDtmf(1, "1"))
        side.engine.handle(replace(terms, dtmf_payload_type=101))
        side.engine.handle(SendDtmf(1, "one"))
        assert len(side.of(SessionFailed)) == 1
        assert caplog.text.count("digits dropped") == 3
        side.engine.close()
        other.engine.close()

    play(scene())


def test_a_report_may_be_answered_by_a_command_at_once() -> None:
    async def scene() -> None:
        other = Side("b")
        theirs = other.prepare()
        reports: list[Report] = []

        def answer(report: Report) -> None:
            reports.append(report)
            if isinstance(report, LocalReady):
                engine.handle(towards(report, theirs))
                engine.handle(Start(report.session))
                engine.handle(Stop(report.session))
                if report.session == 1:
                    engine.handle(Prepare(2, "127.0.0.1", (SUITE,)))
            elif isinstance(report, SessionFailed | Stopped):
                engine.handle(Stop(report.session))

        engine = Engine(lambda _: HandSound(), SeededRandomness("a"), answer)
        engine.handle(Prepare(1, "127.0.0.1", (SUITE,)))
        assert [type(report) for report in reports] == [LocalReady, Keyed, Stopped] * 2
        assert engine._sessions == {}
        engine.close()
        other.engine.close()

    play(scene())


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (Prepare(1, "phone.example", BOTH), "no IP address"),
        (Prepare(1, "192.0.2.77", BOTH), "192.0.2.77"),
        (Prepare(1, "127.0.0.1", ()), "suites have to be some of"),
        (Prepare(1, "127.0.0.1", ("NULL_HMAC_SHA1_80",)), "suites have to be some of"),
        (Prepare(1, "127.0.0.1", (SUITE, SUITE)), "suites have to be some of"),
        (Prepare(1, "127.0.0.1", BOTH, dscp=64), "no DSCP"),
        (Prepare(1, "x" * 10_000, BOTH), "no IP address"),
    ],
)
def test_what_cannot_be_prepared_is_a_report_and_leaves_no_session(
    prepare: Prepare, text: str
) -> None:
    async def scene() -> None:
        side = Side("a")
        side.engine.handle(prepare)
        failed, stopped = side.reports
        assert isinstance(failed, SessionFailed)
        assert isinstance(stopped, Stopped)
        assert text[:20] in failed.reason or "x" * 100 in failed.reason
        assert len(failed.reason) <= 300
        side.prepare()
        side.engine.close()

    play(scene())


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("defect", ["short key", "own key", "host name", "ptime"])
def test_parameters_of_which_nothing_can_be_made_end_the_session(
    defect: str, running: bool
) -> None:
    async def scene() -> None:
        side, other = Side("a"), Side("b")
        good = towards(side.prepare(), other.prepare())
        if running:
            side.engine.handle(good)
            side.engine.handle(Start(1))
        short = replace(good.receive_keys, master=Secret(b"short"))
        side.engine.handle(
            {
                "short key": replace(good, keys=SrtpKeys(good.send_keys, short)),
                "own key": replace(good, keys=SrtpKeys(good.send_keys, good.send_keys)),
                "host name": replace(good, remote=PathAddress("phone.example", 4000)),
                "ptime": replace(good, ptime_ms=7),
            }[defect]
        )
        assert [type(report) for report in side.reports[-2:]] == [SessionFailed, Stopped]
        assert "short" not in repr(side.reports)
        assert side.sound.closed == running
        other.engine.close()

    play(scene())


def test_a_sound_that_does_not_open_ends_the_session_with_its_reason(tmp_path: Path) -> None:
    async def scene() -> None:
        side, other = Side("a", lambda _: WavSound(tmp_path / "in.wav")), Side("b")
        side.engine.handle(towards(side.prepare(), other.prepare()))
        side.engine.handle(Start(1))
        assert "can't be read" in side.of(SessionFailed)[0].reason
        assert side.of(Stopped)
        other.engine.close()

    play(scene())


def test_many_sessions_run_beside_each_other_up_to_a_bound() -> None:
    async def scene() -> None:
        side = Side("a")
        ports = {side.prepare(n).rtp.port for n in range(MAX_SESSIONS)}
        assert len(ports) == MAX_SESSIONS
        side.engine.handle(Prepare(MAX_SESSIONS, "127.0.0.1", BOTH))
        assert "more than" in side.of(SessionFailed)[-1].reason
        side.engine.handle(Stop(3))
        side.prepare(MAX_SESSIONS)
        side.engine.close()
        assert len(side.of(Stopped)) == MAX_SESSIONS + 1

    play(scene())


def test_garbage_on_the_ports_does_not_stop_the_call() -> None:
    async def scene() -> None:
        alice, bob = Side("a"), Side("b")
        connected(alice, bob)
        ready = bob.of(LocalReady)[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for size in (0, 1, 2, 11, 12, 40, 172, 1500, 2000):
                for port in (ready.rtp, ready.rtcp):
                    stranger.sendto(b"\x80\x08" + os.urandom(size), port)
                    stranger.sendto((b"\xff" + os.urandom(size))[:size], port)  # no media at all
        for _ in range(20):
            alice.sound.period(bytes(FORMAT.octets))
            bob.sound.period(bytes(FORMAT.octets))
            await asyncio.sleep(0.001)
        bob.engine.handle(Stop(1))
        statistics = bob.of(Stopped)[0].statistics
        assert (statistics.rejected, statistics.received) == (18, 20)
        alice.engine.close()

    play(scene())


def test_a_re_invite_to_hold_and_back_keeps_the_session() -> None:
    async def scene() -> None:
        alice, bob = Side("a"), Side("b")
        connected(alice, bob)
        for sending in (False, True):
            terms = towards(alice.of(LocalReady)[0], bob.of(LocalReady)[0])
            alice.engine.handle(replace(terms, sending=sending))
            before = len(alice.reports)
            for _ in range(10):
                alice.sound.period(bytes(FORMAT.octets))
                await asyncio.sleep(0.001)
            assert len(alice.reports) >= before
        assert not alice.of(SessionFailed)
        bob.engine.handle(Stop(1))
        assert bob.of(Stopped)[0].statistics.received == 10
        alice.engine.close()

    play(scene())


def test_an_echo_comes_back_and_its_delay_is_in_the_recording(tmp_path: Path) -> None:
    said = speech(1.5)
    write_wav(tmp_path / "in.wav", said)

    async def scene() -> None:
        wav = WavSound(tmp_path / "in.wav", tmp_path / "out.wav")
        alice, bob = Side("a", lambda _: wav), Side("b", lambda _: MadeSound(lambda heard: heard))
        connected(alice, bob)
        await asyncio.sleep(2)
        alice.engine.handle(Stop(1))
        bob.engine.handle(Stop(1))

    play(scene())
    pieces = piecewise(said, read_wav(tmp_path / "out.wav"))
    assert median(likeness for likeness, _ in pieces) >= 0.99
    assert 8 * 100 <= median(delay for _, delay in pieces) <= 8 * 300


def test_a_loop_that_stands_still_costs_what_it_lasted_and_no_delay() -> None:
    async def scene() -> None:
        alice, bob = Side("a"), Side("b")
        connected(alice, bob)
        silence = bytes(FORMAT.octets)
        for n in range(60):
            alice.sound.period(silence)
            bob.sound.period(silence)
            if not 20 <= n < 30:  # in between, the loop of both does not run
                await asyncio.sleep(0.001)
        sound = bob.session_sound()
        assert len(sound.playing) <= 3
        assert len(sound.captured) == 0
        bob.engine.handle(Stop(1))
        statistics = bob.of(Stopped)[0].statistics
        assert statistics.received == 60
        assert 8 <= statistics.underruns <= 14
        alice.engine.close()

    play(scene())


def test_more_held_ready_than_needed_is_given_up_again() -> None:
    async def scene() -> None:
        side, other = Side("a"), Side("b")
        connected(side, other)
        silence = bytes(FORMAT.octets)
        for _ in range(3):
            side.sound.period(silence)
        await asyncio.sleep(0.01)
        sound = side.session_sound()
        held = []
        for _ in range(600):
            side.sound.period(silence)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            held.append(len(sound.playing))
        assert held[0] == 3
        assert held[-1] == 1
        side.engine.close()
        other.engine.close()

    play(scene())


def test_ports_of_a_range_are_used_and_given_back() -> None:
    async def scene() -> None:
        reports: list[Report] = []
        ports = free_ports()
        engine = Engine(
            lambda _: MadeSound(bytes), SeededRandomness("a"), reports.append, ports=ports
        )
        for _ in range(50):
            engine.handle(Prepare(1, "127.0.0.1", BOTH))
            ready = reports[-1]
            assert isinstance(ready, LocalReady)
            assert ready.rtp.port in ports
            engine.handle(Stop(1))

    play(scene())


def test_impossible_ports_are_refused() -> None:
    for ports in (range(10), range(60_000, 70_000)):
        with pytest.raises(LocalError, match="don't exist"):
            Engine(lambda _: MadeSound(bytes), SeededRandomness("a"), print, ports=ports)


def test_terms_name_the_session_they_are_for() -> None:
    assert isinstance(READY, LocalReady)
    assert SetRemote.__slots__[0] == "session"
