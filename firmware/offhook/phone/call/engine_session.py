"""A call's session in the engine: what is asked of it, and how long its answer may take.

What offer and answer come to is told as RFC 3264, RFC 6189 §8.2 and RFC 8839 have it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from offhook.phone.call.call_terms import CallTerms
from offhook.protocols.media import messages as engine
from offhook.protocols.media.keying_messages import ZrtpAgreed
from offhook.protocols.media.path_messages import GatherAgain, IceAgreed
from offhook.protocols.sdp.negotiation import Agreement

READY_S: Final = 10.0
"""So long an engine may take to open a path: ICE takes 2, one just started on a busy board more."""
STOPPED_S: Final = 5.0
"""So long it may take to let go; then the call is over without its counts."""


class EngineSession:
    """One call's. `controlling`: for ICE (RFC 8445 §6.1.1)."""

    def __init__(self, terms: CallTerms, *, controlling: bool) -> None:
        self._terms, self._controlling = terms, controlling
        self._commands: deque[engine.SessionCommand] = deque()
        self._ready = self._stopping = False
        self.busy = False
        """Whether the engine has a session that it hasn't let go."""
        self.due: float | None = None
        """Until when (s) it owes an answer; None: it owes none."""

    # What it is asked for

    def prepare(self, now: float) -> None:
        """It is to open a path and make keys; `ready` or `failed` follows until `due`."""
        terms = self._terms
        self.busy, self.due = True, now + READY_S
        self.send(
            engine.Prepare(
                terms.session,
                terms.local_host,
                terms.policy.suites,
                terms.media_dscp,
                dtls=terms.policy.dtls,
                zrtp=terms.zrtp.own if terms.zrtp is not None and terms.policy.zrtp else None,
                ice=terms.ice,
            )
        )

    def gather_again(self, now: float) -> None:
        """It is to describe the path anew, for an ICE restart; `ready` follows until `due`."""
        self.due = now + READY_S
        self.send(GatherAgain(self._terms.session))

    def agree(self, agreement: Agreement, *, sending: bool, receiving: bool) -> None:
        """It is to do what offer and answer say, as far as we are to be heard and to hear."""
        self.send(self._remote(agreement, sending=sending, receiving=receiving))

    def stop(self, now: float) -> None:
        """It is to let go; `released` follows, or `due` comes. Nothing where it has no session."""
        if self.busy:
            self._stopping, self.due = True, now + STOPPED_S
            self.send(engine.Stop(self._terms.session))

    def send(self, command: engine.SessionCommand) -> None:
        """One command more."""
        self._commands.append(command)

    def commands_to_send(self) -> list[engine.SessionCommand]:
        """Commands in order; each is given once."""
        commands = list(self._commands)
        self._commands.clear()
        return commands

    # What came of it

    def ready(self) -> None:
        """There is a path."""
        self._ready = True
        if not self._stopping:
            self.due = None

    def failed(self) -> None:
        """It can't go on. One that never had a session has nothing to count, and none to stop."""
        if not self._ready:
            self.released()

    def released(self) -> None:
        """It has let go, or nobody waits for that any longer."""
        self.busy, self.due = False, None

    def _remote(self, agreement: Agreement, *, sending: bool, receiving: bool) -> engine.SetRemote:
        """ZRTP begins where it is the only keying, and beside another where the peer names it."""
        terms = self._terms
        alone = agreement.keys is None and agreement.dtls is None
        zrtp = terms.speaks_zrtp and (alone or bool(agreement.zrtp_hashes))
        ice = agreement.ice
        return engine.SetRemote(
            session=terms.session,
            remote=agreement.remote,
            remote_rtcp=agreement.remote_rtcp,
            codec=agreement.codec,
            dtmf_payload_type=agreement.dtmf_payload_type,
            keys=agreement.keys,
            ptime_ms=agreement.ptime_ms,
            sending=agreement.sending and sending,
            receiving=agreement.receiving and receiving,
            receive_codecs=agreement.receive_codecs,
            receive_dtmf_payload_type=agreement.receive_dtmf_payload_type,
            codec_parameters=agreement.codec_parameters,
            dtmf_clock_rate=agreement.dtmf_clock_rate,
            receive_events=agreement.receive_events,
            opus=terms.opus,
            dtls=agreement.dtls,
            zrtp=ZrtpAgreed(agreement.zrtp_hashes) if zrtp else None,
            ice=None if ice is None else IceAgreed(ice, self._controlling),
        )
