"""aioice as our ICE agent (RFC 8445, RFC 7675): its checks, over our sockets and our bounds.

Of aioice's inside this relies on what tests/shells/net/test_ice_library.py pins.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final, cast

from aioice import Candidate, Connection
from aioice.ice import ICE_FAILED, CandidatePair, StunProtocol
from aioice.stun import Class, Message, Method

from offhook.base.vocabulary import PathAddress
from offhook.shells.net import stun
from offhook.shells.net.stun import StunMessage

CHECK_INTERVAL_S: Final = 0.05
"""Ta, between the checks that we begin (RFC 8445 §14.2)."""
CONSENT_INTERVAL_S = 5.0
CONSENT_EXPIRES_S = 30.0
KEEP_OPEN_S: Final = 15.0
"""Between the datagrams that keep a NAT's port open (RFC 8445 §11)."""
MAX_LEARNED: Final = 8
"""Peer-reflexive candidates that a peer may make us learn, each of them a pair and a check."""
MAX_EARLY: Final = 16
"""Sources whose checks are kept while the peer's description is not here yet."""
MAX_ROLE_CONFLICTS: Final = 4


class Base(StunProtocol):
    """One local candidate's base as aioice wants it; it gets verified STUN and nothing else."""

    def __init__(
        self, agent: Agent, candidate: Candidate, send: Callable[[bytes, PathAddress], bool]
    ) -> None:
        super().__init__(agent)
        self.local_candidate = self.candidate = candidate
        self.send_now = send
        self.connection_made(_Outlet(send))


class _Outlet(asyncio.DatagramTransport):
    """What aioice sends by."""

    def __init__(self, send: Callable[[bytes, PathAddress], bool]) -> None:
        super().__init__()
        self._send = send

    def sendto(self, data: Any, addr: Any = None) -> None:
        self._send(data, PathAddress(*addr))


