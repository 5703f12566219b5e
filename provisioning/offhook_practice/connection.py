"""One phone's connection to the trunk: its user agent, who it is, and its calls (RFC 3261 §8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from offhook.base.errors import PeerError
from offhook.base.randomness import Randomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.media import messages as engine
from offhook.protocols.sip import agent_events as told
from offhook.protocols.sip.agent import Identity, UserAgent
from offhook.protocols.sip.digest_server import DigestVerifier, Verified
from offhook.protocols.sip.invite_server import IncomingInvite
from offhook.protocols.sip.message import Request, response_to
from offhook.protocols.sip.uri import SipUri
from offhook_practice.calls import TrunkCall
from offhook_practice.extensions import Conduct, Extension, find_extension
from offhook_practice.registrar import Registrar

CALL_BACK_S: Final = 0.3
"""How long after the hang-up an extension calls back."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """What all connections share."""

    domain: str
    registrar: Registrar
    verifier: DigestVerifier
    randomness: Randomness
    post: Callable[[engine.SessionCommand], None]
    next_session: Callable[[Extension], int]
    """A new number for the engine, whose sound will be the extension's."""
    log: Callable[[str], None]
    standing: list[TrunkCall] = field(default_factory=list)
    """Calls that outlived their connection: they stand until a BYE comes by another one."""


class TrunkConnection:
    """The machine of one connection: octets and the time in, octets out."""

    def __init__(
        self, number: int, local: PathAddress, remote: PathAddress, trunk: Trunk, now: float
    ) -> None:
        self.number = number
        self.failed = False
        self._trunk = trunk
        self._local = local
        aor = SipUri("sip", "practice", trunk.domain)
        identity = Identity(aor, "Practice trunk", "practice", "Offhook practice trunk")
        self._agent = UserAgent(identity, None, trunk.randomness, surfaced=("REGISTER", "BYE"))
        self._agent.flow_opened(local, remote, now)
        self._calls: dict[int, TrunkCall] = {}
        self._call_backs: list[tuple[float, Extension, str]] = []

    def receive(self, data: bytes, now: float) -> None:
        """Octets from the phone."""
        self._agent.receive(data, now)
        self._work(now)

    def receive_report(self, report: engine.SessionReport, now: float) -> None:
        """A report of the engine; it may be about another connection's call."""
        call = self._calls.get(report.session)
        if call is not None:
            call.receive_report(report, now)
            self._work(now)

    def lost(self, now: float) -> None:
        """The connection is gone: nobody is reached through it. Answered calls stand, and cost."""
        self._trunk.registrar.drop_connection(self.number)
        self._agent.flow_lost("the phone is gone", now)
        for call in self._calls.values():
            if call.answered:
                self._trunk.standing.append(call)
            else:
                call.abandon()
        self._calls.clear()

    @property
    def answered(self) -> int:
        """How many answered calls go by this connection now."""
        return sum(call.answered for call in self._calls.values())

    def data_to_send(self) -> list[bytes]:
        """SIP messages for the phone."""
        return self._agent.data_to_send()

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        times = [self._agent.deadline(), *(at for at, _, _ in self._call_backs)]
        return min((at for at in times if at is not None), default=None)

    def tick(self, now: float) -> None:
        """Let everything happen whose time has come."""
        self._agent.tick(now)
        due = [each for each in self._call_backs if each[0] <= now]
        self._call_backs = [each for each in self._call_backs if each[0] > now]
        for _, extension, user in due:
            self.call(extension, user, now)
        self._work(now)

    def _work(self, now: float) -> None:
        while (event := self._agent.next_event()) is not None:
            match event:
                case told.RequestReceived(request=request) if request.method == "BYE":
                    status = self._end_standing(request)
                    response = response_to(request, status, to_tag=event.to_tag)
                    self._agent.respond(event.transaction, response, now)
                case told.RequestReceived(request=request, transaction=transaction):
                    self._register(request, transaction, event.to_tag, now)
                case told.IncomingCall(invite=invite):
                    self._called(invite, now)
                case told.CallEvent(invite=invite, event=happened):
                    for call in list(self._calls.values()):
                        if call.invite is invite:
                            call.receive_event(happened, now)
                case told.FlowFailed(reason=reason):
                    self._trunk.log(f"connection {self.number}: {reason}")
                    self.failed = True
                case told.BadBytes(reason=reason):
                    self._trunk.log(f"connection {self.number}: {reason}")
        self._calls = {key: call for key, call in self._calls.items() if not call.over}

    def _sender(self, request: Request, now: float) -> str | list[tuple[str, str]]:
        """Who sent an authenticated request; otherwise the challenges to answer it with."""
        verdict = self._trunk.verifier.verify(request, now)
        if isinstance(verdict, Verified):
            return verdict.username
        return [
            ("WWW-Authenticate", each)
            for each in self._trunk.verifier.challenges(now, stale=verdict.stale)
        ]

    def _end_standing(self, bye: Request) -> int:
        """End the call that came by another connection and that `bye` is for: the status."""
        for call in self._trunk.standing:
            dialog = None if call.invite is None else call.invite.dialog
            if dialog is not None and dialog.matches(bye):
                self._trunk.standing.remove(call)
                call.abandon()
                self._trunk.log(f"BYE of a call left behind: {call.extension.name}")
                return 200
        return 481

    def _register(self, request: Request, transaction: str, to_tag: str, now: float) -> None:
        sender = self._sender(request, now)
        if not isinstance(sender, str):
            response = response_to(request, 401, to_tag=to_tag, headers=sender)
        else:
            try:
                response = self._trunk.registrar.register(request, sender, self.number, now)
            except PeerError as error:
                response = response_to(request, error.status or 400, to_tag=to_tag)
            self._trunk.log(f"REGISTER {sender}: {response.status}")
        self._agent.respond(transaction, response, now)

    def _called(self, invite: IncomingInvite, now: float) -> None:
        sender = self._sender(invite.request, now)
        if not isinstance(sender, str):
            invite.reject(401, None, now, sender)
            return
        uri = invite.request.uri
        extension = find_extension(uri.user if isinstance(uri, SipUri) else None)
        self._trunk.log(f"INVITE {sender} to {extension.name if extension else uri}")
        if extension is None:
            invite.reject(404, None, now)
            return
        match extension.conduct:
            case Conduct.REFUSE:
                invite.reject(extension.status, None, now)
            case Conduct.RING:
                invite.ring(now)
            case Conduct.CALL_BACK | Conduct.OFFER_PLAIN:
                invite.reject(480, None, now)
                self._call_backs.append((now + CALL_BACK_S, extension, sender))
            case _:
                self._new_call(extension).incoming(invite, now)

    def call(self, extension: Extension, user: str, now: float) -> None:
        """Let `extension` call `user`, if that is who is registered over this connection."""
        binding = self._trunk.registrar.find(user, now)
        if binding is not None and binding.connection == self.number:
            target = binding.contact.uri
            self._new_call(extension).calling(
                lambda offer, when: self._agent.invite(target, offer, when), now
            )

    def _new_call(self, extension: Extension) -> TrunkCall:
        trunk = self._trunk
        session = trunk.next_session(extension)
        call = TrunkCall(session, extension, self._local.host, trunk.randomness, trunk.post)
        self._calls[session] = call
        return call
