"""Finding the servers of a domain, for TLS only (RFC 3263 §4, RFC 2782, RFC 5626 §4.2.1).

Only SIPS+D2T and `_sips._tcp` are ever followed: a service over UDP or bare TCP is not a choice
here, so a `sip:` and a `sips:` URI of one domain lead to the same servers. What the DNS says
decides where the octets go and never who the peer has to be: that is `service_name`, the domain.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from offhook.base.errors import LocalError
from offhook.protocols.sip.locate_records import (
    MOST_ADDRESSES,
    MOST_SRV,
    PREFIX,
    AddressRecord,
    DnsFailed,
    DnsKind,
    DnsQuery,
    DnsRecord,
    NaptrRecord,
    SrvRecord,
    order_srv,
    plain_address,
    plain_name,
    tls_services,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offhook.base.randomness import Randomness

__all__ = ["DnsFailed", "DnsQuery", "Locator", "Target"]

SIPS_PORT: Final = 5061
MOST_TARGETS: Final = 32


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: `address` and `port`; `host` is the name that led there."""

    host: str
    address: str
    port: int


class Locator:
    """The servers of `domain` in the order in which they are to be tried.

    Ask `next_query` until it gives None, answering each question (several may be open at once),
    then take `next_target` until a flow stands. None means that all have failed: wait, `restart`
    and ask the DNS again. A numeric domain needs no question, one with a `port` no SRV.
    `families` says which addresses of a host come first.
    """

    def __init__(
        self,
        domain: str,
        port: int | None,
        randomness: Randomness,
        *,
        families: Sequence[DnsKind] = ("AAAA", "A"),
    ) -> None:
        bare = domain.removeprefix("[").removesuffix("]")
        self._address = plain_address(bare)
        name = self._address or plain_name(domain)
        if name is None:
            raise LocalError(f"{domain!r} is neither a domain name nor a unicast address")
        if port is not None and not 0 < port < 65536:
            raise LocalError(f"{port} is no port")
        if not families or not set(families) <= {"A", "AAAA"}:
            raise LocalError("families are A and AAAA")
        self._name = name
        self._port = port
        self._randomness = randomness
        self._families = tuple(families)
        self.restart()

    @property
    def service_name(self) -> str:
        """Whom the peer has to prove to be, and what it is told we look for (SNI)."""
        return self._name

    @property
    def finished(self) -> bool:
        """Whether no question is left, asked or unasked."""
        return not self._unasked and not self._open

    @property
    def problems(self) -> tuple[str, ...]:
        """What the DNS could not answer, as sentences for a person."""
        return tuple(self._problems)

    def restart(self) -> None:
        """Forget everything and begin with the DNS again; the lots are drawn anew."""
        self._unasked: deque[DnsQuery] = deque()
        self._open: set[DnsQuery] = set()
        self._services: dict[str, list[SrvRecord] | None] = {}
        self._hosts: list[tuple[str, int]] = []
        self._addresses: dict[DnsQuery, list[str]] = {}
        self._problems: list[str] = []
        self._tried = 0
        if self._address is None:
            if self._port is None:
                self._ask(DnsQuery("NAPTR", self._name))
            else:
                self._look_up([(self._name, self._port)])

    def next_query(self) -> DnsQuery | None:
        """The next question, None if there is none before an open one is answered."""
        if not self._unasked:
            return None
        query = self._unasked.popleft()
        self._open.add(query)
        return query

    def answer(self, query: DnsQuery, records: Sequence[DnsRecord] | DnsFailed) -> None:
        """What the DNS said; no records where the name or the kind does not exist.

        LocalError for an answer to no open question.
        """
        if query not in self._open:
            raise LocalError(f"nobody asked for {query}")
        self._open.discard(query)
        if isinstance(records, DnsFailed):
            self._problems.append(records.reason)
            records = ()
        if query.kind == "NAPTR":
            found = tls_services(cast("Sequence[NaptrRecord]", records))
            self._ask_services(found or [PREFIX + self._name])
        elif query.kind == "SRV":
            self._take_srv(query.name, cast("Sequence[SrvRecord]", records))
        else:
            hosts = [record.host for record in cast("Sequence[AddressRecord]", records)]
            usable = filter(None, map(plain_address, hosts))
            self._addresses[query] = list(dict.fromkeys(usable))[:MOST_ADDRESSES]

    def targets(self) -> list[Target]:
        """All targets known so far, in the order of their trial."""
        if self._address is not None:
            return [Target(self._address, self._address, self._port or SIPS_PORT)]
        found = [
            Target(host, address, port)
            for host, port in self._hosts
            for family in self._families
            for address in self._addresses.get(DnsQuery(family, host), ())
        ]
        first: dict[tuple[str, int], Target] = {}
        for target in found:
            first.setdefault((target.address, target.port), target)
        return list(first.values())[:MOST_TARGETS]

    def next_target(self) -> Target | None:
        """The first target, then after each failure the next; None when all have been tried."""
        if not self.finished:
            raise LocalError("the DNS has not been asked everything yet")
        targets = self.targets()
        if self._tried >= len(targets):
            return None
        self._tried += 1
        return targets[self._tried - 1]

    def _ask(self, query: DnsQuery) -> None:
        self._unasked.append(query)

    def _ask_services(self, names: Sequence[str]) -> None:
        for name in names:
            self._services[name] = None
            self._ask(DnsQuery("SRV", name))

    def _take_srv(self, name: str, records: Sequence[SrvRecord]) -> None:
        self._services[name] = order_srv(records, self._randomness)
        if any(found is None for found in self._services.values()):
            return
        found = [record for each in self._services.values() for record in each or ()]
        if found:
            self._look_up(
                [
                    (host, record.port)
                    for record in found
                    if (host := plain_name(record.target)) is not None and record.port
                ]
            )
            if not self._hosts:
                self._problems.append(f"{self._name} says that it has no SIP over TLS")
        elif PREFIX + self._name not in self._services:
            self._ask_services([PREFIX + self._name])
        else:
            self._look_up([(self._name, SIPS_PORT)])

    def _look_up(self, hosts: Sequence[tuple[str, int]]) -> None:
        self._hosts = list(dict.fromkeys(hosts))[:MOST_SRV]
        for host in dict.fromkeys(host for host, _ in self._hosts):
            for family in self._families:
                self._ask(DnsQuery(family, host))
