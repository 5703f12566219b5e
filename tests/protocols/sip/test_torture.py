"""RFC 4475: the parser, the framer and validate() do the UA's part for each of the 49 messages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from offhook.base.errors import PeerError
from offhook.protocols.sip.framer import FramingLost, StreamFramer
from offhook.protocols.sip.message import Message, Request, response_to
from offhook.protocols.sip.parse import BadMessage, parse_message
from offhook.protocols.sip.serialise import serialise
from offhook.protocols.sip.validate import METHODS, validate

CORPUS = Path(__file__).parents[2] / "data" / "rfc4475"
TABLE: dict[str, dict[str, Any]] = tomllib.loads((CORPUS / "messages.toml").read_text("utf-8"))
NAMES = sorted(TABLE)
ACCEPTED_BY_PARSER = [name for name in NAMES if "parse" not in TABLE[name]]
ACCEPTED = [name for name in ACCEPTED_BY_PARSER if "validate" not in TABLE[name]]


def octets(name: str) -> bytes:
    return (CORPUS / f"{name}.dat").read_bytes()


def plain(value: Any) -> Any:
    """As TOML would say it: lists for tuples, "(none)" for None."""
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return "(none)" if value is None else value


def fact(message: Message, path: str) -> Any:
    """What `contacts.0.uri.user` names."""
    value: Any = message
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() else getattr(value, step)
    return plain(value)


def test_the_corpus_is_the_49_messages_of_the_rfc() -> None:
    assert len(NAMES) == 49
    assert sorted(path.stem for path in CORPUS.glob("*.dat")) == NAMES


def test_the_table_follows_the_sections_of_the_rfc() -> None:
    sections = [tuple(map(int, row["section"].split("."))) for row in TABLE.values()]
    assert sections == sorted(sections)
    assert len(set(sections)) == 49
    assert all(row["title"] and row["element"] and row["duty"] for row in TABLE.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_parser_accepts_or_refuses_as_the_table_says(name: str) -> None:
    expected = TABLE[name].get("parse")
    if expected is None:
        parse_message(octets(name))
        return
    with pytest.raises(BadMessage) as caught:
        parse_message(octets(name))
    assert plain([caught.value.status, caught.value.reason]) == expected


@pytest.mark.parametrize("name", ACCEPTED_BY_PARSER)
def test_validate_accepts_or_refuses_as_the_table_says(name: str) -> None:
    expected = TABLE[name].get("validate")
    message = parse_message(octets(name))
    if expected is None:
        validate(message)
        return
    with pytest.raises(PeerError) as caught:
        validate(message)
    assert plain([caught.value.status, caught.value.reason]) == expected


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_accepted_message_says_what_the_rfc_says(name: str) -> None:
    message = parse_message(octets(name))
    facts = TABLE[name].get("facts", {})
    assert {path: fact(message, path) for path in facts} == facts
    fields = TABLE[name].get("fields", {})
    assert {field: message.headers.get(field) for field in fields} == fields
    assert len(message.body) == TABLE[name].get("body", 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_on_a_stream_the_framer_finds_what_the_table_says(name: str, piece: int) -> None:
    framer = StreamFramer()
    data = octets(name)
    found = [
        item
        for start in range(0, len(data), piece)
        for item in framer.receive(data[start:][:piece])
    ]
    one = "BadMessage" if "parse" in TABLE[name] else type(parse_message(data)).__name__
    assert [type(item).__name__ for item in found] == TABLE[name].get("stream", [one])


@pytest.mark.parametrize("name", ["ncl", "mcl01", "inv2543"])
def test_a_stream_whose_framing_is_lost_is_answered_400_first(name: str) -> None:
    (lost,) = StreamFramer().receive(octets(name))
    assert isinstance(lost, FramingLost)
    assert lost.status == 400
    assert lost.response_basis is not None
    assert b"SIP/2.0 400 Bad Request\r\n" in serialise(response_to(lost.response_basis, 400))


def answer(name: str) -> bytes | None:
    """The answer to what parser or validate() refuse, as it goes on the wire."""
    try:
        message = parse_message(octets(name))
    except BadMessage as bad:
        if bad.response_basis is None or bad.status is None:
            return None
        return serialise(response_to(bad.response_basis, bad.status))
    try:
        validate(message)
    except PeerError as error:
        if error.status is None or not isinstance(message, Request):
            return None
        return serialise(response_to(message, error.status))
    return None


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(ACCEPTED)))
def test_what_is_refused_is_answered_with_the_status_of_the_table_or_dropped(name: str) -> None:
    status, _ = TABLE[name].get("parse") or TABLE[name]["validate"]
    sent = answer(name)
    if status == "(none)":
        assert sent is None
        return
    assert sent is not None
    assert sent.startswith(f"SIP/2.0 {status} ".encode())
    assert parse_message(sent).headers.get("Via") is not None


@pytest.mark.parametrize("name", ["intmeth", "esc02", "mismatch02"])
def test_an_unknown_method_is_no_known_one(name: str) -> None:
    message = parse_message(octets(name))
    assert isinstance(message, Request)
    assert message.method not in METHODS


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_accepted_message_survives_being_written_and_read(name: str) -> None:
    message = parse_message(octets(name))
    again = parse_message(serialise(message))
    assert without_length(again) == without_length(message)


def without_length(message: Message) -> tuple[object, ...]:
    fields = [field for field in message.headers if field[0] != "Content-Length"]
    start = (
        (message.method, str(message.uri))
        if isinstance(message, Request)
        else (message.status, message.reason)
    )
    return (*start, fields, message.body)


@pytest.mark.parametrize("name", ACCEPTED_BY_PARSER)
def test_every_cut_of_a_message_is_refused_or_shorter_but_never_a_crash(name: str) -> None:
    data = octets(name)
    for end in range(0, len(data), 3):
        try:
            validate(parse_message(data[:end]))
        except PeerError:
            continue
