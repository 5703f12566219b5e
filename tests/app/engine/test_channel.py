"""The channel's datagrams."""

from __future__ import annotations

import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.app.engine import channel
from offhook.base.errors import LocalError, PeerError
from offhook.base.schema.key_tones import key_tone
from offhook.base.schema.tone_plan import tone_plan
from offhook.base.secret import Secret
from offhook.base.vocabulary import AudioCodec, IceDescription, PathAddress
from offhook.protocols.keying.dtls.agreed import Agreed
from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_256_GCM,
    SUITES,
    CryptoLine,
    CryptoSuite,
    SrtpKeys,
)
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.hello_hash import HelloHash
from offhook.protocols.keying.zrtp.retained import Continuity
from offhook.protocols.media.handset_messages import (
    Beep,
    CloseHandset,
    Hush,
    Levels,
    OpenHandset,
    PlayTone,
    Say,
    SetMute,
    SetVolume,
    SoundFound,
    SoundLost,
    Spoken,
    StopTone,
    WatchLevels,
)
from offhook.protocols.media.keying_messages import (
    Keyed,
    KeyingFailed,
    KeyingWarned,
    PeerReady,
    RefusedWish,
    SasCompared,
    SasStanding,
    SuiteBroken,
    ZrtpAgreed,
    ZrtpForget,
    ZrtpOwn,
    ZrtpRecall,
    ZrtpRetain,
    ZrtpSecretsWanted,
)
from offhook.protocols.media.messages import (
    Command,
    DtmfReceived,
    FirstPacketSent,
    KeysConfirmed,
    LocalReady,
    MediaBack,
    MediaLost,
    Prepare,
    Report,
    SendDtmf,
    SessionFailed,
    SetRemote,
    Start,
    Statistics,
    Stop,
    Stopped,
)
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.media.path_messages import (
    GatherAgain,
    IceAgreed,
    IceTerms,
    PathFound,
    PathLost,
    TurnTerms,
)

HERE, THERE = PathAddress("127.0.0.1", 4000), PathAddress("::1", 5000)
ZID = bytes(range(12))
KEYS = tuple(
    CryptoLine(tag, suite, Secret(bytes([tag]) * suite.master_length))
    for tag, suite in enumerate(SUITES.values())
)
ICE = IceDescription("ufrg", Secret(b"p" * 22), ("1 1 udp 1 192.0.2.1 4 typ host",), HERE)
TURN = TurnTerms(THERE, "relay.example", (b"-----BEGIN",), "phone", Secret(b"to the relay"))
COMMANDS: list[Command] = [
    Prepare(1, "127.0.0.1", tuple(SUITES)),
    Prepare(1, "127.0.0.1", (), dtls=True, zrtp=ZrtpOwn(ZID, words=True, keep_s=0)),
    SetRemote(1, HERE, THERE, AudioCodec("PCMA", 8, 8000), 101, SrtpKeys(KEYS[0], KEYS[1])),
    SetRemote(
        1, HERE, None, AudioCodec("PCMU", 0, 8000), None, SrtpKeys(KEYS[1], KEYS[0]), sending=False
    ),
    SetRemote(
        1,
        HERE,
        None,
        AudioCodec("opus", 111, 48000, 2),
        101,
        SrtpKeys(KEYS[1], KEYS[0]),
        codec_parameters="useinbandfec=1",
        dtmf_clock_rate=8000,
        receive_events=((110, 48000),),
        opus=OpusTerms(24_000, 3),
    ),
    SetRemote(
        1,
        HERE,
        None,
        AudioCodec("PCMU", 0, 8000),
        None,
        None,
        dtls=Agreed(Role.ACTIVE, (Fingerprint("sha-256", bytes(32)),), "a" * 20),
        zrtp=ZrtpAgreed((HelloHash("1.10", bytes(32)),)),
    ),
    Start(1),
    PeerReady(1),
    ZrtpRecall(1, ZID, Secret(b"1" * 32), None, Secret(b"2" * 32), verified=True),
    ZrtpRecall(1, ZID),
    SasCompared(1, same=True),
    Prepare(1, "127.0.0.1", (), dtls=True, ice=IceTerms(THERE, TURN, local_names=True)),
    SetRemote(
        1,
        HERE,
        None,
        AudioCodec("PCMU", 0, 8000),
        None,
        None,
        dtls=Agreed(Role.ACTIVE, (Fingerprint("sha-256", bytes(32)),)),
        ice=IceAgreed(ICE, controlling=True),
    ),
    GatherAgain(1),
    SendDtmf(1, "12#"),
    Stop(1),
    OpenHandset(),
    CloseHandset(),
    PlayTone(tone_plan("JP").tone("ringback")),
    PlayTone(tone_plan("US").tone("stutter"), gain_db=-6.0),
    StopTone(),
    Beep(key_tone("7")),
    Say(7, "de", (("registered.0", 450), ("sign.0031", 90))),
    Hush(),
    SetMute(True),
    SetVolume(-3.0, None),
    SetVolume(0.0, -20.0),
    WatchLevels(100),
]
REPORTS: list[Report] = [
    LocalReady(1, HERE, THERE, KEYS),
    LocalReady(
        1, HERE, THERE, (), Fingerprint("sha-256", bytes(32)), "b" * 22, "1.10 " + "ab" * 32
    ),
    Keyed(1, Keying.ZRTP, "AES_256_CM_HMAC_SHA1_80", 812.5),
    ZrtpSecretsWanted(1, ZID),
    SasStanding(1, ZID, ("y", "b", "n", "1"), ZrtpTrust(continuity=Continuity.MISMATCH)),
    ZrtpRetain(1, ZID, Secret(b"1" * 32), None, verified=False, lifetime_s=None),
    ZrtpForget(1, ZID, expired=True),
    KeyingFailed(1, Keying.DTLS, "the certificate is another one", attack=True),
    KeyingWarned(1, RefusedWish.GO_CLEAR),
    SuiteBroken(1, "AEAD_AES_256_GCM", 50),
    KeysConfirmed(1, 1.5),
    FirstPacketSent(1, 0.0),
    DtmfReceived(1, "#", 100.0),
    MediaLost(1, 5000.0),
    MediaBack(1, 6500.0),
    SessionFailed(1, "nothing left to säy"),
    Stopped(1, Statistics(1, 2, 3, 4, 5, 6.5, 7, 8.25)),
    Stopped(1),
    LocalReady(1, HERE, HERE, (), ice=ICE),
    PathFound(1, "media goes from 192.0.2.1:4 (host) to 192.0.2.2:5 (srflx)"),
    PathLost(1, "no way to the other side was found within 20 s"),
    PathLost(1, "no way to the other side was found within 20 s", standing=True),
    Spoken(7),
    Spoken(8, "there is no fragment sign.0031"),
    Levels(-30.5, -96.0),
    SoundLost("the card is gone"),
    SoundFound("null"),
]


