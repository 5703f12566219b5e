"""The words that cross floors: frozen, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from offhook.base.secret import Secret


class PathAddress(NamedTuple):
    """An IP address in text form (IPv6 without brackets) and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class IceDescription:
    """What one side tells the other so that ICE finds a path (RFC 8839 §5), for RTP with RTCP.

    `candidates` are the values of a=candidate as text, `default` what c= and m= say; `lite` is
    a=ice-lite.
    """

    ufrag: str
    pwd: Secret
    candidates: tuple[str, ...]
    default: PathAddress
    lite: bool = False


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """Signed 16-bit little-endian mono samples: `rate` in Hz, `period_ms` per frame."""

    rate: int
    period_ms: int

    @property
    def samples(self) -> int:
        """Samples per period."""
        return self.rate * self.period_ms // 1000

    @property
    def octets(self) -> int:
        """Octets per period."""
        return 2 * self.samples


@dataclass(frozen=True, slots=True)
class PeerVerdict:
    """What the check of a peer's certificate chain found (RFC 5922, RFC 5280).

    `rule` names the one rule that accepted or refused ("dns-san", "uri-san", "expired", …);
    `name` is the identity that matched, empty on refusal; `detail` is a sentence for a person.
    """

    accepted: bool
    rule: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class FlowReport:
    """What is known of one TLS connection once its peer is verified.

    `version` is "TLSv1.3" or "TLSv1.2"; `cipher` OpenSSL's name; `group` the key-exchange group's
    IANA name ("x25519", "X25519MLKEM768", "secp256r1", …); times in ms.
    """

    version: str
    cipher: str
    group: str
    verdict: PeerVerdict
    resumed: bool
    local: PathAddress
    peer: PathAddress
    connect_ms: float
    handshake_ms: float


@dataclass(frozen=True, slots=True)
class AudioCodec:
    """One codec as negotiated; `encoding` and `clock_rate` (Hz) as in RFC 8866 §6.6's rtpmap."""

    encoding: str
    payload_type: int
    clock_rate: int
    channels: int = 1


class Tone(Enum):
    """What the ear is told without words (ITU-T E.180, E.182); how each sounds is data."""

    DIAL = "dial"
    STUTTER = "stutter"
    """Dial tone while messages wait."""
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    """Also called reorder: the number, the trunk or the account won't do."""
    SPECIAL_INFORMATION = "special information"
    """The number doesn't exist, or can't be reached (E.180, E.182)."""
    CALL_WAITING = "call waiting"
    HOWLER = "howler"
    """The handset was left off the hook."""
    CONFIRMATION = "confirmation"
    """A feature code was carried out."""


class Ring(Enum):
    """Why the bell rings; its cadence is data."""

    CALL = "call"
    RECALL = "recall"
    """A call that was waiting or held when the handset was laid down."""


class Lamp(Enum):
    """The lamps that a telephone may have; only the first has more than one colour."""

    SECURITY = "security"
    MESSAGE = "message"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class LampLook:
    """How a lamp is lit. Two looks of one lamp differ by cadence, never by colour alone.

    `cadence_ms` is on, off, on, off …, repeated; a single value is steady, empty is dark. `red` and
    `green` are for a lamp of two LEDs (both: yellow), `rgb` for one of three (0 to 255 each); a
    lamp of one LED follows the cadence.
    """

    name: str
    cadence_ms: tuple[int, ...]
    red: bool = False
    green: bool = False
    rgb: tuple[int, int, int] = (0, 0, 0)


