"""A certificate case: what a server presents, and by which rule it is taken or refused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.certificates.forge import SERVICE, Issued, root

from offhook.protocols.trust.peer_identity import PeerPolicy


@dataclass(frozen=True)
class Presented:
    """A server's certificate, with what the client holds it against."""

    server: Issued
    policy: PeerPolicy = field(default_factory=PeerPolicy)
    service: str = SERVICE
    anchors: tuple[bytes, ...] = field(default_factory=lambda: (root().pem,))
    sent: bytes | None = None
    """What the server sends, in PEM; None for its certificate and all intermediates."""

    @property
    def sent_pem(self) -> bytes:
        """What the server sends, in PEM."""
        return self.server.sent_pem if self.sent is None else self.sent


@dataclass(frozen=True)
class Case:
    """`rule` is what the judge says; None where only the TLS library can know (unknown CA)."""

    name: str
    build: Callable[[], Presented]
    accepted: bool
    rule: str | None
    wire_rules: frozenset[str]
    """The rules on a connection, where either side's TLS library may speak first; empty where no
    server can be made to show the certificate."""


Build = Callable[[], "Issued | Presented"]


class Catalogue(list[Case]):
    """Cases, collected by decorators; a case's name is that of its function."""

    def accepted(self, rule: str = "dns-san") -> Callable[[Build], Build]:
        """The certificate is taken by `rule`."""
        return lambda build: self._add(build, True, rule, {rule})

    def refused(
        self, rule: str | None, *, wire: set[str] | None = None
    ) -> Callable[[Build], Build]:
        """The certificate is refused by `rule`; on a connection by one of `wire` if given."""
        if wire is None:
            assert rule is not None
            wire = {rule}
        return lambda build: self._add(build, False, rule, wire)

    def _add(self, build: Build, accepted: bool, rule: str | None, wire: set[str]) -> Build:
        @functools.cache
        def present() -> Presented:
            built = build()
            return built if isinstance(built, Presented) else Presented(built)

        name = build.__name__.replace("_", "-")
        self.append(Case(name, present, accepted, rule, frozenset(wire)))
        return build
