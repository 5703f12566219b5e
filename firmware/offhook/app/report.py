"""What the command line says as JSON: these types are its schema (`app/schemas/*.schema.json`).

Times are in ms, counts in packets unless said. A value that was never reached is null.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from offhook.app.control_report import (
    DirectionName,
    OutcomeName,
    PhonePart,
    SasPart,
    TrustName,
    sas_part,
)
from offhook.base.vocabulary import FlowReport
from offhook.phone.call.record import CallRecord

Milliseconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]


class Signalling(msgspec.Struct, frozen=True, kw_only=True):
    """The TLS connection that carried the SIP messages, and who its other end proved to be."""

    server: Annotated[str, Meta(description="address and port that were connected to")]
    tls_version: Literal["TLSv1.3", "TLSv1.2"]
    cipher: Annotated[str, Meta(description="cipher suite by OpenSSL's name")]
    group: Annotated[str, Meta(description="key-exchange group, read from the handshake")]
    resumed: bool
    peer_name: Annotated[str, Meta(description="the identity that the certificate proved")]
    rule: Annotated[str, Meta(description="the rule by which it was accepted (RFC 5922)")]


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """How speech was protected."""

    suite: str | None
    keying: str | None
    codec: str | None
    trust: TrustName
    reasons: tuple[str, ...]
    sas: SasPart | None = None
    attempts: Annotated[Count, Meta(description="INVITEs, each with another form of offer")] = 0
    form: Annotated[str | None, Meta(description="the form of offer that was answered")] = None
    broken_suite: Annotated[
        str | None, Meta(description="nothing was authentic under it; another one was asked for")
    ] = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long each step took. INVITE counts from the first one, before any challenge."""

    dns: Milliseconds | None = None
    connect: Milliseconds | None = None
    tls: Milliseconds | None = None
    register: Milliseconds | None = None
    start_to_registered: Milliseconds | None = None
    invite_to_180: Milliseconds | None = None
    invite_to_200: Milliseconds | None = None
    answered_to_first_sent: Milliseconds | None = None
    answered_to_first_received: Milliseconds | None = None
    talked: Milliseconds | None = None


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the voice packets."""

    sent: Count
    received: Count
    lost: Count
    late: Count
    rejected: Annotated[Count, Meta(description="not authenticated, replayed or unparsable")]
    jitter_ms: Milliseconds
    underruns: Annotated[Count, Meta(description="periods in which no sound was ready")]
    round_trip_ms: Annotated[Milliseconds | None, Meta(description="from RTCP")] = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why there was no call, or no registration."""

    stage: Literal["settings", "signalling", "registration", "call", "engine"]
    reason: str
    rule: Annotated[str | None, Meta(description="the certificate or TLS rule that failed")] = None


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    outcome: OutcomeName
    direction: DirectionName
    peer: str
    reason: str
    ended_by: str
    sip_status: int | None
    sip_reason: str | None
    signalling: Signalling | None
    media: Media
    timing_ms: Timing
    quality: Quality
    digits_received: str = ""
    failure: Failure | None = None


class AnswerReport(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that `offhook answer` took, in order."""

    calls: tuple[CallReport, ...]
    signalling: Signalling | None
    timing_ms: Timing
    failure: Failure | None = None


class AccountStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One account: as the running phone has it, or a registration tried just now found it."""

    name: str
    address: str
    registered: bool
    expires_s: Annotated[float | None, Meta(description="how long the registration was given")]
    signalling: Signalling | None
    timing_ms: Timing
    failure: Failure | None = None


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every account of the settings, and the telephone that runs with them, if one does."""

    version: str
    accounts: tuple[AccountStatus, ...]
    phone: Annotated[
        PhonePart | None, Meta(description="null: none was asked, accounts were tried just now")
    ] = None


REPORTS: Final[dict[str, type[msgspec.Struct]]] = {
    "call": CallReport,
    "answer": AnswerReport,
    "status": StatusReport,
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the report `name`."""
    return schema_of(REPORTS[name], f"offhook {name} --json")


def schema_of(kind: Any, title: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of any type of msgspec's."""
    made: dict[str, Any] = _ordered(msgspec.json.schema(kind))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **made}


def _ordered(part: Any) -> Any:
    """The same with its alternatives in one order: msgspec's versions differ in it."""
    if isinstance(part, dict):
        part = {key: _ordered(item) for key, item in part.items()}
        if "anyOf" in part:
            part["anyOf"].sort(key=str)
        return part
    return [_ordered(item) for item in part] if isinstance(part, (list, tuple)) else part


def as_json(report: msgspec.Struct) -> str:
    """The report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def signalling_part(flow: FlowReport | None) -> Signalling | None:
    """What is said of a flow; None where there was none."""
    if flow is None:
        return None
    host = f"[{flow.peer.host}]" if ":" in flow.peer.host else flow.peer.host
    return Signalling(
        server=f"{host}:{flow.peer.port}",
        tls_version="TLSv1.3" if flow.version == "TLSv1.3" else "TLSv1.2",
        cipher=flow.cipher,
        group=flow.group,
        resumed=flow.resumed,
        peer_name=flow.verdict.name,
        rule=flow.verdict.rule,
    )


def call_report(
    record: CallRecord,
    flow: FlowReport | None,
    timing: Timing,
    failure: Failure | None = None,
) -> CallReport:
    """One call's report; `timing` holds what the flow and the registration took."""
    answered = record.answered_ms
    statistics = record.statistics
    return CallReport(
        outcome=record.outcome.value,
        direction=record.direction.value,
        peer=record.peer,
        reason=record.reason,
        ended_by=record.ended_by,
        sip_status=record.status,
        sip_reason=record.sip_reason,
        signalling=signalling_part(flow),
        media=Media(
            suite=record.suite,
            keying=record.keying,
            codec=record.codec,
            trust=record.trust.level.value,
            reasons=record.trust.reasons,
            sas=sas_part(record.sas),
            attempts=record.attempts,
            form=record.form,
            broken_suite=record.broken_suite,
        ),
        timing_ms=msgspec.structs.replace(
            timing,
            invite_to_180=_rounded(_span(record.invited_ms, record.ringing_ms)),
            invite_to_200=_rounded(_span(record.invited_ms, answered)),
            answered_to_first_sent=_rounded(_span(answered, record.first_sent_ms)),
            answered_to_first_received=_rounded(_span(answered, record.first_received_ms)),
            talked=_rounded(_span(answered, record.ended_ms)),
        ),
        quality=Quality(
            sent=statistics.sent,
            received=statistics.received,
            lost=statistics.lost,
            late=statistics.late,
            rejected=statistics.rejected,
            jitter_ms=round(statistics.jitter_ms, 3),
            underruns=statistics.underruns,
            round_trip_ms=_rounded(statistics.round_trip_ms),
        ),
        digits_received=record.digits_received,
        failure=failure,
    )


def _span(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