class PromptId(Enum):
    """A sentence that the telephone can say. Where a docstring follows, it names the value."""

    OWN_NUMBER = "own number"
    """The phone's number, read digit by digit."""
    REGISTERED = "registered"
    NOT_REGISTERED = "not registered"
    EMERGENCY_STILL = "emergency numbers are tried all the same"
    MESSAGES_WAITING = "messages waiting"
    """A count."""
    WHY_STARTING = "why: starting"
    WHY_NO_NETWORK = "why: no network"
    WHY_NO_SERVER = "why: server not found"
    WHY_UNTRUSTED = "why: certificate not trusted"
    WHY_CREDENTIALS = "why: user or password refused"
    WHY_REFUSED = "why: refused by the server"
    """The SIP status."""
    WHY_SERVER_FAULT = "why: the server has a fault"
    """The SIP status."""
    NO_CALL = "no call"
    TRUST_NONE = "trust: none proven"
    TRUST_HOP_BY_HOP = "trust: hop by hop"
    TRUST_END_TO_END = "trust: end to end"
    TRUST_VERIFIED = "trust: verified end to end"
    TRUST_LOWERED = "trust lowered"
    """What it is now follows."""
    WARN_MISMATCH = "warning: the other telephone has lost the secret of earlier calls"
    WARN_DIFFERENT = "warning: the strings differ"
    WARN_DISCLOSURE = "warning: the other telephone can give the keys away"
    WARN_RELAY = "warning: an exchange stands between"
    WARN_GO_CLEAR = "warning: the other side wanted no encryption"
    WARN_SAS_RELAY = "warning: a relayed string was refused"
    WARN_ATTACKED = "warning: somebody meddled with the keys"
    WARN_SUITE = "warning: the encryption did not work, another one is tried"
    SAS_OFFER = "the strings can be compared"
    SAS_TELL = "compare"
    """What two people compare: letters and digits, or words, with blanks between."""
    SAS_KEYS = "one for the same, two for another"
    SAS_SAME = "the strings are the same"
    SAS_NONE = "nothing to compare"
    CALLER = "caller"
    """The other's number or name as claimed."""
    CALLER_VERIFIED = "caller verified"
    """The other's number or name as proven."""
    CALLER_UNKNOWN = "caller unknown"
    CALLED = "called"
    """The number or name that was called from here."""
    LAST_CALLER = "last caller"
    """A number or name."""
    NO_CALLERS = "no callers"
    MISSED_CALLS = "missed calls"
    """A count; that many `CALLER` or `CALLER_UNKNOWN` may follow."""
    NO_MISSED_CALLS = "no missed calls"
    MUTED = "muted"
    NOT_MUTED = "not muted"
    EAR_VOLUME = "ear volume"
    """A step, "1" the lowest."""
    RING_VOLUME = "ring volume"
    """A step, "0" is silent."""
    NOTHING_TO_REDIAL = "nothing to redial"
    SPEED_DIAL_EMPTY = "speed dial empty"
    """The key."""
    UNKNOWN_CODE = "unknown code"
    INCOMPLETE_NUMBER = "incomplete number"
    CALL_NOT_SECURE = "call refused: it would not be encrypted"
    CALL_NO_ZRTP = "call refused: the other side does not speak ZRTP"
    CALL_ZRTP_FAILED = "call refused: no keys by ZRTP"
    CALL_NO_HANDSHAKE = "call refused: no DTLS handshake"
    CALL_ATTACKED = "call ended: somebody meddled with the keys"
    CALL_OTHER_CERTIFICATE = "call ended: another certificate than announced"
    CALL_NO_MEDIA = "call ended: nothing was heard from the other side"
    CALL_FAILED = "call failed"
    CALL_REFUSED = "call refused by the other side"
    """The SIP status."""
    NUMBER_UNREACHABLE = "number unknown or unreachable"
    """The SIP status."""
    RESET_ARMED = "reset armed"
    """Seconds in which the second code is to be dialled."""
    RESET_NOT_ARMED = "reset not armed"
    RESET_DONE = "reset begins"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A prompt and the value that it asks for: a number, a name, a count; else empty."""

    prompt: PromptId
    value: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """The level of an input pin changed to `high` at that moment (s, monotonic).

    `pin` is the name that the wiring gives it. Where the level is unknown until it is read, as at
    the start, the first reading is an edge too.
    """

    pin: str
    high: bool
    at: float


@dataclass(frozen=True, slots=True)
class Key:
    """A key went down, or up where not `pressed`.

    `symbol` is one of RFC 4733 §3.2's "0" to "9", "*", "#", "A" to "D", or the name of a key with
    a function of its own ("mute").
    """

    symbol: str
    pressed: bool = True


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as its owner sees it: who, how far it has come, how safe it is and why."""

    peer: str
    incoming: bool
    state: str
    trust: str
    reason: str
    suite: str = ""
    keying: str = ""
    sas: str = ""
    """What two people can compare (RFC 6189 §7); empty: nothing."""
    held: bool = False
    talked_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HandsetView:
    """A telephone without a display, as a terminal may show it.

    `ear` says what the ear hears; `lamps` what each lamp looks like; `account` whether calls can
    be made, or why not; `sound` why nothing can be heard, if so; times are s. Levels are dB of a
    full-scale square wave, None while there is no sound.
    """

    off_hook: bool
    ringing: bool
    digits: str
    ear: str
    lamps: tuple[tuple[Lamp, LampLook], ...]
    muted: bool
    account: str
    calls: tuple[CallView, ...] = ()
    sound: str = ""
    mouth_db: float | None = None
    ear_db: float | None = None
