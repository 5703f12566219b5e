"""What a stranger beside the path sends, and what may come after the keys (RFC 6189 §4.7, §9)."""

from __future__ import annotations

import pytest
from tests.protocols.keying.zrtp.agents import Agent, Path, altered, kind_of, met
from tests.protocols.keying.zrtp.scenes import (
    couple,
    forged,
    mac_of,
    reasons,
    roles,
    source_of,
)
from tests.protocols.keying.zrtp.test_exchange import agree_on

from offhook.protocols.keying.zrtp.events import (
    Failed,
    GoClearRefused,
    PacketRefused,
    SasRelayRefused,
    Secured,
)
from offhook.protocols.keying.zrtp.messages import (
    CONF2_ACK,
    HELLO_ACK,
    Error,
    GoClear,
    Ping,
    PingAck,
    SasRelay,
)
from offhook.protocols.keying.zrtp.packet import parse_packet
from offhook.protocols.keying.zrtp.reading import parse
from offhook.protocols.keying.zrtp.refusals import ErrorCode
from offhook.protocols.keying.zrtp.retained import Role
from offhook.protocols.keying.zrtp.states import ZrtpState


def test_packets_of_a_stranger_do_not_disturb() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()
    path.run(0.05)
    for message in (Error(0x10), CONF2_ACK, HELLO_ACK):
        path.deliver(a, forged(message, 0xDEADBEEF))
    assert "another source" in reasons(a)
    path.run(3.0)
    agree_on(a, b)


def test_a_false_public_value_with_a_false_chain_does_not_disturb() -> None:
    a, b = couple()

    def inject(_who: Agent, datagram: bytes) -> list[bytes]:
        if not kind_of(datagram).startswith("DHPart"):
            return [datagram]

        def change(octets: bytearray) -> None:
            octets[12:44] = bytes(32)

        return [altered(datagram, change), datagram]

    met(a, b, meddle=inject)
    agree_on(a, b)
    assert "hash chain" in reasons(a) + reasons(b)


def test_one_or_two_false_confirmations_do_not_disturb_and_three_end_it() -> None:
    for count in (1, 2, 3):
        a, b = couple(count)

        def inject(_who: Agent, datagram: bytes, count: int = count) -> list[bytes]:
            if kind_of(datagram) != "Confirm1":
                return [datagram]
            return [altered(datagram, flip_mac)] * count + [datagram]

        met(a, b, meddle=inject)
        if count < 3:
            agree_on(a, b)
        else:
            i, _ = roles(a, b)
            assert [each.code for each in i.of(Failed)] == [ErrorCode.CONFIRM_MAC.value]


def flip_mac(octets: bytearray) -> None:
    octets[12] ^= 1


def test_an_early_conf2_ack_gives_nobody_keys() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()
    for _ in range(12):
        path.run(0.01)
        for each in (a, b):
            if each.stream.state is not ZrtpState.FINISHING:
                path.deliver(each, forged(CONF2_ACK, source_of(path.other(each))))
                assert not each.of(Secured)


def test_an_error_before_the_keys_ends_the_exchange_and_after_them_does_not() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()
    path.run(0.05)
    assert [kind_of(each) for each in path.deliver(a, forged(Error(0x53), source_of(b)))] == [
        "ErrorACK"
    ]
    (failed,) = a.of(Failed)
    assert failed.by_peer
    assert "key agreement is not supported" in failed.reason
    c, d = couple("after")
    path = met(c, d)
    assert path.deliver(c, forged(Error(0x53), source_of(d))) == []
    assert "after the keys" in reasons(c)
    assert c.secure
    assert not c.of(Failed)


def test_going_clear_is_refused_and_the_keys_stay() -> None:
    a, b = couple()
    path = met(a, b)
    right = mac_of(a, b"GoClear ")
    (answer,) = path.deliver(a, forged(GoClear(right), source_of(b)))
    assert parse(parse_packet(answer).message) == Error(ErrorCode.GO_CLEAR.value)
    assert a.of(GoClearRefused)
    assert a.secure


def test_a_false_wish_to_go_clear_is_not_even_answered() -> None:
    a, b = couple()
    path = met(a, b)
    assert path.deliver(a, forged(GoClear(bytes(8)), source_of(b))) == []
    assert "not authentic" in reasons(a)
    assert not a.of(GoClearRefused)
    assert a.secure


def test_no_message_of_ours_ever_says_that_we_would_go_clear() -> None:
    a, b = couple()
    met(a, b)
    assert a.of(Secured)
    assert "ClearACK" not in {*a.types(), *b.types()}


def test_a_relayed_string_is_refused_with_a_reason() -> None:
    a, b = couple()
    path = met(a, b)
    hidden = bytes(40)
    right = mac_of(a, hidden)
    (answer,) = path.deliver(a, forged(SasRelay(right, bytes(16), hidden), source_of(b)))
    assert kind_of(answer) == "RelayACK"
    assert a.of(SasRelayRefused)[0].reason
    assert a.secured.sas == b.secured.sas
    assert path.deliver(a, forged(SasRelay(bytes(8), bytes(16), hidden), source_of(b))) == []


def test_what_is_wished_again_or_played_back_is_answered_and_not_told_again() -> None:
    a, b = couple()
    path = met(a, b)
    hidden = bytes(40)
    clear = forged(GoClear(mac_of(a, b"GoClear ")), source_of(b))
    relay = forged(SasRelay(mac_of(a, hidden), bytes(16), hidden), source_of(b))
    for _ in range(20):
        assert [kind_of(each) for each in path.deliver(a, clear)] == ["Error"]
        assert [kind_of(each) for each in path.deliver(a, relay)] == ["RelayACK"]
    assert len(a.of(GoClearRefused)) == len(a.of(SasRelayRefused)) == 1


def test_a_ping_is_answered_at_any_time_and_changes_nothing() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()
    (answer,) = path.deliver(a, forged(Ping(b"endpoint"), 0x0A0B0C0D))
    assert parse(parse_packet(answer).message) == PingAck(
        a.session.zid[:8], b"endpoint", 0x0A0B0C0D
    )
    path.run(3.0)
    agree_on(a, b)


@pytest.mark.parametrize(
    ("version", "code"), [("1.00", ErrorCode.VERSION.value), ("2.00", None), ("1.20", None)]
)
def test_another_version_is_refused_if_lower_and_waited_out_if_higher(
    version: str, code: int | None
) -> None:
    a, b = couple()

    def change(octets: bytearray) -> None:
        octets[12:16] = version.encode()

    path = Path(a, b)
    path.start()
    path.deliver(a, altered(b.sent[0], change))
    assert [each.code for each in a.of(Failed)] == ([] if code is None else [code])
    assert not a.secure


def test_a_version_that_differs_in_its_last_place_is_the_same() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()

    def change(octets: bytearray) -> None:
        octets[15:16] = b"a"

    path.deliver(a, altered(b.sent[0], change))
    assert a.stream.state is ZrtpState.HEARD


def test_a_flood_of_rubbish_is_counted_and_told_only_at_its_beginning() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()
    for number in range(500):
        a.stream.receive(number.to_bytes(40, "big"), path.now)
    path.run(3.0)
    agree_on(a, b)
    assert a.stream.refused >= 500
    assert len(a.of(PacketRefused)) <= 16


def test_only_one_role_each_is_taken() -> None:
    a, b = couple()
    met(a, b)
    assert {a.secured.role, b.secured.role} == {Role.INITIATOR, Role.RESPONDER}
