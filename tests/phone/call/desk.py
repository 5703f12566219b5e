"""A phone's account and a practice trunk's connection, joined by a simulated link in virtual time.

Both sides are the real machines. The media engines are stand-ins that open a path at once and
otherwise only note what they are told: what an engine does is tested in its own room.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from offhook.base.randomness import SeededRandomness
from offhook.base.schema.trunk_profile import TrunkProfile
from offhook.base.secret import Secret
from offhook.base.vocabulary import FlowReport, PathAddress, PeerVerdict
from offhook.phone.call import account as phone
from offhook.phone.call.call import Call
from offhook.phone.call.learned import Learned
from offhook.phone.call.states import CallState
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine
from offhook.protocols.media import messages as engine
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.sdp.negotiation import MediaPolicy
from offhook.protocols.sip.agent import Identity, UserAgent
from offhook.protocols.sip.agent_events import RequestReceived
from offhook.protocols.sip.digest import DigestClient
from offhook.protocols.sip.digest_server import DigestVerifier
from offhook.protocols.sip.message import response_to
from offhook.protocols.sip.registration import RegistrationPolicy
from offhook.protocols.sip.uri import SipUri
from offhook_practice.connection import Trunk, TrunkConnection
from offhook_practice.extensions import Extension
from offhook_practice.registrar import Registrar

DOMAIN = "practice.example"
PHONE = PathAddress("192.0.2.7", 40001)
TRUNK = PathAddress("192.0.2.1", 5061)
WALL = 1.8e9


@dataclass
class StandInEngine:
    """Opens a path for whoever prepares one; everything else is only noted."""

    host: str
    deliver: Callable[[engine.SessionReport], None]
    randomness: SeededRandomness
    commands: list[engine.SessionCommand] = field(default_factory=list)
    waiting: list[engine.SessionReport] = field(default_factory=list)
    answers_prepare: bool = True
    answers_stop: bool = True

    def post(self, command: engine.SessionCommand) -> None:
        self.commands.append(command)
        if isinstance(command, engine.Prepare) and self.answers_prepare:
            self.waiting.append(self._ready(command))
        elif isinstance(command, engine.Stop) and self.answers_stop:
            self.waiting.append(engine.Stopped(command.session))

    def work(self) -> bool:
        reports, self.waiting = self.waiting, []
        for report in reports:
            self.deliver(report)
        return bool(reports)

    def posted(self, kind: type[engine.SessionCommand]) -> list[engine.SessionCommand]:
        return [each for each in self.commands if isinstance(each, kind)]

    def _ready(self, command: engine.Prepare) -> engine.LocalReady:
        crypto = tuple(
            CryptoLine(
                tag,
                SUITES[name],
                Secret(self.randomness.octets(SUITES[name].master_length)),
            )
            for tag, name in enumerate(command.suites, 1)
        )
        port = 30000 + 2 * command.session
        return engine.LocalReady(
            command.session, PathAddress(self.host, port), PathAddress(self.host, port + 1), crypto
        )


class SickServer:
    """A server of the domain that answers every REGISTER 503."""

    def __init__(self, now: float) -> None:
        identity = Identity(SipUri("sip", "sick", DOMAIN), "", "sick", "sick")
        randomness = SeededRandomness("sick")
        self._agent = UserAgent(identity, None, randomness, surfaced=("REGISTER",))
        self._agent.flow_opened(TRUNK, PHONE, now)
        self.data_to_send = self._agent.data_to_send
        self.deadline = self._agent.deadline
        self.tick = self._agent.tick

    def receive(self, data: bytes, now: float) -> None:
        self._agent.receive(data, now)
        while (event := self._agent.next_event()) is not None:
            assert isinstance(event, RequestReceived)
            response = response_to(event.request, 503, to_tag=event.to_tag)
            self._agent.respond(event.transaction, response, now)

    def receive_report(self, report: engine.SessionReport, now: float) -> None:
        """No calls come here."""

    def lost(self, now: float) -> None:
        """Nothing is kept."""


@dataclass(frozen=True)
class AddressRecord:
    host: str


class Desk:
    """The phone on one side, the trunk on the other, and a clock that only tests move."""

    def __init__(
        self,
        *,
        password: str = "right",  # noqa: S107  a test
        register: bool = True,
        hosts: tuple[str, ...] = (),
        profile: TrunkProfile | None = None,
        policy: MediaPolicy | None = None,
        keepsakes: phone.Keepsakes | None = None,
    ) -> None:
        profile = profile or TrunkProfile(codecs=("PCMA", "PCMU"))
        self.now = 1000.0
        self.events: list[phone.AccountEvent] = []
        self.opened: list[PathAddress] = []
        self.refuse: set[str] = set()
        self.sick: set[str] = set()
        self.dead = False
        """Whether the trunk opens flows and then says nothing on them."""
        self.hosts = hosts
        self.linked = False
        self.to_trunk: list[bytes] = []
        self.to_phone: list[bytes] = []
        self.sent: list[bytes] = []
        self.heard: list[bytes] = []
        randomness = SeededRandomness("desk")
        self.phone_engine = StandInEngine(PHONE.host, self._phone_report, randomness)
        self.trunk_engine = StandInEngine(TRUNK.host, self._trunk_report, randomness)
        numbers = itertools.count(501)
        self.registrar = Registrar()
        self.trunk = Trunk(
            domain=DOMAIN,
            registrar=self.registrar,
            verifier=DigestVerifier(
                DOMAIN, {"phone": Secret("right")}.get, randomness, ("SHA-256",)
            ),
            randomness=randomness,
            post=self.trunk_engine.post,
            next_session=lambda _extension: next(numbers),
            log=lambda _line: None,
        )
        self.connection: TrunkConnection | SickServer | None = None
        self._connections = itertools.count(1)
        agent = UserAgent(
            Identity(SipUri("sip", "phone", DOMAIN), "Desk", "desk7", "Offhook/test"),
            DigestClient(
                "phone", Secret(password), None, randomness=randomness, registers=register
            ),
            randomness,
            registration=RegistrationPolicy() if register else None,
        )
        terms = phone.AccountTerms(
            name="practice",
            domain=DOMAIN,
            server=("servers.example", TRUNK.port) if hosts else (TRUNK.host, TRUNK.port),
            policy=policy or MediaPolicy(codecs=profile.codecs, ptime_ms=profile.ptime_ms),
            media_host=None,
            media_dscp=46,
            user="phone",
            register=register,
            opus=OpusTerms(profile.opus_bitrate, profile.opus_complexity),
        )
        self.learned = Learned(lambda: WALL + self.now)
        self.keepsakes = keepsakes or phone.Keepsakes(self.learned)
        self.account = phone.Account(terms, agent, randomness, itertools.count(1), self.keepsakes)

    def start(self) -> None:
        self.account.start(self.now)
        self.settle()

    def settle(self) -> None:
        """Let everything happen that can happen now."""
        busy = True
        while busy:
            self.account.settle(self.now)
            busy = self._phone_step() | self._trunk_step()
            busy |= self.phone_engine.work() | self.trunk_engine.work()

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass, waking both sides at their deadlines."""
        until = self.now + seconds
        self.settle()
        while True:
            deadlines = [self.account.deadline()]
            if self.connection is not None:
                deadlines.append(self.connection.deadline())
            due = min((at for at in deadlines if at is not None), default=until)
            if due >= until:
                break
            self.now = max(self.now, due)
            self._tick()
        self.now = until
        self._tick()

    def cut(self) -> None:
        """The connection is gone, and everything that was under way on it."""
        self.linked = False
        self.to_trunk, self.to_phone = [], []
        if self.connection is not None:
            self.connection.lost(self.now)
            self.connection = None
        self.account.flow_lost("the connection was reset", self.now)
        self.settle()

    def confirm_media(self, call: Call) -> None:
        """The engine sends and authenticates its first packets."""
        session = call.terms.session
        self._phone_report(engine.FirstPacketSent(session, 1.0))
        self._phone_report(engine.KeysConfirmed(session, 2.0))
        self.settle()

    def report(self, report: engine.SessionReport) -> None:
        self._phone_report(report)
        self.settle()

    def ring_phone(self, extension: Extension) -> None:
        assert isinstance(self.connection, TrunkConnection)
        self.connection.call(extension, "phone", self.now)
        self.settle()

    def told(self, kind: type) -> list[object]:
        """Events of one kind: of the account, or of its calls."""
        found: list[object] = [each for each in self.events if isinstance(each, kind)]
        found += [
            each.event
            for each in self.events
            if isinstance(each, phone.CallChanged) and isinstance(each.event, kind)
        ]
        return found

    def _tick(self) -> None:
        self.account.tick(self.now)
        if self.connection is not None:
            self.connection.tick(self.now)
        self.settle()

    def _phone_step(self) -> bool:
        busy = False
        for action in self.account.actions():
            busy = True
            self._act(action)
        for data in self.account.data_to_send():
            busy = True
            if self.linked:
                self.sent.append(data)
                self.to_trunk.append(data)
        for command in self.account.commands_to_send():
            busy = True
            self.phone_engine.post(command)
        while (event := self.account.next_event()) is not None:
            busy = True
            self.events.append(event)
        arrived, self.to_phone = self.to_phone, []
        for data in arrived:
            self.account.receive(data, self.now)
        return busy or bool(arrived)

    def _trunk_step(self) -> bool:
        if self.connection is None or self.dead:
            return False
        arrived, self.to_trunk = self.to_trunk, []
        for data in arrived:
            self.connection.receive(data, self.now)
        sent = self.connection.data_to_send()
        if self.linked:
            self.heard += sent
            self.to_phone += sent
        return bool(arrived or sent)

    def _act(self, action: phone.Action) -> None:
        if isinstance(action, phone.OpenFlow):
            self.opened.append(action.address)
            if action.address.host in self.refuse:
                self.account.flow_failed(f"{action.address.host} refused", self.now)
                return
            if action.address.host in self.sick:
                self.connection = SickServer(self.now)
            else:
                number = next(self._connections)
                self.connection = TrunkConnection(number, TRUNK, PHONE, self.trunk, self.now)
            self.linked = True
            self.account.flow_opened(flow_report(action.address), self.now)
        elif isinstance(action, phone.Lookup):
            found = [AddressRecord(host) for host in self.hosts if action.query.kind == "A"]
            self.account.looked_up(action.query, found, self.now)
        else:
            self.linked = False
            self.to_trunk, self.to_phone = [], []

    def _phone_report(self, report: engine.SessionReport) -> None:
        self.account.receive_report(report, self.now)

    def _trunk_report(self, report: engine.SessionReport) -> None:
        if self.connection is not None:
            self.connection.receive_report(report, self.now)


def flow_report(peer: PathAddress) -> FlowReport:
    return FlowReport(
        version="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        group="x25519",
        verdict=PeerVerdict(accepted=True, rule="uri-san", name=DOMAIN, detail="tested elsewhere"),
        resumed=False,
        local=PHONE,
        peer=peer,
        connect_ms=1.0,
        handshake_ms=5.0,
    )


def state_of(call: Call) -> CallState:
    """The state now; by a call, so that a type checker does not think it stands still."""
    return call.state
