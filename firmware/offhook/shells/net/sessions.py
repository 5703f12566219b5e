"""TLS sessions kept for resumption, with what they can't carry (RFC 8446 §2.2, RFC 5077).

A resumed handshake shows no certificate: the chain, the group and the time of the full handshake
are kept beside the session, so that the chain can be judged again each time.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from offhook.base.vocabulary import PeerVerdict

MAX_AGE_S: Final = 86_400.0
"""How long after its full handshake a chain may serve resumptions."""


@dataclass(frozen=True, slots=True)
class KeptSession:
    """One resumable session. `verified_at` is the wall time of its full handshake (Unix s)."""

    session: ssl.SSLSession
    chain: tuple[bytes, ...]
    verdict: PeerVerdict
    group: str
    verified_at: float


class SessionCache:
    """At most `capacity` TLS contexts by key, each with at most one session.

    OpenSSL binds a session to the context that made it, so the two are kept together. The key
    comes from `tls_context.session_key`: a changed certificate, anchor or policy is another key.
    """

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = capacity
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._sessions: dict[str, KeptSession] = {}

    def context(self, key: str, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """The context under `key`, made by `make` if there is none; the oldest gives way."""
        if key in self._contexts:
            self._contexts.move_to_end(key)
            return self._contexts[key]
        context = self._contexts[key] = make()
        while len(self._contexts) > self._capacity:
            oldest, _ = self._contexts.popitem(last=False)
            self._sessions.pop(oldest, None)
        return context

    def take(self, key: str) -> KeptSession | None:
        """The session under `key`, which thereby leaves the cache: tickets are used once."""
        return self._sessions.pop(key, None)

    def keep(self, key: str, context: ssl.SSLContext, kept: KeptSession) -> None:
        """Keep a session for the next connection, unless its context has gone meanwhile."""
        if self._contexts.get(key) is context:
            self._sessions[key] = kept

    def drop(self, key: str) -> None:
        """Forget what is kept under `key`."""
        self._sessions.pop(key, None)

    def clear(self) -> None:
        """Forget every session and context."""
        self._sessions.clear()
        self._contexts.clear()

    def __len__(self) -> int:
        return len(self._sessions)
