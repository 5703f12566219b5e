"""Which keys a call has in use, and what was seen of them: the evidence for its trust.

Keys that were told (`Keyed`) take the place of the others once a packet is authentic under them:
until then what is known of the others stands, for the peer may still use those.
"""

from __future__ import annotations

from dataclasses import dataclass

from offhook.phone.call.trust import MediaEvidence, SignedFingerprint
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.retained import Continuity
from offhook.protocols.media.keying_messages import Keyed, KeyingFailed, SasStanding
from offhook.protocols.sdp.negotiation import Agreement


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by the method that brought them and the suite that uses them."""

    keying: Keying
    suite: str


@dataclass(frozen=True, slots=True)
class Sas:
    """What two people can compare, as one of them is told of it."""

    parts: tuple[str, ...]
    """Letters and digits, or words, as they are said one after the other."""
    compared: bool | None = None
    """What the person said of it in this call."""
    verified: bool = False
    """Whether it was compared, now or before."""
    mismatch: bool = False
    first: bool = True
    """Whether nothing is known of the peer from earlier calls."""

    @property
    def text(self) -> str:
        """What is shown."""
        return (" " if max(map(len, self.parts), default=0) > 1 else "").join(self.parts)


class KeysInUse:
    """One call's keys, from the agreement to the last packet."""

    def __init__(self) -> None:
        self.current: KeySet | None = None
        self.compared: bool | None = None
        self._told: KeySet | None = None
        """Keys that are in place and under which nothing has come yet."""
        self._heard = self._spoke = self._silent = False
        self._zrtp: ZrtpTrust | None = None
        self._parts: tuple[str, ...] = ()
        self._missing = ""
        self._signed: SignedFingerprint | None = None

    # What happened

    def agreed(self, agreement: Agreement) -> None:
        """Offer and answer: keys of SDES are in use at once, others come later."""
        if agreement.keys is None:
            return
        found = KeySet(Keying.SDES, agreement.keys.send.suite.name)
        if self.current is None:
            self.current = found
        elif self.current.keying is Keying.SDES and self.current != found:
            self._told = found

    def keyed(self, report: Keyed) -> None:
        """Keys are in place."""
        told = KeySet(report.keying, report.suite)
        if self.current is None:
            self.current = told
        elif told != self.current:
            self._told = told

    def heard(self) -> None:
        """A packet was authentic under the newest keys."""
        self._heard, self._silent = True, False
        if self._told is not None:
            self.current, self._told = self._told, None

    def spoke(self) -> None:
        """An encrypted packet went out."""
        self._spoke = True

    def silent(self, *, silent: bool) -> None:
        """Authentic packets have stopped coming, or come again."""
        self._silent = silent

    def standing(self, report: SasStanding) -> None:
        """The string, and what is known of the peer."""
        if self._parts and self._parts != report.sas:
            self.compared = None
        self._zrtp, self._parts = report.trust, report.sas

    def person_compared(self, *, same: bool) -> None:
        """What the person said of the two strings."""
        self.compared = same

    def failed(self, report: KeyingFailed) -> bool:
        """One keying brings no keys; whether others are in use.

        Where it had brought some, none are left: keys of ZRTP never give their place back, since
        what they are worth must not depend on the servers between.
        """
        if report.keying is Keying.ZRTP:
            self._missing = report.reason
            self._zrtp = None
        if any(each is not None and each.keying is report.keying for each in self._in_place):
            self.current = self._told = None
            self._heard = False
        return self.current is not None

    @property
    def _in_place(self) -> tuple[KeySet | None, KeySet | None]:
        return self.current, self._told

    # What that says

    @property
    def evidence(self) -> MediaEvidence:
        """What there is to state trust from."""
        current = self.current
        zrtp = current is not None and current.keying is Keying.ZRTP
        return MediaEvidence(
            keying=None if current is None else current.keying,
            suite=None if current is None else current.suite,
            heard=self._heard and not self._silent,
            spoke=self._spoke,
            zrtp=self._zrtp if zrtp else None,
            compared=self.compared if zrtp else None,
            signed=self._signed,
            missing="" if zrtp else self._missing,
        )

    @property
    def sas(self) -> Sas | None:
        """What people can compare, once there is something."""
        if not self._parts or self._zrtp is None:
            return None
        trust = self._zrtp
        verified = self.compared is True or (
            self.compared is None and trust.verified and trust.continuity is Continuity.CONTINUED
        )
        return Sas(
            self._parts,
            self.compared,
            verified,
            mismatch=trust.mismatch,
            first=trust.continuity is Continuity.FIRST,
        )
