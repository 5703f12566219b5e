"""RFC 4475: what our user agent answers, over a flow, to the messages that come as one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.sip.agent import Identity, UserAgent
from offhook.protocols.sip.agent_events import AgentEvent, IncomingCall
from offhook.protocols.sip.message import Response
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.uri import SipUri

CORPUS = Path(__file__).parents[2] / "data" / "rfc4475"
TABLE: dict[str, dict[str, Any]] = tomllib.loads((CORPUS / "messages.toml").read_text("utf-8"))
ANSWERED = {name: row["core"] for name, row in TABLE.items() if "core" in row}
REFUSED = {
    name: (row.get("parse") or row["validate"])[0]
    for name, row in TABLE.items()
    if "parse" in row or "validate" in row
}
LACK_WHAT_AN_ANSWER_ECHOES = {"insuf"}
NEVER_END_ON_A_STREAM = {"clerr", "baddn"}


def receive(name: str) -> tuple[list[Response], list[AgentEvent]]:
    """What a fresh user agent sends and reports after this message."""
    identity = Identity(SipUri("sip", "user", "example.com"), "", "user", "Offhook/0")
    agent = UserAgent(identity, None, SeededRandomness(name))
    agent.flow_opened(PathAddress("192.0.2.10", 50612), PathAddress("192.0.2.1", 5061), 0.0)
    agent.receive((CORPUS / f"{name}.dat").read_bytes(), 0.0)
    events: list[AgentEvent] = []
    while (event := agent.next_event()) is not None:
        events.append(event)
    sent = [parse_message(data) for data in agent.data_to_send()]
    return [message for message in sent if isinstance(message, Response)], events


@pytest.mark.parametrize("name", ANSWERED)
def test_the_core_answers_what_the_table_says(name: str) -> None:
    responses, events = receive(name)
    calls = [event for event in events if isinstance(event, IncomingCall)]
    if ANSWERED[name] == "call":
        assert len(calls) == 1
        return
    assert not calls
    (response,) = responses
    assert response.status == ANSWERED[name]
    told = {405: "Allow", 415: "Accept", 420: "Unsupported", 501: "Allow"}.get(response.status)
    assert told is None or told in response.headers


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_answered_as_the_table_says_and_reaches_nobody(name: str) -> None:
    responses, events = receive(name)
    assert not [event for event in events if isinstance(event, IncomingCall)]
    unanswered = LACK_WHAT_AN_ANSWER_ECHOES | NEVER_END_ON_A_STREAM
    if REFUSED[name] == "(none)" or name in unanswered:
        assert responses == []
    else:
        assert [response.status for response in responses] == [REFUSED[name]]


@pytest.mark.parametrize("name", ["unreason", "noreason"])
def test_a_response_to_nothing_that_we_asked_is_dropped(name: str) -> None:
    assert receive(name) == ([], [])


def test_the_extensions_of_require_are_told_as_unsupported() -> None:
    ((response,), _) = receive("bext01")
    assert response.headers.values("Unsupported") == [
        "nothingSupportsThis",
        "nothingSupportsThisEither",
    ]
