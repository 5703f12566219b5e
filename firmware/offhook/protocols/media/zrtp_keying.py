"""ZRTP beside the media of one session: who begins it, and what is told of it (RFC 6189 §4, §8).

What concerns the keys themselves is handed on to the owner of the stream, the rest as reports.
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeAlias

from offhook.base.randomness import Randomness
from offhook.protocols.keying.dtls.intake import Budget
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.algorithms import Algorithms, SasType
from offhook.protocols.keying.zrtp.events import (
    Expecting,
    Expire,
    Failed,
    Forget,
    GoClearRefused,
    Retain,
    SasRelayRefused,
    SecretsWanted,
    Secured,
    Silent,
    TrustChanged,
    ZrtpEvent,
    ZrtpTrust,
)
from offhook.protocols.keying.zrtp.hello_hash import HelloHash
from offhook.protocols.keying.zrtp.packet import is_zrtp
from offhook.protocols.keying.zrtp.retained import FOR_EVER, Remembered
from offhook.protocols.keying.zrtp.session import ZrtpSession, ZrtpSettings
from offhook.protocols.keying.zrtp.stream import ZrtpStream
from offhook.protocols.media.keying_messages import (
    KeyingFailed,
    KeyingReport,
    KeyingWarned,
    RefusedWish,
    SasCompared,
    SasStanding,
    ZrtpAgreed,
    ZrtpForget,
    ZrtpOwn,
    ZrtpRecall,
    ZrtpRetain,
    ZrtpSecretsWanted,
)

HELLO_PATIENCE_S: Final = 5.0
"""Where ZRTP is the only keying: from Start until the peer's Hello must have come."""

KeysTold: TypeAlias = Expecting | Secured | Failed


def settings_of(own: ZrtpOwn) -> ZrtpSettings:
    """What the phone brings to a call, as the exchange takes it."""
    words = (SasType.B256, SasType.B32)
    return ZrtpSettings(
        Algorithms(sas_types=words if own.words else words[::-1]),
        keep_s=FOR_EVER if own.keep_s is None else own.keep_s,
    )


