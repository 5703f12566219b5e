"""What is written down of a call: after each bad end it says what happened, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.phone.call.pair import ALL, Pair
from tests.phone.call.test_ladder import PLAIN, Peer

from offhook.base.errors import LocalError
from offhook.phone.call.journal import LONGEST_TEXT, MOST_CALLS, Journal
from offhook.phone.call.record import CallRecord, Direction
from offhook.phone.call.trust import TrustLevel, TrustStatement
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.retained import Continuity
from offhook.protocols.media import keying_messages as keys
from offhook.protocols.media import messages as engine
from offhook.protocols.sdp.negotiation import MediaPolicy

RECORD = CallRecord(Direction.INCOMING, "sip:a@x", reason="hung up here", answered_ms=100.0)


def engine_says(*reports: engine.SessionReport) -> Callable[[Pair], None]:
    def tell(pair: Pair) -> None:
        for each in reports:
            pair.report(pair.alice, each)

    return tell


def rejected(pair: Pair) -> None:
    pair.decide = lambda _call: 486


def plain_answers(pair: Pair) -> None:
    pair.decide = Peer(otherwise=PLAIN)


MISMATCH = keys.SasStanding(
    1, b"peer's ZID..", ("a", "b", "c", "d"), ZrtpTrust(continuity=Continuity.MISMATCH)
)
BAD_ENDS: dict[
    str, tuple[MediaPolicy, Callable[[Pair], None], Callable[[Pair], None], dict[str, str]]
] = {
    "busy": (ALL, rejected, engine_says(), {"outcome": "refused", "reason": "486"}),
    "every answer without keys": (
        ALL,
        plain_answers,
        engine_says(),
        {"outcome": "insecure", "reason": "no keys"},
    ),
    "nothing authentic": (
        ALL,
        lambda _pair: None,
        engine_says(engine.MediaLost(1, 5000.0)),
        {"outcome": "no media", "reason": "authenticated", "trust": "none"},
    ),
    "no ZRTP": (
        MediaPolicy(sdes=None, zrtp=True),
        lambda _pair: None,
        engine_says(keys.KeyingFailed(1, Keying.ZRTP, "nobody answered in ZRTP")),
        {"outcome": "insecure", "reason": "nobody answered in ZRTP", "keying": "zrtp"},
    ),
    "another certificate": (
        MediaPolicy(sdes=None, dtls=True),
        lambda _pair: None,
        engine_says(keys.KeyingFailed(1, Keying.DTLS, "fingerprint", attack=True)),
        {"outcome": "insecure", "reason": "certificate", "keying": "dtls-srtp"},
    ),
    "a lost secret": (
        ALL,
        lambda _pair: None,
        engine_says(
            engine.FirstPacketSent(1, 1.0),
            MISMATCH,
            engine.KeysConfirmed(1, 2.0),
            keys.Keyed(1, Keying.ZRTP, "AES_CM_128_HMAC_SHA1_80", 50.0),
            engine.KeysConfirmed(1, 60.0),
        ),
        {"outcome": "completed", "trust": "none", "keying": "zrtp"},
    ),
    "the engine gave way": (
        ALL,
        lambda _pair: None,
        engine_says(engine.SessionFailed(1, "the port is taken")),
        {"outcome": "failed", "reason": "the port is taken"},
    ),
}


@pytest.mark.parametrize("end", BAD_ENDS)
def test_the_journal_says_what_happened_after_each_bad_end(end: str) -> None:
    policy, before, after, expected = BAD_ENDS[end]
    pair = Pair(policy, policy)
    before(pair)
    call = pair.call()
    after(pair)
    call.hang_up(pair.now)
    pair.settle()
    (noted,) = Journal().with_call(call.record, "trunk", 1.8e9).calls
    assert noted.peer == "sip:bob@trunk.example"
    for name, said in expected.items():
        assert said in getattr(noted, name), name
    written = json.dumps(Journal((noted,)).to_document())
    for command in pair.alice.engine.posted(engine.SetRemote):
        assert isinstance(command, engine.SetRemote)
        if command.keys is not None:
            assert command.keys.send.master.reveal().hex() not in written
    assert "abcd" not in written, "what people compare is not written down"


def test_it_is_bounded_and_the_latest_comes_first() -> None:
    journal = Journal()
    for number in range(MOST_CALLS + 1):
        journal = journal.with_call(replace(RECORD, peer=f"sip:{number}@x"), "home", None)
    assert len(journal.calls) == MOST_CALLS
    assert journal.calls[0].peer == f"sip:{MOST_CALLS}@x"


def test_what_a_peer_sent_is_cut_and_holds_no_control_characters() -> None:
    record = replace(
        RECORD,
        peer="\x1b[2J" + "x" * 1000,
        reason="\r\n",
        trust=TrustStatement(TrustLevel.NONE, ("\x00" * 1000,) * 20),
    )
    (noted,) = Journal().with_call(record, "home", None).calls
    texts = (noted.peer, noted.reason, *noted.reasons)
    assert all(len(each) <= LONGEST_TEXT and each.isprintable() for each in texts)


def test_it_is_read_back_as_it_was_written() -> None:
    journal = Journal().with_call(RECORD, "home", 1.8e9).with_call(RECORD, "home", None)
    document = json.loads(json.dumps(journal.to_document()))
    assert Journal.from_document(document) == journal


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("at", "now"),
        ("at", -1),
        ("at", float("nan")),
        ("peer", 5),
        ("peer", "x" * (LONGEST_TEXT + 1)),
        ("reasons", "x"),
        ("reasons", [5]),
        ("reasons", ["x"] * 50),
        ("attempts", True),
        ("keying", 5),
        ("other", 5),
    ],
)
def test_what_is_damaged_is_refused(name: str, value: object) -> None:
    document = Journal().with_call(RECORD, "home", None).to_document()
    calls = document["calls"]
    assert isinstance(calls, list)
    calls[0][name] = value
    with pytest.raises(LocalError):
        Journal.from_document(document)
    others: list[object] = [[], {}, {"calls": 5}, {"calls": [5]}]
    for other in (*others, {"calls": calls * (MOST_CALLS + 1)}):
        with pytest.raises(LocalError):
            Journal.from_document(other)
