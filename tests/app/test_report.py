from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest
from tests.phone.call.desk import TRUNK, flow_report

from offhook.app.render import render
from offhook.app.report import REPORTS, Failure, Timing, as_json, call_report, schema
from offhook.phone.call.record import CallRecord, Direction, Outcome
from offhook.protocols.media.messages import Statistics


def completed() -> CallRecord:
    return CallRecord(
        Direction.OUTGOING,
        "sip:600@practice.example",
        outcome=Outcome.COMPLETED,
        status=200,
        sip_reason="OK",
        invited_ms=2.0,
        ringing_ms=12.0,
        answered_ms=22.5,
        ended_ms=3022.5,
        first_sent_ms=23.0,
        first_received_ms=43.0,
        suite="AEAD_AES_256_GCM",
        keying="sdes",
        codec="PCMA",
        statistics=Statistics(sent=150, received=150, jitter_ms=0.12345),
    )


@pytest.mark.parametrize("name", REPORTS)
def test_the_schema_in_the_tree_is_that_of_the_types(name: str) -> None:
    kept = (resources.files("offhook.app.schemas") / f"{name}.schema.json").read_text("utf-8")
    assert json.loads(kept) == schema(name)


@pytest.mark.parametrize("name", REPORTS)
def test_the_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(
    "record", [completed(), CallRecord(Direction.INCOMING, "sip:bob@x.example")]
)
def test_a_report_fits_its_schema(record: CallRecord) -> None:
    report = call_report(record, flow_report(TRUNK), Timing(tls=5.0))
    jsonschema.validate(json.loads(as_json(report)), schema("call"))


def test_the_schema_refuses_what_is_no_report() -> None:
    report = json.loads(as_json(call_report(completed(), None, Timing())))
    report["outcome"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, schema("call"))


def test_times_are_counted_from_the_event_they_are_named_after() -> None:
    timing = call_report(completed(), None, Timing(tls=5.0)).timing_ms
    assert timing.invite_to_180 == 10.0
    assert timing.invite_to_200 == 20.5
    assert timing.answered_to_first_sent == 0.5
    assert timing.answered_to_first_received == 20.5
    assert timing.talked == 3000.0
    assert timing.tls == 5.0


def test_a_person_reads_the_same_without_the_empty_lines() -> None:
    text = render(call_report(completed(), flow_report(TRUNK), Timing(tls=5.0)))
    assert "outcome: completed" in text
    assert "peer name: practice.example" in text
    assert "None" not in text


def test_a_report_for_a_person_obeys_no_control_character_of_a_peer() -> None:
    failure = Failure(stage="call", reason="gone\x1b[2J\x9b2J\nfailure: none")
    told = render(call_report(completed(), flow_report(TRUNK), Timing(), failure))
    assert "reason: gone\ufffd[2J\ufffd2J\ufffdfailure: none" in told
