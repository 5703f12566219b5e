"""Defects that others had in their media path, each as a test that we do not have it."""

from __future__ import annotations

import os
from dataclasses import replace

from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import ALICE, BOB, MALLORY, Call, agreed, key, mirrored, speech

from offhook.protocols.media.messages import KeysConfirmed, MediaLost
from offhook.protocols.media.rtcp import Goodbye, ReceiverReport, serialise_compound
from offhook.protocols.media.rtp import RtpPacket, serialise_rtp
from offhook.protocols.media.srtp import Protector
from offhook.protocols.media.stream import PeerLeft

SAID = speech(2)


def test_cve_2021_41105_bad_packets_however_many_do_not_end_the_call() -> None:
    call = Call(alice_says=SAID)
    call.run(0.5)
    for size in range(1000):
        call.bob.stream.receive_datagram(os.urandom(size % 400), ALICE, call.now)
    call.run(1.9)
    assert correlation(SAID, call.bob.heard)[0] >= 0.999
    assert [type(event) for event in call.bob.events].count(MediaLost) == 0


def test_cve_2021_26712_a_replay_does_not_end_the_call() -> None:
    call = Call(alice_says=SAID)
    call.run(0.5)
    for _ in range(20):
        for data, _, _ in list(call.alice.sent):
            call.bob.stream.receive_datagram(data, ALICE, call.now)
    call.run(1.9)
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


def test_cve_2022_39269_set_up_anew_the_stream_stays_encrypted() -> None:
    call = Call(alice_says=SAID)
    for n in range(6):
        call.run(0.1)
        call.alice.stream.set_remote(replace(agreed(), sending=bool(n % 2)), call.now)
        call.bob.stream.set_remote(mirrored(agreed()), call.now)
    for data, _, _ in call.alice.sent:
        period = bytes(data[12:172])
        assert all(period != said for said in call.alice.speaks)
    plain = serialise_rtp(RtpPacket(8, 500, 80_000, 7, bytes(160)))
    before = call.bob.stream.statistics()
    call.bob.stream.receive_datagram(plain, ALICE, call.now)
    assert call.bob.stream.statistics().rejected == before.rejected + 1


def test_cve_2025_53399_learning_the_address_lets_no_media_in() -> None:
    call = Call(alice_says=SAID)
    stranger = Protector(key("mallory"))
    for n in range(50):
        for made in (serialise_rtp(RtpPacket(8, n, 160 * n, 7, b"\x55" * 160)),):
            call.bob.stream.receive_datagram(made, MALLORY, call.now)
            call.bob.stream.receive_datagram(stranger.protect(made), MALLORY, call.now)
    call.run(2.4)
    assert {destination for _, destination, _ in call.bob.sent} == {ALICE}
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


def test_baresip_3076_a_plain_rtcp_goodbye_does_not_end_an_srtp_call() -> None:
    call = Call(alice_says=SAID)
    call.run(0.5)
    ssrc = call.alice.stream._sender.ssrc
    goodbye = serialise_compound(ReceiverReport(ssrc), Goodbye((ssrc,)))
    for rtcp in (False, True):
        call.bob.stream.receive_datagram(goodbye, ALICE, call.now, rtcp=rtcp)
    call.run(1.9)
    assert not call.bob.of(PeerLeft)
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


def test_pjproject_2682_after_a_wrap_a_re_invite_does_not_make_it_one_way() -> None:
    call = Call()
    call.alice.stream._sender._sequence = 65_500
    call.run(2)
    assert call.alice.stream._sender._cycles == 1
    moved = replace(agreed(), remote=BOB._replace(port=5010))
    call.alice.stream.set_remote(moved, call.now)
    call.alice.stream.set_remote(agreed(), call.now)
    call.bob.stream.set_remote(mirrored(agreed()), call.now)
    call.run(1)
    statistics = call.bob.stream.statistics()
    assert statistics.received >= 149
    assert statistics.rejected == 0
    assert len(call.bob.of(KeysConfirmed)) == 1


def test_baresip_817_a_change_of_source_does_not_stall_the_playout() -> None:
    call = Call(alice_says=speech(3))
    call.run(1.5)
    call.alice.stream._sender.change_source()
    call.run(1.5)
    later = speech(3)[320 * 85 : 320 * 140]
    assert correlation(later, call.bob.heard[320 * 75 :])[0] >= 0.99
