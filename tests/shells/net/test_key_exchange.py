"""The key-exchange group, from real handshakes and from octets that are none (RFC 8446 §4.2.8)."""

from __future__ import annotations

import asyncio
import ctypes
import ssl
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.certificates import forge
from tests.shells.net.raw_peer import handshake, hello_13, record, server_hello
from tests.shells.net.tls_peer import TlsPeer, dialled, server_context, settings_for

from offhook.shells.net.key_exchange import KeyExchangeReader
from offhook.shells.net.records import MAX_FRAGMENT_OCTETS, RecordSplitter

GOOD = forge.leaf()
KEY_EXCHANGE = 12
HELLO_DONE = 14


def read(*chunks: bytes) -> KeyExchangeReader:
    splitter = RecordSplitter()
    reader = KeyExchangeReader()
    for chunk in chunks:
        for each in splitter.receive(chunk):
            reader.receive(each.content_type, each.fragment)
    return reader


def allow_only(context: ssl.SSLContext, curve: str) -> None:
    """Let the server take one group; `set_ecdh_curve` of Python 3.11.2 knows no X25519 or X448."""
    try:
        context.set_ecdh_curve(curve)
    except (ValueError, ssl.SSLError):
        behind = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
        set_groups_list = 92
        done = ctypes.CDLL("libssl.so.3").SSL_CTX_ctrl(
            behind, set_groups_list, ctypes.c_long(0), ctypes.c_char_p(curve.encode())
        )
        assert done == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("curve", "group"),
    [
        ("X25519", "x25519"),
        ("X448", "x448"),
        ("prime256v1", "secp256r1"),
        ("secp384r1", "secp384r1"),
        ("secp521r1", "secp521r1"),
    ],
)
def test_the_group_of_a_real_handshake(version: ssl.TLSVersion, curve: str, group: str) -> None:
    """In TLS 1.3 all but the first are asked for by a HelloRetryRequest."""

    async def scenario() -> None:
        context = server_context(GOOD, version=version)
        allow_only(context, curve)
        async with TlsPeer(context) as peer, dialled(peer.address, settings_for()) as flow:
            assert flow.connection.report.group == group
            await flow.echoed()

    asyncio.run(scenario())


def test_the_share_after_a_retry_counts() -> None:
    retry = hello_13(24, None, b"")
    reader = read(retry)
    assert (reader.done, reader.group) == (False, "")

    reader = read(retry + record(20, b"\x01") + hello_13(4588, bytes(1120), bytes(32)))
    assert (reader.done, reader.group) == (True, "X25519MLKEM768")


def test_a_group_without_a_name_is_shown_by_its_number() -> None:
    assert read(hello_13(0x6399, b"share", b"")).group == "0x6399"


def test_tls_12_names_its_curve_after_the_certificate() -> None:
    certificate = handshake(11, bytes(40_000)[:16_000])
    exchange = handshake(KEY_EXCHANGE, b"\x03\x00\x17" + bytes(80))

    assert read(server_hello(), certificate, exchange).group == "secp256r1"


@pytest.mark.parametrize("exchange", [b"", b"\x03\x00", b"\x01\x00\x17", b"\x00\x20" + bytes(60)])
def test_a_key_exchange_without_a_named_curve_gives_none(exchange: bytes) -> None:
    reader = read(server_hello() + handshake(KEY_EXCHANGE, exchange))

    assert (reader.done, reader.group) == (True, "")


def test_static_key_exchange_gives_none() -> None:
    reader = read(server_hello() + handshake(HELLO_DONE, b""))

    assert (reader.done, reader.group) == (True, "")


def test_a_message_beyond_all_bounds_ends_the_reading() -> None:
    reader = read(record(22, b"\x0b\xff\xff\xff"))

    assert (reader.done, reader.group) == (True, "")


def test_a_record_beyond_the_bound_ends_the_splitting() -> None:
    splitter = RecordSplitter()
    over = (MAX_FRAGMENT_OCTETS + 1).to_bytes(2, "big")

    assert splitter.receive(record(22, b"x") + b"\x17\x03\x03" + over) == [(22, b"x", 6)]
    assert splitter.broken
    assert splitter.receive(record(22, b"y")) == []


HANDSHAKE = (
    server_hello() + handshake(11, bytes(3000)) + handshake(KEY_EXCHANGE, b"\x03\x00\x18\x00")
)


@given(st.lists(st.integers(0, len(HANDSHAKE)), max_size=8))
def test_how_the_octets_are_cut_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(HANDSHAKE)]
    chunks = [HANDSHAKE[a:b] for a, b in pairwise(edges)]

    assert read(*chunks).group == "secp384r1"


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_octets_are_put_up_with(chunks: list[bytes]) -> None:
    read(*chunks)


@given(st.binary(max_size=200), st.integers(0, 20))
def test_any_handshake_message_is_put_up_with(body: bytes, kind: int) -> None:
    reader = read(handshake(kind, body))

    assert isinstance(reader.group, str)


@given(st.data())
def test_any_change_in_a_server_hello_is_put_up_with(data: st.DataObject) -> None:
    hello = bytearray(hello_13(29, bytes(32), bytes(32)))
    position = data.draw(st.integers(0, len(hello) - 1))
    hello[position] = data.draw(st.integers(0, 255))

    read(bytes(hello))
