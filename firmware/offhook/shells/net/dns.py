"""Questions to the DNS (RFC 1035, RFC 2782, RFC 3403) as RFC 3263 needs them.

dnspython is imported at the first question: that takes longer than everything else here.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

from offhook.base.vocabulary import PathAddress
from offhook.shells.net.errors import LookupFailed

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.name
    import dns.rdata
    from dns.rdtypes.IN.A import A
    from dns.rdtypes.IN.AAAA import AAAA
    from dns.rdtypes.IN.NAPTR import NAPTR
    from dns.rdtypes.IN.SRV import SRV

Kind = Literal["NAPTR", "SRV", "A", "AAAA"]

MAX_RECORDS: Final = 64
MAX_HOSTS_OCTETS: Final = 2**20
LOOPBACK: Final = {"A": "127.0.0.1", "AAAA": "::1"}
EDNS_OCTETS: Final = 1232
"""What fits into one unfragmented datagram on any path; longer answers come by TCP."""


@dataclass(frozen=True, slots=True)
class NaptrRecord:
    """RFC 3403 §4.1; `replacement` without its final dot."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str


@dataclass(frozen=True, slots=True)
class SrvRecord:
    """RFC 2782; `target` without its final dot, empty for "." (no such service here)."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """One A or AAAA record."""

    host: str


Record = NaptrRecord | SrvRecord | AddressRecord


class Resolver:
    """Asks `nameservers`, by default those of /etc/resolv.conf as it is at each question.

    One question takes `timeout_s` at most, over all servers and retries; each try `try_s`.
    """

    def __init__(
        self,
        nameservers: tuple[PathAddress, ...] = (),
        *,
        timeout_s: float = 5.0,
        try_s: float = 1.5,
        hosts_file: Path = Path("/etc/hosts"),
    ) -> None:
        self._nameservers = nameservers
        self._timeout_s = timeout_s
        self._try_s = try_s
        self._hosts_file = hosts_file

    async def lookup(self, kind: Kind, name: str) -> list[Record]:
        """The records of `kind` at `name`, in no order, MAX_RECORDS at most.

        An empty list says that there are none, be it the name or the kind that is absent. For A
        and AAAA, numeric addresses, `localhost` and the hosts file answer first. Raises
        LookupFailed where no server gave a usable answer in time.
        """
        if kind in LOOPBACK:
            known = self._known_here(kind, name)
            if known is not None:
                return [AddressRecord(host) for host in known]
        import dns.exception  # noqa: PLC0415 -- see the module's docstring
        import dns.resolver  # noqa: PLC0415 -- see the module's docstring

        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._resolver().resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except TimeoutError:
            raise LookupFailed(f"no answer for {kind} {name} in {self._timeout_s:g} s") from None
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise LookupFailed(f"the DNS gave no answer for {kind} {name}: {error}") from error
        return _plain(kind, answer)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        import dns.asyncresolver  # noqa: PLC0415 -- see the module's docstring
        import dns.nameserver  # noqa: PLC0415 -- see the module's docstring

        resolver = dns.asyncresolver.Resolver(configure=not self._nameservers)
        if self._nameservers:
            resolver.nameservers = [
                dns.nameserver.Do53Nameserver(host, port) for host, port in self._nameservers
            ]
        resolver.timeout = self._try_s
        resolver.lifetime = self._timeout_s
        resolver.use_edns(0, 0, EDNS_OCTETS)
        return resolver

    def _known_here(self, kind: Kind, name: str) -> list[str] | None:
        """Addresses that need no question, or None where the DNS has to be asked."""
        plain = name.rstrip(".").lower()
        version = 4 if kind == "A" else 6
        try:
            return [name] if ipaddress.ip_address(name).version == version else []
        except ValueError:
            pass
        listed = list(self._listed(plain))
        if listed:
            return [host for host in listed if ipaddress.ip_address(host).version == version]
        if plain == "localhost" or plain.endswith(".localhost"):
            return [LOOPBACK[kind]]
        return None

    def _listed(self, name: str) -> Iterable[str]:
        try:
            with self._hosts_file.open("rb") as file:
                text = file.read(MAX_HOSTS_OCTETS).decode("ascii", "replace")
        except OSError:
            return
        for line in text.splitlines():
            host, *names = line.partition("#")[0].split() or [""]
            if name in (each.lower() for each in names):
                try:
                    yield str(ipaddress.ip_address(host))
                except ValueError:
                    continue


def _plain(kind: Kind, answer: Iterable[dns.rdata.Rdata]) -> list[Record]:
    records: list[Record] = []
    for rdata in answer:
        try:
            records.append(_record(kind, rdata))
        except UnicodeDecodeError:
            continue
    if kind == "SRV":
        records.sort(key=lambda record: record.priority if isinstance(record, SrvRecord) else 0)
    return records[:MAX_RECORDS]


def _record(kind: Kind, rdata: dns.rdata.Rdata) -> Record:
    if kind == "SRV":
        srv = cast("SRV", rdata)
        return SrvRecord(srv.priority, srv.weight, srv.port, _host(srv.target))
    if kind == "NAPTR":
        naptr = cast("NAPTR", rdata)
        return NaptrRecord(
            naptr.order,
            naptr.preference,
            naptr.flags.decode("ascii"),
            naptr.service.decode("ascii"),
            naptr.regexp.decode("utf-8"),
            _host(naptr.replacement),
        )
    return AddressRecord(cast("A | AAAA", rdata).address)


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True) if len(name) > 1 else ""
