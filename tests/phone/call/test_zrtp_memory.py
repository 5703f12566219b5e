from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.phone.call.zrtp_memory import MOST_PEERS, ZrtpMemory
from offhook.protocols.media.keying_messages import ZrtpForget, ZrtpRecall, ZrtpRetain

ZID = b"a peer's zid"
RS1, RS2 = Secret(b"1" * 32), Secret(b"2" * 32)


class Shelf:
    """A clock, and whoever writes it down."""

    def __init__(self, seed: str = "one") -> None:
        self.wall = 1.8e9
        self.kept: list[Secret] = []
        self.memory = ZrtpMemory(SeededRandomness(seed), lambda: self.wall, self.kept.append)

    def retain(
        self, zid: bytes = ZID, *, verified: bool = True, lifetime_s: int | None = None
    ) -> None:
        self.memory.retain(ZrtpRetain(1, zid, RS1, RS2, verified, lifetime_s))


def test_the_zid_is_made_once_and_is_the_same_in_the_next_run() -> None:
    shelf = Shelf()
    assert not shelf.kept, "nothing is made before it is asked for"
    own = shelf.memory.own
    assert len(own.zid) == 12
    assert shelf.memory.own == own
    again = Shelf("two")
    assert again.memory.own.zid != own.zid
    again.memory.read(shelf.kept[-1])
    assert again.memory.own.zid == own.zid


def test_what_was_retained_is_recalled_in_the_next_run() -> None:
    shelf = Shelf()
    shelf.retain()
    again = Shelf("two")
    again.memory.read(shelf.kept[-1])
    assert again.memory.recall(7, ZID) == ZrtpRecall(7, ZID, RS1, RS2, verified=True)


def test_an_unknown_peer_is_answered_with_nothing() -> None:
    assert Shelf().memory.recall(7, ZID) == ZrtpRecall(7, ZID)


def test_what_has_expired_is_not_recalled_and_is_not_verified() -> None:
    shelf = Shelf()
    shelf.retain(lifetime_s=100)
    shelf.wall += 99.0
    assert shelf.memory.recall(1, ZID).rs1 == RS1
    shelf.wall += 1.0
    assert shelf.memory.recall(1, ZID) == ZrtpRecall(1, ZID)


def test_a_peer_that_expires_now_is_not_recalled() -> None:
    shelf = Shelf()
    shelf.retain()
    shelf.memory.forget(ZrtpForget(1, ZID, expired=True))
    assert shelf.memory.recall(1, ZID) == ZrtpRecall(1, ZID)
    assert shelf.memory.peers == 1


def test_a_peer_that_is_forgotten_is_gone_from_what_is_written_too() -> None:
    shelf = Shelf()
    shelf.retain()
    shelf.memory.forget(ZrtpForget(1, ZID))
    again = Shelf("two")
    again.memory.read(shelf.kept[-1])
    assert again.memory.peers == shelf.memory.peers == 0


def test_forgetting_a_stranger_writes_nothing() -> None:
    shelf = Shelf()
    shelf.memory.forget(ZrtpForget(1, ZID))
    assert not shelf.kept


def test_the_peer_that_was_met_longest_ago_is_forgotten_first() -> None:
    shelf = Shelf()
    zids = [bytes([number]) * 12 for number in range(MOST_PEERS)]
    for zid in zids:
        shelf.retain(zid)
    shelf.memory.recall(1, zids[0])
    shelf.retain(b"one more....")
    assert shelf.memory.peers == MOST_PEERS
    assert shelf.memory.recall(1, zids[0]).rs1 == RS1
    assert shelf.memory.recall(1, zids[1]).rs1 is None


def test_all_of_it_fits_into_one_file_of_the_vault() -> None:
    shelf = Shelf()
    shelf.memory.own  # noqa: B018  makes the ZID
    for number in range(MOST_PEERS):
        shelf.retain(bytes([number]) * 12, lifetime_s=2**32 - 2)
    assert len(shelf.kept[-1]) < 1 << 16


def test_after_a_reset_it_is_another_phone() -> None:
    shelf = Shelf()
    zid = shelf.memory.own.zid
    shelf.retain()
    shelf.memory.erase()
    assert shelf.memory.recall(1, ZID) == ZrtpRecall(1, ZID)
    assert shelf.memory.own.zid != zid


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"zid": "00", "peers": []}',
        b'{"zid": 5, "peers": []}',
        b'{"zid": "000000000000000000000000", "peers": [{}]}',
        b'{"zid": "000000000000000000000000", "peers": 5}',
        b"\xff\xfe",
    ],
)
def test_what_is_damaged_is_refused_without_telling_what_it_held(damaged: bytes) -> None:
    shelf = Shelf()
    with pytest.raises(LocalError, match="can't be read") as refused:
        shelf.memory.read(Secret(damaged))
    assert refused.value.__cause__ is None
    assert shelf.memory.recall(1, ZID) == ZrtpRecall(1, ZID)


@given(st.sampled_from(["rs1", "met", "expires_at", "zid", "verified"]), st.data())
def test_a_damaged_peer_is_refused_or_read_and_never_more_trusted(
    name: str, data: st.DataObject
) -> None:
    shelf = Shelf()
    shelf.retain(verified=False)
    document = json.loads(shelf.kept[-1].reveal())
    document["zid"] = "00" * 12
    values = st.none() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False)
    document["peers"][0][name] = data.draw(values)
    again = Shelf("two")
    try:
        again.memory.read(Secret(json.dumps(document)))
    except LocalError:
        assert again.memory.peers == 0
    else:
        assert not again.memory.recall(1, ZID).verified
