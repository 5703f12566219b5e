"""The law of the room: whatever two ends agree on, they agree on the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import end

from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.srtp_keys import SUITES
from offhook.protocols.sdp.codecs import CODECS
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    MediaPolicy,
    Origin,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    read_answer,
)


def some(names: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)


policies = st.builds(
    MediaPolicy,
    suites=some(sorted(name for name, suite in SUITES.items() if not suite.short_tag)),
    codecs=some(sorted(CODECS)),
    rtcp_mux=st.booleans(),
    ptime_ms=st.sampled_from([10, 20, 30, 60]),
)
directions = st.sampled_from(Direction)
hosts = st.sampled_from([("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])


def assert_mirrored(caller: Agreement, called: Agreement) -> None:
    assert caller.send_keys == called.receive_keys
    assert caller.receive_keys == called.send_keys
    assert caller.send_keys.master != caller.receive_keys.master
    assert caller.send_keys.suite == called.send_keys.suite
    assert caller.codec == called.codec
    assert caller.codec in called.receive_codecs
    assert called.codec in caller.receive_codecs
    assert caller.dtmf_payload_type == called.receive_dtmf_payload_type
    assert called.dtmf_payload_type == caller.receive_dtmf_payload_type
    assert (caller.remote_rtcp is None) == (called.remote_rtcp is None)
    assert (caller.sending, caller.receiving) == (called.receiving, called.sending)
    assert (caller.media_index, caller.media_lines) == (called.media_index, called.media_lines)


@given(policies, policies, directions, directions, hosts)
def test_two_ends_agree_on_the_same_or_refuse_for_want_of_common_ground(
    calling: MediaPolicy,
    called: MediaPolicy,
    wanted: Direction,
    answered: Direction,
    addresses: tuple[str, str],
) -> None:
    caller_end = end("caller", addresses[0], suites=calling.suites)
    called_end = end("called", addresses[1], 6000, suites=called.suites)
    offer = make_offer(caller_end, calling, Origin(1, 1, addresses[0]), direction=wanted)
    common = [
        set(calling.suites) & set(called.suites),
        set(calling.codecs) & set(called.codecs),
    ]
    if not all(common):
        with pytest.raises(Unacceptable) as refusal:
            choose(offer, called)
        assert refusal.value.rule in ("crypto-suite-not-allowed", "codec")
        return
    choice = choose(offer, called)
    answer, theirs = make_answer(choice, called_end, Origin(2, 1, addresses[1]), direction=answered)
    ours = read_answer(offer, answer, caller_end, calling)
    assert_mirrored(ours, theirs)
    assert ours.remote == called_end.rtp
    assert theirs.remote == caller_end.rtp
    assert ours.send_keys.suite.name in common[0]
    assert ours.ptime_ms == called.ptime_ms
    assert theirs.ptime_ms == calling.ptime_ms
    assert (ours.remote_rtcp is None) == (calling.rtcp_mux and called.rtcp_mux)


@given(policies, st.lists(st.tuples(st.booleans(), directions, st.booleans()), max_size=6))
def test_a_session_stays_one_through_any_row_of_reoffers(
    policy: MediaPolicy, row: list[tuple[bool, Direction, bool]]
) -> None:
    ends = [
        end("first", "192.0.2.1", suites=policy.suites),
        end("second", "192.0.2.2", 6000, suites=policy.suites),
    ]
    last = [make_offer(ends[0], policy, Origin(1, 1, "192.0.2.1")), b""]
    last[1], theirs = make_answer(choose(last[0], policy), ends[1], Origin(2, 1, "192.0.2.2"))
    views = [read_answer(last[0], last[1], ends[0], policy), theirs]
    versions = [1, 1]
    keys = {view.send_keys.master.reveal() for view in views}
    for step, (second_offers, direction, moves) in enumerate(row):
        here, there = (1, 0) if second_offers else (0, 1)
        suite = views[here].send_keys.suite.name
        fresh = None
        if moves:
            spare = end(f"moved {step}", ends[here].rtp.host, 10_000 + 2 * step, (suite,))
            address = PathAddress(spare.rtp.host, spare.rtp.port)
            fresh = spare.crypto[0]
            ends[here] = replace(ends[here], rtp=address, rtcp=spare.rtcp)
            keys.add(fresh.master.reveal())
        versions = [version + 1 for version in versions]
        offer = make_reoffer(
            last[here], views[here], ends[here], policy, direction=direction, fresh_key=fresh
        )
        keeping = replace(ends[there], crypto=(views[there].send_keys,))
        answer, views[there] = make_answer(
            choose(offer, policy, views[there]),
            keeping,
            Origin(there + 1, versions[there], f"192.0.2.{there + 1}"),
        )
        views[here] = read_answer(offer, answer, ends[here], policy)
        last[here], last[there] = offer, answer
        assert_mirrored(views[here], views[there])
        assert views[here].send_keys.suite.name == suite
        assert {view.send_keys.master.reveal() for view in views} <= keys
