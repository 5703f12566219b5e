"""States of a phone, made up: by hand, and by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from offhook.app.control_report import CallPart, EndedCall, PhonePart, Sound, Volumes
from offhook.app.report import AccountStatus, Failure, Signalling, StatusReport, Timing

FLOW = Signalling(
    server="192.0.2.1:5061",
    tls_version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    group="x25519",
    resumed=False,
    peer_name="practice.example",
    rule="dns-san",
)
ACCOUNT = AccountStatus(
    name="practice",
    address="sip:phone@practice.example",
    registered=True,
    expires_s=300.0,
    signalling=FLOW,
    timing_ms=Timing(tls=5.0),
)
CALL = CallPart(
    id=1,
    account="practice",
    direction="outgoing",
    peer="sip:600@practice.example",
    state="calling",
    trust="none",
    reasons=("the call was never answered",),
    suite=None,
    keying=None,
    codec=None,
    sas=None,
    held=False,
    talked_s=0.0,
)
ENDED = EndedCall(
    id=1,
    account="practice",
    direction="outgoing",
    peer="sip:600@practice.example",
    outcome="completed",
    reason="hung up here",
    ended_by="local",
    sip_status=200,
    trust="hop by hop",
    reasons=("the keys went through practice.example, who could listen",),
    suite="AEAD_AES_256_GCM",
    keying="sdes",
    codec="opus",
    talked_s=61.5,
)
PHONE = PhonePart(
    pid=7,
    running_s=10.0,
    line="on hook",
    lifted=False,
    calls=(),
    ended=(),
    muted=False,
    volumes=Volumes(ear=7, ring=6),
    lamps={"security": "ready", "message": "dark", "mute": "dark"},
    sound=Sound(state="there", name="null"),
    messages=None,
)
STATUS = StatusReport(version="0.1.0", accounts=(ACCOUNT,), phone=PHONE)


def status(**differing: Any) -> StatusReport:
    """`STATUS` with a phone that differs so."""
    return replace(STATUS, phone=replace(PHONE, **differing))


def _kept(
    taken: list[CallPart], ended: list[EndedCall]
) -> tuple[tuple[CallPart, ...], tuple[EndedCall, ...]]:
    over = {each.id: each for each in ended}
    calls = {each.id: each for each in taken if each.id not in over}
    return tuple(calls.values()), tuple(over.values())


Draw = Callable[[st.SearchStrategy[Any]], Any]

_SECONDS = st.sampled_from([0.0, 1.5, 60.0])
_CALLS = st.builds(
    CallPart,
    id=st.integers(1, 4),
    account=st.just("practice"),
    direction=st.sampled_from(["outgoing", "incoming"]),
    peer=st.sampled_from(["sip:600@practice.example", "sip:anonymous@x.example"]),
    state=st.sampled_from(["calling", "ringing", "alerting", "talking"]),
    trust=st.sampled_from(["none", "hop by hop", "end to end"]),
    reasons=st.sampled_from([("one",), ("one", "two")]),
    suite=st.sampled_from([None, "AEAD_AES_256_GCM"]),
    keying=st.sampled_from([None, "sdes"]),
    codec=st.sampled_from([None, "opus", "PCMA"]),
    held=st.booleans(),
    talked_s=_SECONDS,
)
_ENDED = st.builds(
    lambda number, outcome: replace(ENDED, id=number, outcome=outcome),
    st.integers(1, 6),
    st.sampled_from(["completed", "refused"]),
)
_ACCOUNTS = st.builds(
    AccountStatus,
    name=st.sampled_from(["home", "office"]),
    address=st.just("sip:phone@practice.example"),
    registered=st.booleans(),
    expires_s=st.sampled_from([None, 300.0]),
    signalling=st.sampled_from([None, FLOW]),
    timing_ms=st.sampled_from([Timing(), Timing(tls=5.0)]),
    failure=st.sampled_from([None, Failure(stage="signalling", reason="reset")]),
)


@st.composite
def _phones(draw: Draw) -> PhonePart:
    calls, ended = _kept(draw(st.lists(_CALLS, max_size=3)), draw(st.lists(_ENDED, max_size=3)))
    return PhonePart(
        pid=7,
        running_s=draw(_SECONDS),
        line=draw(st.sampled_from(["on hook", "dialling", "talking"])),
        lifted=draw(st.booleans()),
        calls=calls,
        ended=ended,
        muted=draw(st.booleans()),
        volumes=Volumes(ear=draw(st.integers(1, 2)), ring=draw(st.integers(0, 1))),
        lamps=draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["dark", "lit"]))),
        sound=Sound(state=draw(st.sampled_from(["unknown", "there", "lost"]))),
        messages=draw(st.sampled_from([None, 0, 3])),
    )


STATES = st.builds(
    StatusReport,
    version=st.just("0.1.0"),
    accounts=st.lists(_ACCOUNTS, max_size=2, unique_by=lambda each: each.name).map(tuple),
    phone=_phones(),
)
