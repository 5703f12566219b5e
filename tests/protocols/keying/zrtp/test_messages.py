"""Messages are written and read as the figures of RFC 6189 §5 have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.algorithms import Offered
from offhook.protocols.keying.zrtp.messages import (
    BARE,
    Commit,
    Confirm,
    Confirmation,
    DhPart,
    Error,
    GoClear,
    Hello,
    Message,
    Ping,
    PingAck,
    SasRelay,
    SecretIds,
)
from offhook.protocols.keying.zrtp.reading import parse, parse_confirmation
from offhook.protocols.keying.zrtp.refusals import Discarded
from offhook.protocols.keying.zrtp.writing import confirmation_octets, serialise


def octets(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


CODE = st.text("ABCDEFabcdef0123 ", min_size=4, max_size=4)
CODES = st.lists(CODE, max_size=7).map(tuple)
NAMES = st.text("ABCdef 0123.-", max_size=16).map(str.strip)
IDS = st.builds(SecretIds, octets(8), octets(8), octets(8), octets(8))
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        Hello,
        octets(32),
        octets(12),
        st.builds(Offered, CODES, CODES, CODES, CODES, CODES),
        st.just("1.10"),
        NAMES,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        octets(8),
    ),
    st.builds(
        Commit,
        octets(32),
        octets(12),
        st.tuples(CODE, CODE, CODE, st.sampled_from(["DH3k", "X448"]), CODE),
        octets(32),
        st.just(b""),
        octets(8),
    ),
    st.builds(
        Commit,
        octets(32),
        octets(12),
        st.tuples(CODE, CODE, CODE, st.just("Mult"), CODE),
        octets(16),
        st.just(b""),
        octets(8),
    ),
    st.builds(
        Commit,
        octets(32),
        octets(12),
        st.tuples(CODE, CODE, CODE, st.just("Prsh"), CODE),
        octets(16),
        octets(8),
        octets(8),
    ),
    st.builds(
        DhPart,
        st.sampled_from([1, 2]),
        octets(32),
        IDS,
        st.sampled_from([32, 56, 64, 96, 384]).flatmap(octets),
        octets(8),
    ),
    st.builds(Confirm, st.sampled_from([1, 2]), octets(8), octets(16), octets(40)),
    st.builds(Error, st.integers(0, 0xFFFFFFFF)),
    st.builds(GoClear, octets(8)),
    st.builds(SasRelay, octets(8), octets(16), octets(40)),
    st.builds(Ping, octets(8)),
    st.builds(PingAck, octets(8), octets(8), st.integers(0, 0xFFFFFFFF)),
    st.sampled_from(sorted(BARE.values(), key=str)),
)


@given(MESSAGES)
def test_what_is_written_is_read(message: Message) -> None:
    written = serialise(message)
    assert parse(written) == message
    assert int.from_bytes(written[2:4], "big") * 4 == len(written)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (Commit(bytes(32), bytes(12), ("S256", "AES1", "HS80", "DH3k", "B32 "), bytes(32)), 29),
        (Commit(bytes(32), bytes(12), ("S256", "AES1", "HS80", "Mult", "B32 "), bytes(16)), 25),
        (DhPart(1, bytes(32), SecretIds(*(bytes(8),) * 4), bytes(384)), 117),
        (DhPart(1, bytes(32), SecretIds(*(bytes(8),) * 4), bytes(64)), 37),
        (DhPart(1, bytes(32), SecretIds(*(bytes(8),) * 4), bytes(96)), 45),
        (Confirm(1, bytes(8), bytes(16), bytes(40)), 19),
        (Error(0x10), 4),
        (GoClear(bytes(8)), 5),
        (Ping(bytes(8)), 6),
        (PingAck(bytes(8), bytes(8), 0), 9),
        (BARE["HelloACK"], 3),
    ],
)
def test_messages_have_the_lengths_of_the_rfc(message: Message, words: int) -> None:
    assert len(serialise(message)) == 4 * words


def test_a_hello_of_bzrtp_is_read() -> None:
    hello = Hello(bytes(32), bytes(12), Offered(("S256",), ("AES1",)), client="x" * 16)
    written = bytearray(serialise(hello))
    written[16:32] = b"BZRTPv1.1".ljust(16, b"\0")
    found = parse(bytes(written))
    assert isinstance(found, Hello)
    assert found.client == "BZRTPv1.1"


@given(
    st.builds(
        Confirmation,
        octets(32),
        st.integers(0, 0xFFFFFFFF),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.just(value=False),
    )
)
def test_what_a_confirm_hides_is_read(inside: Confirmation) -> None:
    assert parse_confirmation(confirmation_octets(inside)) == inside


def test_enrolment_excludes_going_clear() -> None:
    inside = Confirmation(bytes(32), 0, allow_clear=True, enrolment=True)
    assert not parse_confirmation(confirmation_octets(inside)).allow_clear


def test_a_signature_is_read_over_and_must_fit() -> None:
    plain = bytearray(confirmation_octets(Confirmation(bytes(32), 7)))
    plain[34] = 3
    assert parse_confirmation(bytes(plain) + bytes(12)).signed
    for length in (0, 8, 16):
        with pytest.raises(Discarded):
            parse_confirmation(bytes(plain) + bytes(length))


@pytest.mark.parametrize(
    "message",
    [
        Hello(bytes(31), bytes(12), Offered()),
        Hello(bytes(32), bytes(11), Offered()),
        Hello(bytes(32), bytes(12), Offered(), client="x" * 17),
        Hello(bytes(32), bytes(12), Offered(hashes=("S256",) * 8)),
        GoClear(bytes(7)),
    ],
)
def test_a_field_of_a_wrong_length_is_our_own_fault(message: Message) -> None:
    with pytest.raises(LocalError):
        serialise(message)
