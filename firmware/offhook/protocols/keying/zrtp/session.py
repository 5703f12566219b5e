"""What the streams of one call have in common (RFC 6189 §4.4.3, §4.5.2, §4.9)."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.agreement import KeyMaker, fresh
from offhook.protocols.keying.zrtp.algorithms import Algorithms, Chosen
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.exchange import Meeting
from offhook.protocols.keying.zrtp.refusals import ErrorCode, Refused
from offhook.protocols.keying.zrtp.retained import FOR_EVER
from offhook.protocols.keying.zrtp.sas import Sas


@dataclass(frozen=True, slots=True)
class ZrtpSettings:
    """What a call allows and tells of itself."""

    algorithms: Algorithms = field(default_factory=Algorithms)
    client: str = "Offhook"
    """At most 16 characters."""
    keep_s: int = FOR_EVER
    """For how long the new secret is to be kept; 0 where nothing is kept at all (§4.9.1)."""
    aux: Secret | None = None
    """A secret from elsewhere that both sides should have (§4.3)."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the first stream of the call has agreed on."""

    peer_zid: bytes
    chosen: Chosen
    meeting: Meeting
    sas: Sas
    trust: ZrtpTrust


class ZrtpSession:
    """One call: at first one stream's key agreement, then keys for others out of it.

    `zid` (12 octets) stays the same through all calls of this phone; it is random, and made once.
    `make_key` is for tests: by default the library makes the ephemeral keys.
    """

    def __init__(
        self,
        zid: bytes,
        randomness: Randomness,
        settings: ZrtpSettings | None = None,
        *,
        make_key: KeyMaker = fresh,
    ) -> None:
        if len(zid) != 12:
            raise LocalError("a ZID has 12 octets")
        self.zid = zid
        self.randomness = randomness
        self.settings = settings or ZrtpSettings()
        self.make_key = make_key
        self.agreed: Agreed | None = None
        self.meeting_under_way = False
        self._nonces: set[bytes] = set()
        self._over = False

    def begin(self) -> bool:
        """A stream begins; True where it is one more, that needs no agreement of its own.

        LocalError while another one agrees: only one may at a time (§4.4.1).
        """
        if self._over:
            raise LocalError("the call is over")
        if self.agreed is not None:
            return True
        if self.meeting_under_way:
            raise LocalError("the call's first stream has not agreed yet")
        self.meeting_under_way = True
        return False

    def agree(self, agreed: Agreed) -> None:
        """The first stream has agreed. Refused where the call ended meanwhile."""
        if self._over:
            raise Refused(ErrorCode.UNAVAILABLE, "the call is over")
        self.agreed = agreed

    def first(self) -> Agreed:
        """What the first stream has agreed on. Refused where that is no more."""
        if self.agreed is None:
            raise Refused(ErrorCode.UNAVAILABLE, "the call is over")
        return self.agreed

    def nonce(self) -> bytes:
        """16 octets that no Commit of this call has had."""
        found = self.randomness.octets(16)
        self._nonces.add(found)
        return found

    def is_new(self, nonce: bytes) -> bool:
        """Take a nonce of the peer; False where it was used before in this call (§4.4.3.1)."""
        if nonce in self._nonces:
            return False
        self._nonces.add(nonce)
        return True

    def end(self) -> None:
        """The call is over: ZRTPSess goes with it."""
        self.agreed = None
        self._over = True
