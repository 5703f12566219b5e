"""DNS records as RFC 3263 reads them: which NAPTR counts, in which order SRV targets are tried."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from offhook.base.randomness import Randomness, fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DnsKind = Literal["NAPTR", "SRV", "A", "AAAA"]

SERVICE: Final = "SIPS+D2T"
"""The one NAPTR service of SIP over TLS over TCP (RFC 3263 §4.1)."""
PREFIX: Final = "_sips._tcp."
"""The one SRV service of SIP over TLS over TCP."""
MOST_RECORDS: Final = 64
"""SRV records of one name that are put in order at all."""
MOST_NAPTR: Final = 4
MOST_SRV: Final = 16
MOST_ADDRESSES: Final = 8

_is_name = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)*(?![0-9]+\Z)[a-z0-9_-]{1,63}", re.ASCII
).fullmatch


@dataclass(frozen=True, slots=True)
class DnsQuery:
    """A question to the DNS: all records of `kind` at `name` (no final dot)."""

    kind: DnsKind
    name: str


@dataclass(frozen=True, slots=True)
class DnsFailed:
    """The DNS gave no usable answer, which is not the same as having no records."""

    reason: str


class NaptrRecord(Protocol):
    """What is read of an RFC 3403 record."""

    @property
    def order(self) -> int:
        """Lowest first; only the lowest that has a usable record counts."""
        ...

    @property
    def preference(self) -> int:
        """Lowest first within one order."""
        ...

    @property
    def flags(self) -> str:
        """Holds "s" where the replacement names SRV records."""
        ...

    @property
    def service(self) -> str:
        """As "SIPS+D2T"."""
        ...

    @property
    def regexp(self) -> str:
        """Empty for SIP."""
        ...

    @property
    def replacement(self) -> str:
        """The name to ask for next."""
        ...


class SrvRecord(Protocol):
    """What is read of an RFC 2782 record."""

    @property
    def priority(self) -> int:
        """Lowest first."""
        ...

    @property
    def weight(self) -> int:
        """The share of the load within one priority."""
        ...

    @property
    def port(self) -> int:
        """0 is unusable."""
        ...

    @property
    def target(self) -> str:
        """The host; "." or "" where the service is decidedly absent."""
        ...


class AddressRecord(Protocol):
    """What is read of an A or AAAA record."""

    @property
    def host(self) -> str:
        """The address as text."""
        ...


DnsRecord = NaptrRecord | SrvRecord | AddressRecord


def plain_name(name: str) -> str | None:
    """`name` in lower case without its final dot; None if no DNS name of ours looks like that."""
    lower = name.lower().removesuffix(".")
    return lower if name.isascii() and _is_name(lower) else None


def plain_address(text: str) -> str | None:
    """A unicast address in its normal form; None for anything else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    scoped = address.version == 6 and address.is_link_local
    if address.is_multicast or address.is_unspecified or scoped:
        return None
    return str(address)


def tls_services(records: Iterable[NaptrRecord]) -> list[str]:
    """The SRV names that NAPTR records give for SIP over TLS, most preferred first.

    Of several orders only the lowest that has a usable record counts (RFC 3403 §4.1). A record
    that leads to anything but a `_sips._tcp` name is not usable, whatever its service says.
    """
    usable = sorted(
        (record.order, record.preference, name)
        for record in records
        if record.service.upper() == SERVICE
        and record.flags.lower() == "s"
        and not record.regexp
        and (name := plain_name(record.replacement)) is not None
        and name.startswith(PREFIX)
    )
    names = [name for order, _, name in usable if order == usable[0][0]]
    return list(dict.fromkeys(names))[:MOST_NAPTR]


def order_srv(records: Sequence[SrvRecord], randomness: Randomness) -> list[SrvRecord]:
    """The records in the order of their trial: by priority, by weighted lot within one (RFC 2782).

    At most MOST_RECORDS of the nearest priorities are kept. Records without weight are shuffled
    first, so that a set that has none shares its load too.
    """
    ordered: list[SrvRecord] = []
    nearest = sorted(records, key=lambda record: record.priority)[:MOST_RECORDS]
    for priority in dict.fromkeys(record.priority for record in nearest):
        left = _shuffled([each for each in nearest if each.priority == priority], randomness)
        left.sort(key=lambda record: record.weight > 0)
        while left:
            ordered.append(left.pop(_lot([record.weight for record in left], randomness)))
    return ordered


def _lot(weights: Sequence[int], randomness: Randomness) -> int:
    drawn = int(fraction(randomness) * (sum(weights) + 1))
    running = 0
    for index, weight in enumerate(weights):
        running += weight
        if running >= drawn:
            return index
    return len(weights) - 1


def _shuffled(records: list[SrvRecord], randomness: Randomness) -> list[SrvRecord]:
    left, shuffled = records.copy(), list[SrvRecord]()
    while left:
        shuffled.append(left.pop(int(fraction(randomness) * len(left))))
    return shuffled
