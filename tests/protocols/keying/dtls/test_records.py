from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.protocols.keying.dtls.records import (
    MAX_DATAGRAM,
    MAX_MESSAGE,
    CertificateReader,
    Fragment,
    Record,
    alert,
    fragments,
    pack_records,
    split_records,
)


def record(body: bytes, *, kind: int = 22, epoch: int = 0, sequence: int = 0) -> bytes:
    return (
        bytes((kind, 0xFE, 0xFD))
        + epoch.to_bytes(2, "big")
        + sequence.to_bytes(6, "big")
        + len(body).to_bytes(2, "big")
        + body
    )


def fragment(body: bytes, kind: int = 11, length: int | None = None, offset: int = 0) -> bytes:
    whole = len(body) if length is None else length
    return (
        bytes((kind,))
        + whole.to_bytes(3, "big")
        + b"\0\1"
        + offset.to_bytes(3, "big")
        + len(body).to_bytes(3, "big")
        + body
    )


bodies = st.lists(st.binary(min_size=0, max_size=700), min_size=1, max_size=12)


@given(bodies)
def test_records_are_cut_whole_and_packed_in_order(each: list[bytes]) -> None:
    stream = b"".join(record(body, sequence=n) for n, body in enumerate(each))
    records = split_records(stream)
    assert [r.sequence for r in records] == list(range(len(each)))
    datagrams = pack_records(records)
    assert b"".join(datagrams) == stream
    assert all(len(datagram) <= MAX_DATAGRAM for datagram in datagrams)
    assert sum(len(split_records(datagram)) for datagram in datagrams) == len(records)


@given(bodies, st.integers(1, 700))
def test_of_a_truncated_datagram_the_whole_records_remain(each: list[bytes], cut: int) -> None:
    stream = b"".join(record(body) for body in each)
    left = stream[: max(0, len(stream) - cut)]
    kept = b"".join(r.octets for r in split_records(left))
    assert left.startswith(kept)
    assert len(left) - len(kept) < 13 + 700


@given(st.binary(max_size=300))
def test_no_octets_raise(data: bytes) -> None:
    for each in split_records(data):
        fragments(each)
    fragments(Record(record(data)))


def test_another_version_or_type_is_no_record() -> None:
    good = record(b"x")
    assert len(split_records(good)) == 1
    assert split_records(b"\x16\x03\x03" + good[3:]) == []
    assert split_records(b"\x18" + good[1:]) == []
    assert len(split_records(good + b"\x80" * 20)) == 1


def test_several_messages_in_a_record_are_seen() -> None:
    found = fragments(Record(record(fragment(b"ab", 2) + fragment(b"", 14))))
    assert found is not None
    assert [(each.message_type, each.body) for each in found] == [(2, b"ab"), (14, b"")]


def test_lengths_that_don_t_fit_are_not_read() -> None:
    for bad in (
        fragment(b"ab")[:-1],
        fragment(b"ab", length=1),
        fragment(b"ab", length=10, offset=9),
        fragment(b"ab", length=MAX_MESSAGE + 1),
        fragment(b"ab") + b"\0",
        b"",
    ):
        assert fragments(Record(record(bad))) is None


def message(leaf: bytes) -> bytes:
    entry = len(leaf).to_bytes(3, "big") + leaf
    return len(entry).to_bytes(3, "big") + entry


@given(leaf=st.binary(min_size=1, max_size=900), data=st.data())
def test_a_certificate_is_put_together_from_fragments_in_any_order(
    leaf: bytes, data: st.DataObject
) -> None:
    whole = message(leaf)
    size = data.draw(st.integers(1, len(whole)))
    pieces = [(at, whole[at : at + size]) for at in range(0, len(whole), size)]
    reader = CertificateReader()
    results = [
        reader.read(Fragment(11, len(whole), 1, offset, body))
        for offset, body in data.draw(st.permutations(pieces))
    ]
    assert results[-1] == leaf
    assert set(results[:-1]) <= {None}


def test_a_message_without_certificate_or_with_a_false_length_gives_an_empty_one() -> None:
    for whole in (b"\0\0\0", b"\0\0\5\0\0\x09ab", b""):
        assert CertificateReader().read(Fragment(11, len(whole), 1, 0, whole)) == b""


def test_another_message_takes_the_place_of_one_never_completed() -> None:
    reader = CertificateReader()
    for sequence in range(100):
        assert reader.read(Fragment(11, 16000, sequence, 0, b"x")) is None
    whole = message(b"leaf")
    assert reader.read(Fragment(11, len(whole), 7, 0, whole)) == b"leaf"


def test_an_alert_in_clear_is_a_record() -> None:
    (each,) = split_records(alert(42, 9))
    assert (each.content_type, each.epoch, each.sequence) == (21, 0, 9)
    assert each.octets[-2:] == b"\x02\x2a"
