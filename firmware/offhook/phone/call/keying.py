"""A call's dealings with the engine about keys: what came of each method, what people compared.

RFC 4568, RFC 5763, RFC 6189 §4.3.2, §7.1. It states the call's trust, and says when no keys are
left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from offhook.phone.call.call_events import CallEvent, SasKnown, TrustRestated, Warned
from offhook.phone.call.keys_in_use import KeysInUse
from offhook.phone.call.record import CallRecord, Cause
from offhook.phone.call.trust import Caution, Hops, TrustLevel, state_trust
from offhook.phone.call.zrtp_memory import ZrtpMemory
from offhook.protocols.keying.methods import Keying
from offhook.protocols.media import keying_messages as engine
from offhook.protocols.sdp.negotiation import Agreement

_CAUTIONS: Final = {
    engine.RefusedWish.GO_CLEAR: Caution.GO_CLEAR,
    engine.RefusedWish.SAS_RELAY: Caution.SAS_RELAY,
}


GOODBYE_S: Final = 0.9
"""So long a BYE may take after the peer has closed DTLS: then the person hears what is wrong."""


@dataclass(frozen=True, slots=True)
class NoKeys:
    """The call has no keys, or not those that it needs: it can't go on."""

    cause: Cause | None
    reason: str


class CallKeying:
    """One call's. `needs_zrtp`: without its keys there is no call."""

    def __init__(
        self, session: int, hops: Hops, memory: ZrtpMemory | None, *, needs_zrtp: bool = False
    ) -> None:
        self.keys = KeysInUse()
        self._session, self._hops, self._memory = session, hops, memory
        self._needs_zrtp = needs_zrtp
        self._zrtp_heard = self._zrtp_keyed = False
        self._warned: list[Caution] = []
        self._goodbye: engine.KeyingFailed | None = None
        """The keys ended, which a BYE would explain."""
        self.due: float | None = None
        """When (s) `no_goodbye` is due; None: no BYE is waited for."""

    @property
    def waits(self) -> bool:
        """Whether nothing is to be said or heard yet: the keys of now are not those needed."""
        return self._needs_zrtp and not self._zrtp_keyed

    def agreed(self, agreement: Agreement, record: CallRecord) -> None:
        """Offer and answer."""
        self.keys.agreed(agreement)
        current = self.keys.current
        record.keying = (agreement.keying if current is None else current.keying).value
        record.suite = None if current is None else current.suite

    def take(self, report: engine.KeyingReport, now: float) -> NoKeys | engine.ZrtpRecall | None:
        """A report of the engine: what follows from it, if anything at once."""
        match report:
            case engine.KeyingFailed() if self._may_be_goodbye(report):
                self._goodbye, self.due = report, now + GOODBYE_S
            case engine.Keyed():
                self._zrtp_keyed |= report.keying is Keying.ZRTP
                self.keys.keyed(report)
            case engine.ZrtpSecretsWanted(zid=zid):
                self._zrtp_heard = True
                if self._memory is None:
                    return engine.ZrtpRecall(self._session, zid)
                return self._memory.recall(self._session, zid)
            case engine.ZrtpRetain() if self._memory is not None:
                self._memory.retain(report)
            case engine.ZrtpForget() if self._memory is not None:
                self._memory.forget(report)
            case engine.SasStanding():
                self.keys.standing(report)
            case engine.KeyingWarned(wish=wish):
                self._warned.append(_CAUTIONS[wish])
            case engine.KeyingFailed():
                return self._failed(report)
        return None

    def compared(self, *, same: bool) -> engine.SasCompared | None:
        """The person's verdict; None where there is nothing to compare."""
        if self.keys.sas is None:
            return None
        self.keys.person_compared(same=same)
        return engine.SasCompared(self._session, same)

    def warn(self, caution: Caution) -> None:
        """The person is to hear this."""
        self._warned.append(caution)

    def restate(self, record: CallRecord) -> Iterator[CallEvent]:
        """Bring the record up to date; what is new in it."""
        evidence = self.keys.evidence
        if evidence.keying is not None:
            record.keying, record.suite = evidence.keying.value, evidence.suite
        trust, sas = state_trust(evidence, self._hops), self.keys.sas
        before = record.trust
        self._warned += [each for each in trust.cautions if each not in before.cautions]
        if evidence.keying is not None or before.level is not TrustLevel.NONE or before.cautions:
            record.trust = trust
        record.sas, known = sas, record.sas
        for caution in self._warned:
            yield Warned(caution)
        self._warned.clear()
        if record.trust != before:
            yield TrustRestated()
        if sas is not None and sas != known:
            yield SasKnown(sas)

    def no_goodbye(self, now: float) -> NoKeys | None:
        """What follows where the keys ended and no BYE has come by now."""
        report = self._goodbye
        if report is None or self.due is None or now < self.due:
            return None
        self.over()
        return self._failed(report)

    def over(self) -> None:
        """The call is over: no BYE is waited for."""
        self._goodbye = self.due = None

    def _may_be_goodbye(self, report: engine.KeyingFailed) -> bool:
        """Whether it is how a peer hangs up: DTLS is closed a moment before the BYE comes."""
        return report.keying is Keying.DTLS and not report.attack and self.keys.evidence.heard

    def _failed(self, report: engine.KeyingFailed) -> NoKeys | None:
        left = self.keys.failed(report)
        needed = self._needs_zrtp and report.keying is Keying.ZRTP
        if report.keying is Keying.ZRTP:
            self._zrtp_keyed = False
        if left and not needed:
            if report.attack:
                self._warned.append(Caution.ATTACKED)
            return None
        return NoKeys(self._cause(report), report.reason)

    def _cause(self, report: engine.KeyingFailed) -> Cause | None:
        match report.keying:
            case Keying.ZRTP:
                if report.attack:
                    return Cause.ATTACKED
                return Cause.ZRTP_FAILED if self._zrtp_heard else Cause.NO_ZRTP
            case Keying.DTLS:
                return Cause.OTHER_CERTIFICATE if report.attack else Cause.NO_HANDSHAKE
        return None
