"""A whole call between Offhook and a peer, in a network of its own, and what was found of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.interop.lab import parties, wideband
from tests.interop.lab.asterisk import Asterisk
from tests.interop.lab.chromium import Secured
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.negotiated import Negotiated
from tests.interop.lab.network import ADDRESS
from tests.interop.lab.offhook import OffhookCommand
from tests.interop.lab.overheard import keyed_after_ms
from tests.interop.lab.parties import Party
from tests.interop.lab.pcap import Packet
from tests.interop.lab.rtpengine import Rtpengine, Side
from tests.interop.lab.speech import RATE, Samples, read_wav

SPEECH_S, LEAD_S = 4.0, 1.5
DIRECTIONS: Final = ("Offhook calls", "the peer calls")


@dataclass(frozen=True, slots=True)
class Case:
    """A peer, how Offhook's leg is keyed with it, and what that is worth.

    Any of `suites` may come out, or of `suites_when_called` where there are such. `border` are
    the keyings of an rtpengine between the two, the peer's first; `keyings` are those that
    Offhook's account has, if not all; with `ice` it looks for its path so.
    """

    peer: str
    opens: Callable[[Laboratory], AbstractContextManager[Party]]
    keying: str
    trust: str
    suites: tuple[str, ...]
    suites_when_called: tuple[str, ...] = ()
    border: tuple[Side, Side] | None = None
    codec: str = "PCMU"
    keyings: tuple[str, ...] | None = None
    ice: bool = False
    lead_s: float = LEAD_S
    """Silence before the peer's and our words: longer where keys come late."""

    def __str__(self) -> str:
        return f"{self.keying} {self.peer}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Offhook said `english`, the peer `french`; who heard what; what was captured.

    `report` is Offhook's, `traced` all that it printed, SIP in it; `negotiated` is the peer's view,
    `browser` a browser's.
    """

    case: Case
    direction: str
    status: int
    report: dict[str, Any]
    traced: str
    negotiated: Negotiated
    browser: Secured | None
    english: Samples
    french: Samples
    heard_by_offhook: Samples
    heard_by_peer: Samples
    packets: list[Packet]
    keyed_after_ms: float | None

    @property
    def expected(self) -> tuple[str, ...]:
        """The suites that may have come out."""
        case = self.case
        called = self.direction != DIRECTIONS[0]
        return (called and case.suites_when_called) or case.suites


def converse(
    case: Case,
    direction: str,
    directory: Path,
    meanwhile: Callable[[Party], object] = lambda _party: None,
) -> Conversation:
    """Both speak for as long as they have words, and the peer hangs up.

    `meanwhile` is what happens once the call stands; it should be over before `lead_s`.

    The thread should be in a network of its own: all its UDP is captured.
    """
    with ExitStack() as running:
        border = None
        if case.border is not None:
            engine = running.enter_context(Rtpengine(directory / "rtpengine"))
            border = engine.border(users=case.border[0], neighbour=case.border[1])
        lab = running.enter_context(
            Laboratory(
                directory, border=border, web=case.ice, speech_s=SPEECH_S, lead_s=case.lead_s
            )
        )
        party = running.enter_context(case.opens(lab))
        with lab.capture_all() as capture, _calling(lab, party, case, direction) as command:
            party.wait_established()
            meanwhile(party)
            parties.let_talk(case.lead_s, SPEECH_S)
            negotiated = party.negotiated()
            browser = None if party.browser is None else party.browser.secured()
            # A page forgets what it heard, the others have it whole at the end.
            early = None if browser is None else party.heard()
            party.hang_up()
            party.wait_closed()
            ended = command.end()
        packets = capture.packets()
        (report,) = ended.report.get("calls", [ended.report])
        return Conversation(
            case,
            direction,
            ended.status,
            dict(report),
            ended.printed,
            negotiated,
            browser,
            lab.english,
            lab.french,
            _recorded(directory / "heard.wav"),
            party.heard() if early is None else early,
            packets,
            keyed_after_ms(packets, lab.secure),
        )


def _recorded(file: Path) -> Samples:
    """What Offhook wrote at its codec's rate, at 8 kHz."""
    samples, rate = wideband.read_wav(file)
    return read_wav(file) if rate == RATE else wideband.halved(samples)


@contextmanager
def _calling(
    lab: Laboratory, party: Party, case: Case, direction: str
) -> Generator[OffhookCommand, None, None]:
    """Offhook, which calls the peer or is called by it."""
    phone = lab.desk(
        parties.OURS,
        registrar=party.registrar,
        codecs=(case.codec,),
        keyings=case.keyings,
        ice_host=ADDRESS if case.ice else None,
    )
    said = ["--trace", "--play", str(lab.english_wav), "--record", str(lab.directory / "heard.wav")]
    if direction == DIRECTIONS[0]:
        with phone.run("call", party.address, *said) as command:
            yield command
        return
    with phone.run("answer", "--calls", "1", *said) as command:
        if isinstance(party.registrar, Asterisk):
            party.registrar.wait_registered(parties.OURS)
        else:
            command.wait_registered(party.registrar, parties.OURS)
        party.call_us()
        yield command
