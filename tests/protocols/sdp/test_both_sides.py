"""The law of the room: whatever two ends agree on, they agree on the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import end, fingerprint, ready, with_ice

from offhook.protocols.keying.dtls.agreed import asks_for_new
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.keying.srtp_keys import SUITES
from offhook.protocols.sdp.codecs import CODECS
from offhook.protocols.sdp.forms import LADDER
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    MediaPolicy,
    Minimum,
    OfferForm,
    Origin,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    offer_forms,
    read_answer,
)
from offhook.protocols.sdp.said import DTLS_PROFILES


def some(names: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)


def sdes_policy(suites: tuple[str, ...]) -> SdesPolicy:
    return SdesPolicy(suites, short_tags=any(SUITES[name].short_tag for name in suites))


@st.composite
def policies(draw: st.DrawFn) -> MediaPolicy:
    keyings = draw(st.sets(st.sampled_from(Keying), min_size=1))
    zrtp = Keying.ZRTP in keyings
    return MediaPolicy(
        sdes=draw(some(sorted(SUITES)).map(sdes_policy)) if Keying.SDES in keyings else None,
        dtls=Keying.DTLS in keyings,
        zrtp=zrtp,
        minimum=draw(st.sampled_from(Minimum)) if zrtp else Minimum.HOP_BY_HOP,
        codecs=draw(some(sorted(CODECS))),
        rtcp_mux=draw(st.booleans()),
        ptime_ms=draw(st.sampled_from([10, 20, 30, 60])),
    )


directions = st.sampled_from(Direction)
hosts = st.sampled_from([("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])


def assert_keyed_alike(caller: Agreement, called: Agreement) -> None:
    """Exactly one keying, the same on both sides; a hash of a Hello may stand beside it."""
    assert caller.keying is called.keying
    for each in (caller, called):
        assert (each.keys is not None) + (each.dtls is not None) <= 1
        assert each.keys or each.dtls or each.zrtp_hashes
    if caller.keys and called.keys:
        assert caller.send_keys == called.receive_keys
        assert caller.receive_keys == called.send_keys
        assert caller.send_keys.master != caller.receive_keys.master
        assert caller.send_keys.suite == called.send_keys.suite
    if caller.dtls and called.dtls:
        assert caller.dtls.role is called.dtls.role.other
        assert caller.dtls.fingerprints == (fingerprint("called"),)
        assert called.dtls.fingerprints == (fingerprint("caller"),)
    assert bool(caller.zrtp_hashes) == bool(called.zrtp_hashes)


def assert_mirrored(caller: Agreement, called: Agreement) -> None:
    assert_keyed_alike(caller, called)
    assert caller.codec == called.codec
    assert caller.codec in called.receive_codecs
    assert called.codec in caller.receive_codecs
    assert caller.dtmf_payload_type == called.receive_dtmf_payload_type
    assert called.dtmf_payload_type == caller.receive_dtmf_payload_type
    assert (caller.remote_rtcp is None) == (called.remote_rtcp is None)
    assert (caller.sending, caller.receiving) == (called.receiving, called.sending)
    assert (caller.media_index, caller.media_lines) == (called.media_index, called.media_lines)


def common_ground(
    form: OfferForm, calling: MediaPolicy, called: MediaPolicy
) -> tuple[set[Keying], bool]:
    """The keyings that an offer of that form leaves both, and whether the two go together."""
    rung = LADDER[form]
    offered = calling.keyings & (rung.beside | {rung.brought_by})
    keyings = set(offered & called.keyings)
    if not set(calling.suites) & set(called.suites):
        keyings.discard(Keying.SDES)
    if rung.profile in DTLS_PROFILES:
        keyings.discard(Keying.ZRTP)
    both_zrtp = calling.zrtp and called.zrtp
    wanted = Minimum.END_TO_END in (calling.minimum, called.minimum)
    codecs = set(calling.codecs) & set(called.codecs)
    return keyings, bool(keyings and codecs and (both_zrtp or not wanted))


@given(policies(), policies(), st.data(), st.tuples(directions, directions), hosts)
def test_two_ends_agree_on_the_same_or_refuse_for_want_of_common_ground(
    calling: MediaPolicy,
    called: MediaPolicy,
    data: st.DataObject,
    towards: tuple[Direction, Direction],
    addresses: tuple[str, str],
) -> None:
    caller_end = ready(end("caller", addresses[0], suites=calling.suites), "caller")
    called_end = ready(end("called", addresses[1], 6000, suites=called.suites), "called")
    if data.draw(st.booleans()):
        caller_end = with_ice(caller_end, "call")
    if data.draw(st.booleans()):
        called_end = with_ice(called_end, "peer")
    form = data.draw(st.sampled_from(offer_forms(calling, caller_end)))
    origin = Origin(1, 1, addresses[0])
    offer = make_offer(caller_end, calling, origin, form=form, direction=towards[0])
    keyings, together = common_ground(form, calling, called)
    try:
        choice = choose(offer, called)
        answer, theirs = make_answer(
            choice, called_end, Origin(2, 1, addresses[1]), direction=towards[1]
        )
        ours = read_answer(offer, answer, caller_end, calling)
    except Unacceptable:
        assert not together
        return
    assert together
    assert ours.keying in keyings
    assert_mirrored(ours, theirs)
    assert ours.remote == called_end.rtp
    assert theirs.remote == caller_end.rtp
    assert ours.ptime_ms == called.ptime_ms
    assert theirs.ptime_ms == calling.ptime_ms
    shared = calling.rtcp_mux and called.rtcp_mux
    assert (ours.remote_rtcp is None) == shared
    by_ice = bool(shared and caller_end.ice and called_end.ice)
    assert theirs.ice == (caller_end.ice if by_ice else None)
    assert ours.ice == (called_end.ice if by_ice else None)


@given(
    policies(),
    st.data(),
    st.lists(st.tuples(st.booleans(), directions, st.booleans()), max_size=6),
)
def test_a_session_stays_one_through_any_row_of_reoffers(
    policy: MediaPolicy, data: st.DataObject, row: list[tuple[bool, Direction, bool]]
) -> None:
    ends = [
        ready(end("first", "192.0.2.1", suites=policy.suites), "caller"),
        ready(end("second", "192.0.2.2", 6000, suites=policy.suites), "called"),
    ]
    form = data.draw(st.sampled_from(offer_forms(policy, ends[0])))
    last = [make_offer(ends[0], policy, Origin(1, 1, "192.0.2.1"), form=form), b""]
    last[1], theirs = make_answer(choose(last[0], policy), ends[1], Origin(2, 1, "192.0.2.2"))
    views = [read_answer(last[0], last[1], ends[0], policy), theirs]
    versions = [1, 1]
    first = views[0]
    masters = [view.keys.send.master.reveal() for view in views if view.keys]
    for step, (second_offers, direction, moves) in enumerate(row):
        here, there = (1, 0) if second_offers else (0, 1)
        keys = views[here].keys
        fresh = None
        if moves:
            suites = (keys.send.suite.name,) if keys else ()
            spare = end(f"moved {step}", ends[here].rtp.host, 10_000 + 2 * step, suites)
            fresh = spare.crypto[0] if spare.crypto else None
            masters += [line.master.reveal() for line in spare.crypto]
            ends[here] = replace(ends[here], rtp=spare.rtp, rtcp=spare.rtcp)
        versions = [version + 1 for version in versions]
        offer = make_reoffer(
            last[here], views[here], ends[here], policy, direction=direction, fresh_key=fresh
        )
        held = views[there].keys
        keeping = replace(ends[there], crypto=(held.send,)) if held else ends[there]
        answer, views[there] = make_answer(
            choose(offer, policy, views[there]),
            keeping,
            Origin(there + 1, versions[there], f"192.0.2.{there + 1}"),
        )
        views[here] = read_answer(offer, answer, ends[here], policy, views[here])
        last[here], last[there] = offer, answer
        assert_mirrored(views[0], views[1])
        assert views[0].keying is first.keying
        if first.keys and views[0].keys:
            assert views[0].keys.send.suite == first.keys.send.suite
        if first.dtls and views[0].dtls:
            assert views[0].dtls.role is first.dtls.role
            assert not asks_for_new(first.dtls, views[0].dtls)
        assert all(view.keys is None or view.keys.send.master.reveal() in masters for view in views)
