"""Re-keys in the middle of a call: nothing is lost, nothing passes twice, no key serves twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import (
    ALL_SUITES,
    FORMAT,
    PERIOD,
    START,
    Call,
    agreed,
    key,
    mirrored,
    rekeyed,
    speech,
)

from offhook.base.errors import PeerError
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_128_GCM,
    AES_CM_128_HMAC_SHA1_80,
    CryptoSuite,
)
from offhook.protocols.media.messages import KeysConfirmed, MediaLost, SetRemote
from offhook.protocols.media.srtp_gate import OVERLAP_S

SAID = speech(4)
suites = pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)


def resending(parameters: SetRemote, seed: str) -> SetRemote:
    """Alice sends with another key."""
    return rekeyed(parameters, send=key(seed, parameters.send_keys.suite))


@suites
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_re_key_costs_no_packet_while_the_two_ends_change_over(
    suite: CryptoSuite, wrapped: bool
) -> None:
    parameters = agreed(suite)
    call = Call(parameters, alice_says=SAID)
    if wrapped:
        call.alice.stream._sender._sequence = 65_500
    call.run(1.5)
    fresh = resending(parameters, "alice 2")
    call.bob.stream.set_remote(mirrored(fresh), call.now)
    call.run(0.4)
    call.alice.stream.set_remote(fresh, call.now)
    call.run(2.1)
    counted = call.bob.stream.statistics()
    assert (counted.rejected, counted.lost, counted.late) == (0, 0, 0)
    assert correlation(SAID, call.bob.heard)[0] >= 0.99
    assert len(call.bob.of(KeysConfirmed)) == 2


def test_packets_under_the_key_before_do_not_confirm_the_new_one() -> None:
    call = Call()
    call.run(0.5)
    call.bob.stream.set_remote(mirrored(resending(agreed(), "alice 2")), call.now)
    call.run(1.5)
    assert call.bob.stream.statistics().rejected == 0
    assert len(call.bob.of(KeysConfirmed)) == 1


def test_a_peer_that_never_changes_over_is_rejected_then_and_lost() -> None:
    call = Call()
    call.run(0.5)
    call.bob.stream.set_remote(mirrored(resending(agreed(), "alice 2")), call.now)
    call.run(OVERLAP_S + 6)
    assert call.bob.stream.statistics().rejected > 200
    assert len(call.bob.of(KeysConfirmed)) == 1
    assert len(call.bob.of(MediaLost)) == 1


def test_the_suite_changes_with_the_key() -> None:
    call = Call(agreed(AES_CM_128_HMAC_SHA1_80), alice_says=SAID)
    call.run(1)
    stronger = agreed(AEAD_AES_128_GCM)
    call.alice.stream.set_remote(stronger, call.now)
    call.bob.stream.set_remote(mirrored(stronger), call.now)
    call.run(2.5)
    assert call.bob.stream._receiver.keys.suite is AEAD_AES_128_GCM
    assert correlation(SAID, call.bob.heard)[0] >= 0.99


def test_over_many_re_keys_the_sources_stay_bounded_and_the_losses_counted() -> None:
    call = Call(alice_says=SAID)
    parameters = agreed()
    for n in range(30):
        call.alice.stream._sender.change_source()
        parameters = resending(parameters, f"alice {n}")
        call.bob.stream.set_remote(mirrored(parameters), call.now)
        call.alice.stream.set_remote(parameters, call.now)
        call.alice.stream._sender._sequence += 3
        call.run(0.1)
    assert len(call.bob.stream._receiver._sources) <= 3
    assert call.bob.stream.statistics().rejected == 0


def test_reports_go_on_being_taken_after_a_re_key() -> None:
    call = Call()
    call.run(20)
    fresh = resending(agreed(), "alice 2")
    call.bob.stream.set_remote(mirrored(fresh), call.now)
    call.alice.stream.set_remote(fresh, call.now)
    before = call.alice.stream._sender._protector.rtcp_index
    assert before > 2
    call.run(20)
    assert call.alice.stream._sender._protector.rtcp_index > before
    assert call.bob.stream.statistics().rejected == 0
    assert call.alice.stream.statistics().round_trip_ms is not None


def test_back_at_a_key_that_was_used_before_the_source_is_another() -> None:
    call = Call()
    call.run(0.1)
    sender = call.alice.stream._sender
    first, source = sender.keys, sender.ssrc
    call.alice.stream.set_remote(resending(agreed(), "alice 2"), call.now)
    assert sender.ssrc == source
    call.alice.stream.set_remote(agreed(), call.now)
    assert sender.keys.same_key(first)
    assert sender.ssrc != source


def test_a_peer_may_not_take_a_key_that_we_sent_with_before() -> None:
    call = Call()
    call.alice.stream.set_remote(resending(agreed(), "alice 2"), call.now)
    reflecting = rekeyed(resending(agreed(), "alice 3"), receive=key("alice"))
    with pytest.raises(PeerError, match="key of ours"):
        call.alice.stream.set_remote(reflecting, call.now)
    # What was agreed before stays in force.
    assert call.alice.stream._sender.keys.same_key(key("alice 2"))
    assert call.alice.stream._receiver.keys.same_key(key("bob"))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=12))
def test_no_packet_index_comes_twice_under_one_key(steps: list[tuple[int, int]]) -> None:
    call = Call()
    stream, now = call.alice.stream, START
    seen: set[tuple[int, bytes]] = set()
    for number, periods in steps:
        stream.set_remote(resending(agreed(), f"alice {number}"), now)
        for _ in range(periods):
            now += PERIOD
            stream.capture(bytes(FORMAT.octets), now)
            for datagram, _, _ in stream.datagrams_to_send():
                index = number, datagram[2:4] + datagram[8:12]
                assert index not in seen
                seen.add(index)
    assert len(seen) == sum(periods for _, periods in steps)