def test_every_message_is_among_those_that_are_tried() -> None:
    assert {type(each) for each in COMMANDS} == set(typing.get_args(Command))
    assert {type(each) for each in REPORTS} == set(typing.get_args(Report))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: type(each).__name__)
def test_each_command_crosses_unchanged(command: Command) -> None:
    assert channel.decode_command(channel.encode(command)) == command


@pytest.mark.parametrize("report", REPORTS, ids=lambda each: type(each).__name__)
def test_each_report_crosses_unchanged(report: Report) -> None:
    assert channel.decode_report(channel.encode(report)) == report


def test_keys_arrive_as_secrets() -> None:
    ready = channel.decode_report(channel.encode(REPORTS[0]))
    assert isinstance(ready, LocalReady)
    assert [type(line.master) for line in ready.crypto] == [Secret] * len(SUITES)
    assert "•••" in repr(ready)


def test_a_command_is_no_report_and_a_report_no_command() -> None:
    with pytest.raises(PeerError, match="unknown type"):
        channel.decode_report(channel.encode(Start(1)))
    with pytest.raises(PeerError, match="unknown type"):
        channel.decode_command(channel.encode(Stopped(1)))


@pytest.mark.parametrize(
    "fields",
    [
        ["Start"],
        ["Start", {}],
        ["Start", {"session": "1"}],
        ["Start", {"session": None}],
        ["Start", [1]],
        [1, {"session": 1}],
        ["start", {"session": 1}],
        ["__class__", {}],
        ["SendDtmf", {"session": 1, "digits": b"1"}],
        ["SendDtmf", {"session": 1, "digits": "1", "duration_ms": 1.5}],
        {"Start": {"session": 1}},
        [],
        None,
    ],
)
def test_a_message_of_another_form_is_the_peers_error(fields: object) -> None:
    with pytest.raises(PeerError):
        channel.decode_command(msgspec.msgpack.encode(fields))


def test_a_suite_that_lies_about_its_lengths_is_the_peers_error() -> None:
    lying = CryptoLine(1, CryptoSuite(AEAD_AES_256_GCM.name, 16, 14), Secret(bytes(30)))
    ready = LocalReady(1, HERE, HERE, (lying,))
    with pytest.raises(PeerError, match="suite"):
        channel.decode_report(channel.encode(ready))


def test_a_message_too_long_is_refused_on_both_sides() -> None:
    with pytest.raises(LocalError, match="too long"):
        channel.encode(SessionFailed(1, "x" * channel.MAX_MESSAGE))
    with pytest.raises(PeerError, match="too long"):
        channel.decode_command(bytes(channel.MAX_MESSAGE + 1))


def test_the_error_about_a_message_does_not_show_it() -> None:
    data = msgspec.msgpack.encode(["LocalReady", {"session": 1, "rtp": ["h", 1], "crypto": "KEY"}])
    with pytest.raises(PeerError) as caught:
        channel.decode_report(data)
    assert "KEY" not in str(caught.value)
    assert caught.value.__cause__ is None


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_no_octets_do_worse_than_a_peer_error(data: bytes) -> None:
    for decode in (channel.decode_command, channel.decode_report):
        with pytest.raises(PeerError):
            decode(data)


@settings(max_examples=300)
@given(st.sampled_from(COMMANDS), st.data())
def test_no_changed_octet_does_worse_than_a_peer_error(
    command: Command, data: st.DataObject
) -> None:
    changed = bytearray(channel.encode(command))
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        channel.decode_command(bytes(changed))
    except PeerError:
        return


def test_depth_without_end_is_the_peers_error() -> None:
    with pytest.raises(PeerError):
        channel.decode_command(b"\x92\xa5Start" + b"\x91" * 10_000)
