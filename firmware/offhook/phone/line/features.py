"""What the telephone says when it is asked: from facts to sentences, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from offhook.base.schema.feature_codes import Function
from offhook.base.vocabulary import PromptId, Sentence
from offhook.phone.call.history import Entry, History
from offhook.phone.call.record import Cause, Outcome
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.phone.line.endings import ending
from offhook.phone.line.events import AccountDown, AccountReady, Caller, Trouble
from offhook.phone.line.legs import Leg
from offhook.phone.line.states import Cue

LONGEST_LIST: Final = 5
"""Missed callers that are named; the count tells the rest."""

Sentences = tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the telephone knows at that moment."""

    account: AccountReady | AccountDown
    number: str
    """The own number, as last known."""
    messages: int
    leg: Leg | None
    """The present call."""
    history: History
    muted: bool


_WHY: Final[Mapping[Trouble, PromptId]] = {
    Trouble.STARTING: PromptId.WHY_STARTING,
    Trouble.NO_NETWORK: PromptId.WHY_NO_NETWORK,
    Trouble.NO_SERVER: PromptId.WHY_NO_SERVER,
    Trouble.UNTRUSTED: PromptId.WHY_UNTRUSTED,
    Trouble.CREDENTIALS: PromptId.WHY_CREDENTIALS,
    Trouble.REFUSED: PromptId.WHY_REFUSED,
    Trouble.SERVER_FAULT: PromptId.WHY_SERVER_FAULT,
}

_WITH_STATUS: Final = frozenset({Trouble.REFUSED, Trouble.SERVER_FAULT})

_TRUST: Final[Mapping[TrustLevel, PromptId]] = {
    TrustLevel.NONE: PromptId.TRUST_NONE,
    TrustLevel.HOP_BY_HOP: PromptId.TRUST_HOP_BY_HOP,
    TrustLevel.END_TO_END: PromptId.TRUST_END_TO_END,
    TrustLevel.VERIFIED: PromptId.TRUST_VERIFIED,
}

_OUTCOMES: Final[Mapping[Outcome, PromptId]] = {
    Outcome.INSECURE: PromptId.CALL_NOT_SECURE,
    Outcome.NO_MEDIA: PromptId.CALL_NO_MEDIA,
    Outcome.FAILED: PromptId.CALL_FAILED,
    Outcome.REFUSED: PromptId.CALL_REFUSED,
}
"""Outcomes that are explained; of the others the tone tells enough."""

_CAUSES: Final[Mapping[Cause, PromptId]] = {
    Cause.NO_ZRTP: PromptId.CALL_NO_ZRTP,
    Cause.ZRTP_FAILED: PromptId.CALL_ZRTP_FAILED,
    Cause.NO_HANDSHAKE: PromptId.CALL_NO_HANDSHAKE,
    Cause.ATTACKED: PromptId.CALL_ATTACKED,
    Cause.OTHER_CERTIFICATE: PromptId.CALL_OTHER_CERTIFICATE,
}

_CAUTIONS: Final[Mapping[Caution, PromptId]] = {
    Caution.MISMATCH: PromptId.WARN_MISMATCH,
    Caution.DIFFERENT: PromptId.WARN_DIFFERENT,
    Caution.DISCLOSURE: PromptId.WARN_DISCLOSURE,
    Caution.RELAY: PromptId.WARN_RELAY,
    Caution.GO_CLEAR: PromptId.WARN_GO_CLEAR,
    Caution.SAS_RELAY: PromptId.WARN_SAS_RELAY,
    Caution.ATTACKED: PromptId.WARN_ATTACKED,
    Caution.SUITE_BROKEN: PromptId.WARN_SUITE,
}


def why_down(account: AccountDown) -> Sentences:
    """That calls can't be made now, why, and that emergency numbers are tried."""
    return (
        Sentence(PromptId.NOT_REGISTERED),
        *_reason(account),
        Sentence(PromptId.EMERGENCY_STILL),
    )


def why_over(outcome: Outcome, status: int | None, cause: Cause | None = None) -> Sentences:
    """Why a call came to nothing, where the tone doesn't say it."""
    if outcome is Outcome.INSECURE and cause is not None:
        return (Sentence(_CAUSES[cause]),)
    if outcome is Outcome.REFUSED and ending(status) is Cue.NO_SUCH:
        return (Sentence(PromptId.NUMBER_UNREACHABLE, str(status)),)
    prompt = _OUTCOMES.get(outcome)
    if prompt is None:
        return ()
    if prompt is PromptId.CALL_REFUSED and status is not None:
        return (Sentence(prompt, str(status)),)
    return (Sentence(PromptId.CALL_FAILED if prompt is PromptId.CALL_REFUSED else prompt),)


