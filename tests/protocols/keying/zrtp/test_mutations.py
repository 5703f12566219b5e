"""Every field of every message changed on its way: refused with a reason, and never any keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.keying.zrtp.agents import Agent, Path, agent, altered, kind_of
from tests.protocols.keying.zrtp.test_exchange import agree_on

from offhook.protocols.keying.zrtp.agreement import PRIME
from offhook.protocols.keying.zrtp.algorithms import Algorithms, AuthTag, KeyAgreement
from offhook.protocols.keying.zrtp.events import Failed, PacketRefused, Secured, Silent
from offhook.protocols.keying.zrtp.packet import crc32c
from offhook.protocols.keying.zrtp.reading import parse
from offhook.protocols.keying.zrtp.refusals import Discarded
from offhook.protocols.keying.zrtp.session import ZrtpSettings

QUICK = ZrtpSettings(Algorithms(auth_tags=tuple(AuthTag), agreements=(KeyAgreement.X255,)))
DH3K = ZrtpSettings(Algorithms(agreements=(KeyAgreement.DH3K,)))

Change = Callable[[bytearray], object]

FRAME = {"preamble": slice(0, 2), "length": slice(2, 4), "type": slice(4, 12)}
DH_PART = {
    "H1": slice(12, 44),
    "rs1ID": slice(44, 52),
    "rs2ID": slice(52, 60),
    "auxsecretID": slice(60, 68),
    "pbxsecretID": slice(68, 76),
    "public value": slice(76, 108),
    "MAC": slice(108, 116),
}
CONFIRM = {
    "MAC": slice(12, 20),
    "IV": slice(20, 36),
    "hidden H0": slice(36, 68),
    "hidden signature length": slice(69, 71),
    "hidden flags": slice(71, 72),
    "hidden expiry": slice(72, 76),
}
FIELDS: dict[str, dict[str, slice]] = {
    "Hello": {
        "version": slice(12, 16),
        "client": slice(16, 32),
        "H3": slice(32, 64),
        "ZID": slice(64, 76),
        "flags": slice(76, 77),
        "counts": slice(77, 80),
        "hashes": slice(80, 88),
        "ciphers": slice(88, 96),
        "tags": slice(96, 104),
        "agreements": slice(104, 112),
        "SAS types": slice(112, 120),
        "MAC": slice(120, 128),
    },
    "HelloACK": {},
    "Commit": {
        "H2": slice(12, 44),
        "ZID": slice(44, 56),
        "hash": slice(56, 60),
        "cipher": slice(60, 64),
        "tag": slice(64, 68),
        "agreement": slice(68, 72),
        "SAS type": slice(72, 76),
        "hvi": slice(76, 108),
        "MAC": slice(108, 116),
    },
    "DHPart1": DH_PART,
    "DHPart2": DH_PART,
    "Confirm1": CONFIRM,
    "Confirm2": CONFIRM,
    "Conf2ACK": {},
}


def invert_first(field: bytearray) -> None:
    field[0] ^= 0x80


def invert_last(field: bytearray) -> None:
    field[-1] ^= 1


def complement(field: bytearray) -> None:
    field[:] = bytes(each ^ 0xFF for each in field)


def zero(field: bytearray) -> None:
    if any(field):
        field[:] = bytes(len(field))
    else:
        field[0] = 1


CHANGES: tuple[Change, ...] = (invert_first, invert_last, complement, zero)


def in_field(place: slice, change: Change) -> Change:
    def whole(octets: bytearray) -> None:
        field = octets[place]
        change(field)
        octets[place] = field

    return whole


def cut(count: int, *, told: bool) -> Change:
    def whole(octets: bytearray) -> None:
        del octets[-count:]
        if told:
            octets[2:4] = (len(octets) // 4).to_bytes(2, "big")

    return whole


def grown(count: int, *, told: bool) -> Change:
    def whole(octets: bytearray) -> None:
        octets += bytes(count)
        if told:
            octets[2:4] = (len(octets) // 4).to_bytes(2, "big")

    return whole


def text(place: slice, code: bytes) -> Change:
    def whole(octets: bytearray) -> None:
        octets[place] = code

    return whole


def length(words: int) -> Change:
    return text(slice(2, 4), words.to_bytes(2, "big"))


FRAMING: dict[str, Change] = {
    **{
        f"{name} {change.__name__}": in_field(place, change)
        for name, place in FRAME.items()
        for change in CHANGES
    },
    "no length": length(0),
    "length below the head": length(2),
    "greatest length": length(0xFFFF),
    "a word longer, untold": grown(4, told=False),
    "a word longer": grown(4, told=True),
    "an octet longer": grown(1, told=False),
    "a word shorter, untold": cut(4, told=False),
    "an octet shorter": cut(1, told=False),
    "unknown type": text(slice(4, 12), b"Unknown "),
    "type in small letters": text(slice(4, 12), b"hello   "),
}

SPECIAL: dict[str, dict[str, Change]] = {
    "Hello": {
        "eight hashes": text(slice(78, 79), b"\x82"),
        "no ciphers": text(slice(78, 79), b"\x20"),
        "version 0.90": text(slice(12, 16), b"0.90"),
        "version 9.00": text(slice(12, 16), b"9.00"),
        "an empty version": text(slice(12, 16), bytes(4)),
        "a word shorter": cut(4, told=True),
    },
    "Commit": {
        "unknown hash": text(slice(56, 60), b"S999"),
        "weaker hash": text(slice(56, 60), b"S256"),
        "unknown cipher": text(slice(60, 64), b"2FS1"),
        "weaker cipher": text(slice(60, 64), b"AES1"),
        "unknown tag": text(slice(64, 68), b"SK64"),
        "shorter tag": text(slice(64, 68), b"HS32"),
        "agreement not offered": text(slice(68, 72), b"DH2k"),
        "another agreement": text(slice(68, 72), b"X448"),
        "preshared": text(slice(68, 72), b"Prsh"),
        "multistream": text(slice(68, 72), b"Mult"),
        "unknown SAS type": text(slice(72, 76), b"B999"),
        "another SAS type": text(slice(72, 76), b"B32 "),
        "a word shorter": cut(4, told=True),
    },
    "DHPart1": {"a word shorter": cut(4, told=True), "as DHPart2": text(slice(4, 12), b"DHPart2 ")},
    "DHPart2": {"a word shorter": cut(4, told=True), "as DHPart1": text(slice(4, 12), b"DHPart1 ")},
    "Confirm1": {
        "a word shorter": cut(4, told=True),
        "as Confirm2": text(slice(4, 12), b"Confirm2"),
    },
    "Confirm2": {
        "a word shorter": cut(4, told=True),
        "as Confirm1": text(slice(4, 12), b"Confirm1"),
    },
}

MUTATIONS = [
    pytest.param(kind, change, id=f"{kind}: {name}")
    for kind, fields in FIELDS.items()
    for name, change in {
        **FRAMING,
        **{
            f"{field} {change.__name__}": in_field(place, change)
            for field, place in fields.items()
            for change in CHANGES
        },
        **SPECIAL.get(kind, {}),
    }.items()
]


def test_there_are_at_least_twenty_mutations_of_each_message() -> None:
    for kind in FIELDS:
        assert sum(str(each.id).startswith(f"{kind}:") for each in MUTATIONS) >= 20


def lived(a: Agent, b: Agent, kind: str, change: Change, seconds: float = 30.0) -> Path:
    """An exchange in which every message of that kind is changed."""

    def meddle(_who: Agent, datagram: bytes) -> list[bytes]:
        return [altered(datagram, change) if kind_of(datagram) == kind else datagram]

    path = Path(a, b, meddle)
    path.start()
    path.run(seconds)
    return path


def told(one: Agent) -> list[str]:
    return [e.reason for e in one.events if isinstance(e, Failed | Silent | PacketRefused)]


@pytest.mark.parametrize(("kind", "change"), MUTATIONS)
def test_a_message_that_is_always_changed_gives_no_keys_and_a_reason(
    kind: str, change: Change
) -> None:
    a, b = agent("alice", QUICK), agent("bob", QUICK)
    lived(a, b, kind, change)
    assert kind in {*a.types(), *b.types()}
    if kind == "Conf2ACK":
        # The responder has all it needs; its media would tell the initiator the same.
        assert a.secure != b.secure
    else:
        assert not a.of(Secured)
        assert not b.of(Secured)
    for each in (a, b):
        if not each.secure:
            assert all(told(each))
            assert any(isinstance(e, Failed | Silent) for e in each.events)


@pytest.mark.parametrize(("kind", "change"), MUTATIONS)
def test_a_message_that_is_changed_once_gives_the_right_keys_or_none(
    kind: str, change: Change
) -> None:
    a, b = agent("alice", QUICK), agent("bob", QUICK)
    changed: list[bytes] = []

    def meddle(_who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) == kind and not changed:
            changed.append(datagram)
            return [altered(datagram, change)]
        return [datagram]

    path = Path(a, b, meddle)
    path.start()
    path.run(30.0)
    assert changed
    if a.secure or b.secure:
        agree_on(a, b)


@pytest.mark.parametrize("part", ["DHPart1", "DHPart2"])
@pytest.mark.parametrize("value", [0, 1, PRIME - 1, PRIME, PRIME + 1, 2**3072 - 1])
def test_a_weak_public_value_is_refused(part: str, value: int) -> None:
    a, b = agent("alice", DH3K), agent("bob", DH3K)
    lived(a, b, part, text(slice(76, 460), value.to_bytes(384, "big")))
    failures = [each for each in (*a.of(Failed), *b.of(Failed)) if not each.by_peer]
    assert failures[0].code == 0x61
    assert failures[0].attack
    assert not a.of(Secured)
    assert not b.of(Secured)


@pytest.mark.parametrize("kind", FIELDS)
def test_a_wrong_crc_is_silence(kind: str) -> None:
    a, b = agent("alice", QUICK), agent("bob", QUICK)

    def meddle(_who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) != kind:
            return [datagram]
        return [datagram[:-1] + bytes([datagram[-1] ^ 1])]

    path = Path(a, b, meddle)
    path.start()
    path.run(30.0)
    assert any("CRC" in each for each in told(a) + told(b))
    assert not (a.secure and b.secure)


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from([kind for kind, fields in FIELDS.items() if fields]),
    place=st.integers(0, 4095),
    bit=st.integers(0, 7),
)
def test_no_changed_bit_of_a_message_leads_to_keys(kind: str, place: int, bit: int) -> None:
    def change(octets: bytearray) -> None:
        octets[place % len(octets)] ^= 1 << bit

    a, b = agent("alice", QUICK), agent("bob", QUICK)
    lived(a, b, kind, change, 20.0)
    assert not a.of(Secured)
    assert not b.of(Secured)


@settings(max_examples=80, deadline=None)
@given(
    deeds=st.lists(
        st.none() | st.tuples(st.integers(0, 4095), st.none() | st.integers(0, 255)), max_size=20
    )
)
def test_whatever_is_done_to_packets_both_have_the_same_keys_or_none(
    deeds: list[tuple[int, int | None] | None],
) -> None:
    a, b = agent("alice", QUICK), agent("bob", QUICK)
    left = iter(deeds)

    def meddle(_who: Agent, datagram: bytes) -> list[bytes]:
        deed = next(left, None)
        if deed is None:
            return [datagram]
        octets, place = bytearray(datagram[:-4]), deed[0] % (len(datagram) - 4)
        if deed[1] is None:
            del octets[place:]
        else:
            octets[place] = deed[1]
        return [bytes(octets) + crc32c(bytes(octets)), datagram]

    path = Path(a, b, meddle)
    path.start()
    path.run(3.0)
    if a.secure and b.secure:
        agree_on(a, b)


def verdict(octets: bytes) -> object:
    """The message, or the reason why it is none."""
    try:
        return parse(octets)
    except Discarded as found:
        return found.reason


@given(st.binary(max_size=600))
def test_no_octets_are_read_without_a_verdict(octets: bytes) -> None:
    framed = b"\x50\x5a" + ((len(octets) + 12) // 4).to_bytes(2, "big")
    for each in (octets, framed + octets):
        assert verdict(each)


@given(st.sampled_from(sorted(FIELDS)), st.binary(max_size=200))
def test_a_known_type_with_any_body_is_read_or_discarded(kind: str, body: bytes) -> None:
    body = body[: len(body) // 4 * 4]
    head = b"\x50\x5a" + (3 + len(body) // 4).to_bytes(2, "big") + kind.ljust(8).encode()
    assert verdict(head + body)
