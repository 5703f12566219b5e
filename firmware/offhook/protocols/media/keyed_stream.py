"""One session's media and what keys it: SDES, DTLS-SRTP, ZRTP, and ZRTP inside the other two.

RFC 3711, RFC 4568, RFC 5763, RFC 5764 §5, RFC 6189 §8.2, RFC 7983. A machine without a clock:
`now` is monotonic seconds; only OpenSSL counts for itself when it repeats a flight.

Before there are keys there is no MediaStream: nothing leaves but DTLS and ZRTP, and media that
comes is held for a moment, unread. Keys of ZRTP take the place of the others and never give it
back: what they are worth must not depend on the servers between.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.demultiplex import Traffic, demultiplex
from offhook.protocols.keying.dtls.events import DtlsClosed, DtlsEvent, DtlsFailed, DtlsKeysReady
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import CryptoLine, SrtpKeys
from offhook.protocols.keying.zrtp.events import Expecting, Failed, Secured
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS
from offhook.protocols.media.keying_messages import (
    Keyed,
    KeyingCommand,
    KeyingFailed,
    KeyingReport,
    PeerReady,
    SasCompared,
    SuiteBroken,
    ZrtpRecall,
)
from offhook.protocols.media.messages import Prepare, SetRemote, Statistics
from offhook.protocols.media.path import Latch
from offhook.protocols.media.rtp import is_rtcp
from offhook.protocols.media.session_keys import Chosen, SessionKeys, make_keys
from offhook.protocols.media.srtp_early import EarlyMedia
from offhook.protocols.media.srtp_gate import OVERLAP_S
from offhook.protocols.media.stream import MediaStream, StreamEvent, check_pair, check_parameters
from offhook.protocols.media.suite_watch import SuiteWatch
from offhook.protocols.media.zrtp_keying import KeysTold, ZrtpKeying

if TYPE_CHECKING:  # OpenSSL is loaded only where DTLS is asked for
    from offhook.protocols.keying.dtls.session import DtlsSession

KeyedEvent: TypeAlias = StreamEvent | KeyingReport

_MEDIA: Final = (Traffic.RTP, Traffic.RTCP)


class KeyedStream:
    """From Prepare to Stop: datagrams and commands in, datagrams and reports out.

    LocalError where `prepare` asks for what can't be done. `dtls` is there where it asks for DTLS.
    Once `stream` is there its owner opens the sound and calls `begin`; media that comes between
    the two is old, and dropped. Where `stream` goes away the sound ends.
    """

    def __init__(
        self,
        prepare: Prepare,
        randomness: Randomness,
        now: float,
        *,
        dtls: DtlsSession | None = None,
        delay_ms: int = DEFAULT_DELAY_MS,
    ) -> None:
        self._session = prepare.session
        self._randomness = randomness
        self._delay_ms = delay_ms
        self.crypto: Final[tuple[CryptoLine, ...]] = make_keys(prepare, randomness)
        """The SDES keys made, tags counting from 1."""
        self._ssrc = int.from_bytes(randomness.octets(4), "big")
        self._zrtp = (
            None
            if prepare.zrtp is None
            else ZrtpKeying(prepare.session, prepare.zrtp, randomness, self._ssrc)
        )
        self._dtls = dtls
        self._dtls_source: PathAddress | None = None
        self._early = EarlyMedia()
        self._watch = SuiteWatch()
        self._keys = SessionKeys()
        self._started: float | None = None
        self._in_use: Chosen | None = None
        self.stream: MediaStream | None = None
        """There once there are keys and Start has come."""
        self._live = False
        self._counted = Statistics()
        self._outgoing: list[tuple[bytes, PathAddress, bool]] = []
        self._reports: deque[KeyedEvent] = deque()
        if dtls is not None:
            dtls.await_peer(now)

    @property
    def zrtp_hash(self) -> str:
        """The value of our `a=zrtp-hash`; empty without ZRTP."""
        return "" if self._zrtp is None else self._zrtp.hello_hash

    @property
    def keying(self) -> Keying | None:
        """Whose keys are in use; None: there are none."""
        return None if self._in_use is None else self._in_use.keying

    def set_remote(self, parameters: SetRemote, now: float) -> None:
        """What was agreed, at first or anew.

        Raises what `check_parameters` raises, and LocalError where it names no keying, or one
        that was not prepared for.
        """
        check_parameters(parameters)
        self._check_keying(parameters)
        self._keys.remote = parameters
        if self._dtls is not None and parameters.dtls is not None:
            self._dtls.retry(now)
            self._dtls.agree(parameters.dtls, now)
        if self._zrtp is not None and parameters.zrtp is not None:
            alone = parameters.keys is None and parameters.dtls is None
            self._zrtp.agree(parameters.zrtp, now, alone=alone)
            if self._started is not None:
                self._zrtp.be_patient(now)
        self._key(now)
        self._settle(now)

    def _check_keying(self, parameters: SetRemote) -> None:
        if parameters.keys is None and parameters.dtls is None and parameters.zrtp is None:
            raise LocalError("there are no keys, and nothing that would bring any")
        if parameters.dtls is not None and self._dtls is None:
            raise LocalError("DTLS-SRTP was not prepared for")
        if parameters.zrtp is not None and self._zrtp is None:
            raise LocalError("ZRTP was not prepared for")

    def start(self, now: float, since: float | None = None) -> None:
        """Media is to flow as soon as there are keys. LocalError before anything is agreed.

        `since` is when Start came, where that was earlier.
        """
        if self._keys.remote is None:
            raise LocalError("nothing is agreed yet")
        if self._started is None:
            self._started = now if since is None else since
        if self._zrtp is not None:
            self._zrtp.be_patient(now)
        self._key(now)
        self._settle(now)

    def begin(self, now: float) -> None:
        """The sound is open: what came a moment ago goes through the media gate, and counts.

        It proves the keys and is not played: all that follows would be late.
        """
        stream = self.stream
        if stream is None or self._live:
            return
        self._live = True
        self._watch_suite(now)
        for each in self._early.release(now):
            self._pass(stream, each.data, each.source, now, rtcp=each.rtcp)
        stream.skip_queued()
        self._settle(now)

    def handle(self, command: KeyingCommand, now: float) -> None:
        """Carry out a command of the keyings; one that comes too late or too early is nothing."""
        match command:
            case PeerReady():
                if self._shaking is not None:
                    self._shaking.retry(now)
                if self._zrtp is not None:
                    self._zrtp.retry(now)
            case ZrtpRecall() if self._zrtp is not None:
                self._zrtp.recall(command, now)
            case SasCompared() if self._zrtp is not None:
                self._zrtp.compared(command)
        self._settle(now)

    @property
    def _shaking(self) -> DtlsSession | None:
        """Who answers handshakes: from the offer on, unless another keying was taken."""
        agreed = self._keys.remote is None or self._keys.remote.dtls is not None
        return self._dtls if agreed and not self._keys.closed else None

    @property
    def _hears_zrtp(self) -> ZrtpKeying | None:
        """Who hears ZRTP: from the answer on, whether it has it or not."""
        heard = self._keys.remote is not None and not self._keys.closed
        return self._zrtp if heard else None

    def receive_datagram(
        self, data: bytes, source: PathAddress, now: float, *, rtcp: bool = False
    ) -> None:
        """Take what came from `source`, on the RTCP port where `rtcp` says so.

        Whatever it holds, nothing is raised; but a LocalError, as by `tick`, where it completes
        keys and no stream can be made here. What is neither media nor for a keying is dropped
        uncounted: it may be what keeps a NAT's port open (RFC 6263 §4). A handshake on the RTCP
        port is not answered: RTCP has no association of its own.
        """
        traffic = demultiplex(data)
        if traffic in _MEDIA:
            self._receive_media(data, source, now, rtcp=rtcp)
        elif traffic is Traffic.DTLS and not rtcp and self._shaking is not None:
            self._dtls_source = source
            self._shaking.receive_datagram(data, now)
        elif traffic is Traffic.ZRTP and not rtcp and self._hears_zrtp is not None:
            self._hears_zrtp.receive(data, now, expected=source == self._destination)
        self._settle(now)

    def _receive_media(self, data: bytes, source: PathAddress, now: float, *, rtcp: bool) -> None:
        if self.stream is None:
            if not self._keys.closed:
                self._early.hold(data, source, now, rtcp=rtcp)
        elif self._live:
            self._pass(self.stream, data, source, now, rtcp=rtcp)
        elif not rtcp and not is_rtcp(data):
            # It is old, and what was held is older: counted now, it would leave a gap after it.
            self._early.release(now)

    def _pass(
        self, stream: MediaStream, data: bytes, source: PathAddress, now: float, *, rtcp: bool
    ) -> None:
        authentic = stream.receive_datagram(data, source, now, rtcp=rtcp)
        if not rtcp and not is_rtcp(data):
            self._judge(now, authentic=authentic)

    def _judge(self, now: float, *, authentic: bool) -> None:
        rejected = self._watch.note(now, authentic=authentic)
        if rejected is not None and self._in_use is not None:
            suite = self._in_use.keys.receive.suite.name
            self._reports.append(SuiteBroken(self._session, suite, rejected))
        heard = self.stream is not None and self.stream.confirmed
        if heard and self._keys.expected is not None and self._zrtp is not None:
            self._zrtp.media_heard(now)

    @property
    def _destination(self) -> PathAddress | None:
        """Where media goes; None: nowhere."""
        if self.stream is not None:
            return self.stream.destination
        if self._keys.remote is None:
            return None
        signalled = Latch(self._keys.remote.remote)
        return None if signalled.silenced else signalled.address

    def _settle(self, now: float) -> None:
        """Heed what the keyings tell, before what the stream does."""
        if self._dtls is not None:
            while (event := self._dtls.next_event()) is not None:
                self._heed_dtls(event, now)
        if self._zrtp is not None:
            while (told := self._zrtp.next_told()) is not None:
                if isinstance(told, KeysTold):
                    self._heed_zrtp(told, now)
                else:
                    self._reports.append(told)
        if self.stream is not None:
            while (heard := self.stream.next_event()) is not None:
                self._reports.append(heard)

    def _heed_dtls(self, event: DtlsEvent, now: float) -> None:
        number, keying = self._session, Keying.DTLS
        match event:
            case DtlsKeysReady():
                self._keys.dtls = SrtpKeys(event.send, event.receive)
                self._key(now)
            case DtlsFailed():
                attack = event.rule == "fingerprint"
                self._reports.append(KeyingFailed(number, keying, event.reason, attack))
            case DtlsClosed() if event.by_peer:
                self._keys.dtls = None
                reason = "the peer ended the association that brought the keys"
                self._reports.append(KeyingFailed(number, keying, reason))
                self._key(now)

    def _heed_zrtp(self, event: KeysTold, now: float) -> None:
        match event:
            case Expecting():
                self._keys.expected = event.receive
                self._key(now)
            case Secured():
                self._keys.secure(SrtpKeys(event.send, event.receive))
                self._key(now, overlap_s=0.0)
            case Failed():
                self._keys.fail()
                self._key(now, overlap_s=0.0)

    def _key(self, now: float, overlap_s: float = OVERLAP_S) -> None:
        """Let the stream go on with what was agreed, and with the keys that are to be used."""
        chosen, remote, started = self._keys.chosen(), self._keys.remote, self._started
        if chosen is None or remote is None:
            self._let_go()
            return
        if started is None:
            return
        keying, keys = chosen
        check_pair(keys)
        parameters = replace(remote, keys=keys)
        if self.stream is None:
            self.stream = MediaStream(
                parameters,
                self._randomness,
                now,
                delay_ms=self._delay_ms,
                started=started,
                ssrc=self._ssrc,
            )
        elif self._keys.expected is None:
            self.stream.set_remote(parameters, now, overlap_s)
        if self._keys.expected is not None:
            both = replace(remote, keys=SrtpKeys(keys.send, self._keys.expected))
            self.stream.set_remote(both, now, math.inf)
        if chosen != self._in_use:
            self._in_use = chosen
            after_ms = 1000 * (now - started)
            self._reports.append(Keyed(self._session, keying, keys.send.suite.name, after_ms))
        self._watch_suite(now)

    def _watch_suite(self, now: float) -> None:
        if (
            self._in_use is not None
            and self._keys.remote is not None
            and self._keys.remote.receiving
        ):
            self._watch.watch(self._in_use.keys.receive, now)

    def _let_go(self) -> None:
        """There are no keys any more: nothing more is said under them, not even goodbye."""
        if self.stream is not None:
            self._counted = self.stream.statistics()
        self.stream = self._in_use = None
        self._live = False

    def datagrams_to_send(self) -> list[tuple[bytes, PathAddress, bool]]:
        """What is to be sent, to whom, and whether through the RTCP port; given once."""
        self._gather()
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _gather(self) -> None:
        destination = self._destination
        if self._dtls is not None:
            back = self._dtls_source if self._keys.remote is None else destination
            said = self._dtls.datagrams_to_send()
            if back is not None:
                self._outgoing += [(each, back, False) for each in said]
        if self._zrtp is not None:
            said = self._zrtp.datagrams_to_send()
            if destination is not None:
                self._outgoing += [(each, destination, False) for each in said]
        if self.stream is not None:
            self._outgoing += self.stream.datagrams_to_send()

    def next_report(self) -> KeyedEvent | None:
        """The next thing that happened; None: nothing more."""
        if not self._reports and self.stream is not None:
            return self.stream.next_event()
        return self._reports.popleft() if self._reports else None

    def deadline(self) -> float | None:
        """When `tick` is to be called; None: never."""
        due = [self._early.deadline()]
        if (shaking := self._shaking) is not None:
            due.append(shaking.deadline())
        if self._zrtp is not None:
            due.append(self._zrtp.deadline())
        if self.stream is not None and self._live:
            due.append(self.stream.deadline())
        return min((each for each in due if each is not None), default=None)

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._early.expire(now)
        if (shaking := self._shaking) is not None:
            shaking.tick(now)
        if self._zrtp is not None:
            self._zrtp.tick(now)
        if self.stream is not None and self._live:
            self.stream.tick(now)
        self._settle(now)

    def end(self, now: float) -> None:
        """The call is over: goodbye under the keys, then of the keyings."""
        if self.stream is not None:
            self.stream.end(now)
            self._outgoing += self.stream.datagrams_to_send()
            self._let_go()
        if self._dtls is not None:
            self._dtls.close(now)
        if self._zrtp is not None:
            self._zrtp.end()

    def statistics(self) -> Statistics:
        """The counts of the stream, or of the last one there was."""
        return self._counted if self.stream is None else self.stream.statistics()