class Agent(Connection):
    """One generation of ICE for one component: own credentials, own candidates, own checks.

    `on_lost` is called once, where consent has expired after connect() had succeeded.
    """

    def __init__(self, ufrag: str, pwd: str, on_lost: Callable[[], None]) -> None:
        super().__init__(ice_controlling=True, local_username=ufrag, local_password=pwd)
        # aioice nominates aggressively otherwise, as RFC 8445 (Appendix B) no longer does.
        self.remote_is_lite = True
        self.selected: CandidatePair | None = None
        """The nominated pair: where media goes."""
        self._on_lost = on_lost
        self._early: dict[PathAddress, tuple[StunMessage, Base]] = {}
        self._began = self._stopped = False
        self._conflicts = 0
        self._next_check = self._consented = 0.0
        self._servers: dict[bytes, PathAddress] = {}
        """STUN servers that were asked, by transaction: they have no key to prove themselves."""
        self._keeping: asyncio.Task[None] | None = None
        self._consent_asked: dict[bytes, tuple[str, int]] = {}

    @property
    def bases(self) -> list[Candidate]:
        """What there is to check from."""
        return [base.local_candidate for base in self._protocols if base.local_candidate]

    def add_base(self, base: Base) -> None:
        """A socket or relayed address to check from."""
        self._protocols.append(base)
        self.add_candidate(base.candidate)

    def add_candidate(self, candidate: Candidate) -> None:
        """What the peer is told; its checks come in by some base."""
        self._local_candidates.append(candidate)

    async def ask_server(self, base: Base, server: PathAddress) -> PathAddress:
        """Where a STUN server sees this base (RFC 8445 §5.1.1.2), kept open from then on.

        Raises TransactionError where it doesn't answer.
        """
        request = Message(Method.BINDING, Class.REQUEST)
        self._servers[request.transaction_id] = server
        response, _ = await base.request(request, server)
        self._keeping = asyncio.create_task(self._keep_open(base, server))
        return PathAddress(*response.attributes["XOR-MAPPED-ADDRESS"])

    async def _keep_open(self, base: Base, server: PathAddress) -> None:
        """Until the checks need it no more (RFC 8445 §5.1.1.4)."""
        while self.selected is None and not self._stopped:
            await asyncio.sleep(KEEP_OPEN_S)
            base.send_stun(Message(Method.BINDING, Class.REQUEST), server)

    async def gather_candidates(self) -> None:
        """Nothing is looked for here: add_base() told."""
        self._local_candidates_start = self._local_candidates_end = True

    async def connect(self) -> None:
        """Check, with remote_username, remote_password and the remote candidates set."""
        await self.gather_candidates()
        self._began = True
        early, self._early = self._early, {}
        for source, (message, base) in early.items():  # of another peer's, take() says no
            asyncio.get_running_loop().call_soon(self.take, message, base, source)
        await super().connect()

    def send_media(self, data: bytes) -> bool:
        """Send media to the peer; False where there is no way, or the system would not."""
        pair = self.selected
        if pair is None:
            return False
        return cast("Base", pair.protocol).send_now(data, PathAddress(*pair.remote_addr))

    def stop(self) -> None:
        """End all of it at once; connect() then ends with ConnectionError."""
        self._stopped = True
        self.selected = None
        self._early.clear()
        self._check_list_state.put_nowait(ICE_FAILED)
        for task in (
            self._query_consent_task,
            self._keeping,
            *(pair.task for pair in self._check_list),
        ):
            if task is not None:
                task.cancel()

    def take(self, message: StunMessage, base: Base, source: PathAddress) -> bool:
        """Act on a message if it is for this agent and proven; False where it is another's."""
        if message.kind == stun.REQUEST:
            if not self._is_named(message.attributes.get(stun.USERNAME, b"")):
                return False
            if self._may_ask(message, base, source):
                base.datagram_received(message.octets, source)
            return True
        if message.transaction in self._consent_asked:
            self._consent_answered(message, source)
            return True
        if message.transaction not in base.transactions:
            return False
        if self._may_answer(message, source):
            base.datagram_received(message.octets, source)
        return True

    def _is_named(self, user: bytes) -> bool:
        """Whether a request is for this agent, from the peer that it knows if it knows one."""
        if self.remote_username is None:
            return user.startswith(f"{self.local_username}:".encode())
        return user == f"{self.local_username}:{self.remote_username}".encode()

    def _may_ask(self, message: StunMessage, base: Base, source: PathAddress) -> bool:
        if self._stopped or not message.verified(self.local_password.encode()):
            return False
        if not self._began:
            if source in self._early or len(self._early) < MAX_EARLY:
                self._early[source] = (message, base)
            return False
        if any((each.host, each.port) == source for each in self._remote_candidates):
            return True
        learned = sum(each.type == "prflx" for each in self._remote_candidates)
        return stun.PRIORITY in message.attributes and learned < MAX_LEARNED

    def _may_answer(self, message: StunMessage, source: PathAddress) -> bool:
        if message.transaction in self._servers:
            return source == self._servers[message.transaction] and (
                message.kind == stun.ERROR or stun.XOR_MAPPED_ADDRESS in message.attributes
            )
        if not message.verified((self.remote_password or "").encode()):
            return False
        if message.kind == stun.ERROR and stun.error_code(message) == 487:
            self._conflicts += 1
            return self._conflicts <= MAX_ROLE_CONFLICTS
        return message.kind == stun.ERROR or stun.XOR_MAPPED_ADDRESS in message.attributes

    def check_periodic(self) -> bool:
        """One check per CHECK_INTERVAL_S; False once there is nothing left to check."""
        if self._stopped:
            return False
        now = asyncio.get_running_loop().time()
        if now < self._next_check:
            return not self._check_list_done
        self._next_check = now + CHECK_INTERVAL_S
        return super().check_periodic()

    def check_complete(self, pair: CandidatePair) -> None:
        """A check came to its end: the nominated pair may be another now."""
        super().check_complete(pair)
        nominated = self._nominated.get(1)
        if nominated is not None and not self._stopped:
            self.selected = nominated
            self._consented = asyncio.get_running_loop().time()

    def data_received(self, data: bytes | None, component: int | None) -> None:
        """Nothing: what is not STUN never comes this way."""

    async def query_consent(self) -> None:
        """Ask for consent every 4 to 6 s; without an answer for 30 s, all ends (RFC 7675 §5.1)."""
        loop = asyncio.get_running_loop()
        while self.selected is not None:
            interval = CONSENT_INTERVAL_S * random.uniform(0.8, 1.2)  # noqa: S311 -- only spread
            expires = self._consented + CONSENT_EXPIRES_S
            await asyncio.sleep(min(interval, expires - loop.time()))
            if loop.time() >= self._consented + CONSENT_EXPIRES_S:
                self._query_consent_task = None
                self.stop()
                self._on_lost()
                return
            self._ask_consent(self.selected)

    def _ask_consent(self, pair: CandidatePair | None) -> None:
        if pair is None or self.remote_password is None:
            return
        request = self.build_request(pair, nominate=False)
        request.add_message_integrity(self.remote_password.encode())
        while len(self._consent_asked) >= 8:
            del self._consent_asked[next(iter(self._consent_asked))]
        self._consent_asked[request.transaction_id] = pair.remote_addr
        pair.protocol.send_stun(request, pair.remote_addr)

    def _consent_answered(self, message: StunMessage, source: PathAddress) -> None:
        pair, asked = self.selected, self._consent_asked[message.transaction]
        if (
            pair is not None
            and message.kind == stun.SUCCESS
            and asked == source == pair.remote_addr
            and message.verified((self.remote_password or "").encode())
        ):
            self._consented = asyncio.get_running_loop().time()
            del self._consent_asked[message.transaction]
