"""STUN judged before anything acts on it."""

from __future__ import annotations

import struct

import pytest
from aioice.stun import Class, Message, Method
from hypothesis import given
from hypothesis import strategies as st

from offhook.shells.net import stun

KEY = b"VOkJxbRl1RmTxUk/WvJxBt"
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
"""RFC 5769 §2.1."""
RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
    "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
"""RFC 5769 §2.2."""


def made(**attributes: object) -> bytes:
    message = Message(Method.BINDING, Class.REQUEST, b"0123456789ab")
    message.attributes = {"USERNAME": "ours:theirs", "PRIORITY": 1, **attributes}
    message.add_message_integrity(KEY)
    return bytes(message)


def longer(data: bytes, more: bytes) -> bytes:
    """With `more` appended as somebody on the way would, the length in the header set right."""
    return data[:2] + struct.pack("!H", len(data) - 20 + len(more)) + data[4:] + more


@pytest.mark.parametrize("vector", [REQUEST, RESPONSE])
def test_the_standards_own_messages_are_read_and_verified(vector: bytes) -> None:
    message = stun.read(vector)
    assert message is not None
    assert message.transaction == bytes.fromhex("b7e7a701bc34d686fa87dfae")
    assert message.kind == (stun.REQUEST if vector is REQUEST else stun.SUCCESS)
    assert message.verified(KEY)
    assert not message.verified(KEY + b"x")


def test_without_a_proof_nothing_is_verified() -> None:
    bare = bytes(Message(Method.BINDING, Class.REQUEST, b"0123456789ab"))
    message = stun.read(bare)
    assert message is not None
    assert not message.verified(KEY)
    assert not message.verified(b"")


def test_what_was_appended_behind_the_proof_is_cut_off() -> None:
    proven = made()[:-8]  # FINGERPRINT taken off
    proven = proven[:2] + struct.pack("!H", len(proven) - 20) + proven[4:]
    message = stun.read(longer(proven, bytes.fromhex("00250000")))
    assert message is not None
    assert message.verified(KEY)
    assert 0x0025 not in message.attributes
    assert message.octets == proven


@pytest.mark.parametrize(
    "data",
    {
        "empty": b"",
        "a header alone is too short by one": REQUEST[:19],
        "no cookie": REQUEST[:4] + b"\0\0\0\0" + REQUEST[8:],
        "longer than it says": REQUEST + bytes(4),
        "shorter than it says": REQUEST[:-4],
        "another method": b"\0\x03" + REQUEST[2:],
        "no multiple of four": longer(REQUEST[:20], b"\0"),
        "fingerprint wrong": REQUEST[:-1] + b"\0",
        "fingerprint not last": longer(REQUEST, bytes.fromhex("80220000")),
        "attribute over the end": longer(REQUEST[:20], bytes.fromhex("00060008")),
        "priority of five octets": longer(REQUEST[:20], bytes.fromhex("002400050000000000000000")),
        "integrity of four octets": longer(REQUEST[:20], bytes.fromhex("0008000400000000")),
        "role of four octets": longer(REQUEST[:20], bytes.fromhex("802a000400000000")),
        "error code of two octets": longer(REQUEST[:20], bytes.fromhex("0009000200000000")),
        "an attribute that must be understood": longer(REQUEST[:20], bytes.fromhex("00030000")),
        "priority twice": longer(REQUEST[:20], bytes.fromhex("0024000400000001") * 2),
        "far too long": longer(REQUEST[:20], bytes.fromhex("c0570400") + bytes(1024) + bytes(300)),
    }.items(),
    ids=lambda case: case[0],
)
def test_a_malformed_message_is_none(data: tuple[str, bytes]) -> None:
    assert stun.read(data[1]) is None


@given(st.binary(max_size=200))
def test_no_octets_raise(noise: bytes) -> None:
    for data in (noise, REQUEST[:20] + noise, longer(REQUEST[:20], noise[: len(noise) // 4 * 4])):
        message = stun.read(data)
        assert message is None or not message.verified(KEY)


@given(st.integers(0, len(REQUEST) * 8 - 1))
def test_one_bit_changed_on_the_way_is_never_believed(bit: int) -> None:
    untouched = stun.read(REQUEST)
    assert untouched is not None
    changed = bytearray(REQUEST)
    changed[bit // 8] ^= 1 << bit % 8
    message = stun.read(bytes(changed))
    if message is not None and message.verified(KEY):
        assert message.octets == untouched.octets
        assert bit // 8 >= len(REQUEST) - 8  # FINGERPRINT: behind what is proven


@pytest.mark.parametrize(("code", "number"), [("00000457", 487), ("00000401", 401)])
def test_the_error_code_is_told(code: str, number: int) -> None:
    data = longer(b"\x01\x11" + REQUEST[2:20], bytes.fromhex("00090004" + code))
    message = stun.read(data)
    assert message is not None
    assert stun.error_code(message) == number


def test_other_traffic_on_the_port_is_no_stun() -> None:
    assert stun.is_stun(REQUEST)
    for first in (16, 20, 63, 64, 128, 191):
        assert not stun.is_stun(bytes([first]) + REQUEST[1:])
    assert not stun.is_stun(b"")