def less_safe(leg: Leg) -> Sentences:
    """That the call is less safe than it was, and how safe it is now."""
    return (Sentence(PromptId.TRUST_LOWERED), trust_sentence(leg))


def caution_sentence(caution: Caution) -> Sentence:
    """What the person is warned of."""
    return Sentence(_CAUTIONS[caution])


def to_compare(leg: Leg | None) -> Sentences:
    """What two people compare, twice, since one has to remember it; and which keys say the rest."""
    if leg is None:
        return (Sentence(PromptId.NO_CALL),)
    if leg.sas is None:
        return (Sentence(PromptId.SAS_NONE),)
    told = Sentence(PromptId.SAS_TELL, " ".join(leg.sas.parts))
    return (told, told, Sentence(PromptId.SAS_KEYS))


def caller_sentence(caller: Caller) -> Sentence:
    """Who the other is, and whether that is proven."""
    if not caller.number:
        return Sentence(PromptId.CALLER_UNKNOWN)
    proven = PromptId.CALLER_VERIFIED if caller.verified else PromptId.CALLER
    return Sentence(proven, caller.number)


def _reason(account: AccountDown) -> Sentences:
    if account.trouble not in _WITH_STATUS:
        return (Sentence(_WHY[account.trouble]),)
    if account.status is None:
        return ()
    return (Sentence(_WHY[account.trouble], str(account.status)),)


def _own_number(facts: Facts) -> Sentences:
    if not facts.number:
        return (Sentence(PromptId.NOT_REGISTERED),)
    return (Sentence(PromptId.OWN_NUMBER, facts.number),)


def _state(facts: Facts) -> Sentences:
    told: Sentences = (
        (Sentence(PromptId.REGISTERED),)
        if isinstance(facts.account, AccountReady)
        else (Sentence(PromptId.NOT_REGISTERED),)
    )
    if facts.messages:
        told += (Sentence(PromptId.MESSAGES_WAITING, str(facts.messages)),)
    return told


def _why_not_registered(facts: Facts) -> Sentences:
    if isinstance(facts.account, AccountDown):
        return why_down(facts.account)
    return (Sentence(PromptId.REGISTERED),)


def _call_security(facts: Facts) -> Sentences:
    leg = facts.leg
    if leg is None:
        return (Sentence(PromptId.NO_CALL),)
    return (trust_sentence(leg), *(caution_sentence(each) for each in leg.cautions))


def trust_sentence(leg: Leg) -> Sentence:
    """How safe the call is now."""
    return Sentence(PromptId.TRUST_NONE if leg.silent else _TRUST[leg.trust])


def _who_is_calling(facts: Facts) -> Sentences:
    leg = facts.leg
    if leg is None:
        return (Sentence(PromptId.NO_CALL),)
    if leg.outgoing:
        return (Sentence(PromptId.CALLED, leg.caller.number),)
    return (caller_sentence(leg.caller),)


def _last_caller(facts: Facts) -> Sentences:
    last = facts.history.last_caller
    if last is None:
        return (Sentence(PromptId.NO_CALLERS),)
    if not last.number:
        return (Sentence(PromptId.CALLER_UNKNOWN),)
    return (Sentence(PromptId.LAST_CALLER, last.number),)


def _missed_callers(facts: Facts) -> Sentences:
    history = facts.history
    if not history.missed:
        return (Sentence(PromptId.NO_MISSED_CALLS),)
    named = tuple(_named(each) for each in history.missed[:LONGEST_LIST])
    return (Sentence(PromptId.MISSED_CALLS, str(history.missed_count)), *named)


def _named(entry: Entry) -> Sentence:
    return caller_sentence(Caller(entry.number))


def _mute_state(facts: Facts) -> Sentences:
    return (Sentence(PromptId.MUTED if facts.muted else PromptId.NOT_MUTED),)


ASKED: Final[Mapping[Function, Callable[[Facts], Sentences]]] = {
    "own-number": _own_number,
    "state": _state,
    "why-not-registered": _why_not_registered,
    "call-security": _call_security,
    "who-is-calling": _who_is_calling,
    "last-caller": _last_caller,
    "missed-callers": _missed_callers,
    "mute-state": _mute_state,
}
"""The functions that only tell something; `commands` has those that do something."""