class ZrtpKeying:
    """One session's ZRTP. LocalError for a ZID that is none.

    `ssrc` is that of our RTP when ZRTP begins. It stays that of the exchange: a peer drops ZRTP
    from another source than that of the Hello, and the keys are not tied to it (§4.5.3).
    """

    def __init__(self, session: int, own: ZrtpOwn, randomness: Randomness, ssrc: int) -> None:
        self._number = session
        self._session = ZrtpSession(own.zid, randomness, settings_of(own))
        self._stream = ZrtpStream(self._session, ssrc)
        self._budgets = {True: Budget(), False: Budget()}
        self._told: deque[KeysTold | KeyingReport] = deque()
        self._hashes: tuple[HelloHash, ...] | None = None
        self._begun = self._agreed = self._alone = False
        self._asked: bytes | None = None
        self._heard = self._silence_told = False
        self._secured: Secured | None = None
        self._trust = ZrtpTrust()
        self._patience: float | None = None
        self._silence = "nobody answered in ZRTP"

    @property
    def hello_hash(self) -> str:
        """The value of our `a=zrtp-hash`."""
        return self._stream.hello_hash

    def agree(self, agreed: ZrtpAgreed, now: float, *, alone: bool) -> None:
        """Offer and answer have ZRTP: it begins, or goes on with what the peer says now.

        `alone`: nothing else brings keys.
        """
        self._agreed, self._alone = True, alone
        if not alone:
            self._patience = None
        self._begin(now)
        if agreed.hashes != self._hashes:
            self._hashes = agreed.hashes
            self._stream.announce(agreed.hashes, now)
        self._settle()

    def be_patient(self, now: float) -> None:
        """Start has come: where ZRTP is alone, the peer's Hello must come soon."""
        if self._alone and self._patience is None and not self._heard:
            self._patience = now + HELLO_PATIENCE_S

    def _begin(self, now: float) -> None:
        if not self._begun:
            self._begun = True
            self._stream.start(now)

    def receive(self, data: bytes, now: float, *, expected: bool) -> None:
        """Take what `demultiplex` tells to be ZRTP; unannounced it begins all the same.

        `expected`: it came from where media is sent to. A flood costs no more than a bucket
        holds, and one from elsewhere takes nothing from the peer's.
        """
        if not is_zrtp(data) or not self._budgets[expected].take(now):
            return
        self._begin(now)
        self._stream.receive(data, now)
        self._settle()

    def retry(self, now: float) -> None:
        """The other side is ready now: what was sent too early is sent again at once."""
        self._stream.retry(now)

    def recall(self, kept: ZrtpRecall, now: float) -> None:
        """The answer to ZrtpSecretsWanted; one that was not asked for is nothing."""
        if self._asked is None or kept.zid != self._asked:
            return
        self._asked = None
        remembered = Remembered(kept.rs1, kept.rs2, kept.pbx, verified=kept.verified)
        self._stream.recall(remembered, now)
        self._settle()

    def compared(self, compared: SasCompared) -> None:
        """The people's word on the SAS; before there is one it is nothing."""
        if self._secured is not None:
            self._stream.sas_compared(same=compared.same)
            self._settle()

    def media_heard(self, now: float) -> None:
        """An authentic packet came under the key of `Expecting`."""
        self._stream.media_heard(now)
        self._settle()

    def deadline(self) -> float | None:
        """When `tick` is due."""
        due = (self._stream.deadline(), self._patience)
        return min((each for each in due if each is not None), default=None)

    def tick(self, now: float) -> None:
        """Let time act."""
        self._stream.tick(now)
        if self._patience is not None and now >= self._patience:
            self._patience = None
            self._tell_silence()
        self._settle()

    def datagrams_to_send(self) -> list[bytes]:
        """What is to be sent to where media goes; given once."""
        return self._stream.datagrams_to_send()

    def next_told(self) -> KeysTold | KeyingReport | None:
        """The next thing for the owner of the stream, or for the phone."""
        return self._told.popleft() if self._told else None

    def end(self) -> None:
        """The call is over."""
        self._session.end()

    def _settle(self) -> None:
        while (event := self._stream.next_event()) is not None:
            self._tell(event)

    def _tell(self, event: ZrtpEvent) -> None:
        match event:
            case Expecting() | Secured() | Failed():
                self._tell_keys(event)
            case SecretsWanted():
                self._asked, self._heard = event.zid, True
                self._patience = None
                self._told.append(ZrtpSecretsWanted(self._number, event.zid))
            case TrustChanged():
                self._trust = event.trust
                self._stand()
            case Silent():
                self._fall_silent(event)
            case _:
                told = _report_of(self._number, event)
                if told is not None:
                    self._told.append(told)

    def _tell_keys(self, event: KeysTold) -> None:
        self._told.append(event)
        if isinstance(event, Secured):
            self._secured, self._trust = event, event.trust
            self._stand()
        elif isinstance(event, Failed):
            self._asked = self._secured = self._patience = None
            failed = KeyingFailed(self._number, Keying.ZRTP, event.reason, event.attack)
            self._told.append(failed)

    def _fall_silent(self, event: Silent) -> None:
        """Told where ZRTP was agreed on; where it is alone, patience may last longer."""
        self._silence = event.reason
        if self._agreed and not self._alone:
            self._tell_silence()

    def _tell_silence(self) -> None:
        if not self._silence_told:
            self._silence_told = True
            self._told.append(KeyingFailed(self._number, Keying.ZRTP, self._silence))

    def _stand(self) -> None:
        peer = self._session.agreed
        if self._secured is not None and peer is not None:
            sas = self._secured.sas.parts
            self._told.append(SasStanding(self._number, peer.peer_zid, sas, self._trust))


def _report_of(session: int, event: ZrtpEvent) -> KeyingReport | None:
    """What the phone is told of an event that is nothing but told."""
    match event:
        case Retain():
            kept = (event.rs1, event.rs2, event.verified, event.lifetime_s)
            return ZrtpRetain(session, event.zid, *kept)
        case Expire():
            return ZrtpForget(session, event.zid, expired=True)
        case Forget():
            return ZrtpForget(session, event.zid)
        case GoClearRefused():
            return KeyingWarned(session, RefusedWish.GO_CLEAR)
        case SasRelayRefused():
            return KeyingWarned(session, RefusedWish.SAS_RELAY)
        case _:
            return None
