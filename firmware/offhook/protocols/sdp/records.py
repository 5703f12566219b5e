"""A session description as data (RFC 8866 §5): frozen, and silent about the keys it carries."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from offhook.base.secret import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offhook.base.randomness import Randomness

SECRET_ATTRIBUTES: Final = frozenset({"crypto", "key-mgmt", "ice-pwd"})
"""Attributes whose values hold keys or passwords (RFC 4568, RFC 4567, RFC 8839)."""


def address_type(host: str) -> str:
    """`IP6` for an IPv6 address in text form, `IP4` for anything else."""
    return "IP6" if ":" in host else "IP4"


@dataclass(frozen=True, slots=True, repr=False)
class Attribute:
    """One `a=` line: a property has no value. repr() hides what could be a key."""

    name: str
    value: str | None = None

    def __repr__(self) -> str:
        shown = SHOWN if self.name.lower() in SECRET_ATTRIBUTES else repr(self.value)
        return f"Attribute({self.name!r}, {shown})"


@dataclass(frozen=True, slots=True)
class Origin:
    """The `o=` line (RFC 8866 §5.2): the session's identity, and which version of it this is."""

    session_id: int
    version: int
    address: str
    """IPv6 without brackets; stays what it was even if media moves (RFC 3264 §8)."""
    username: str = "-"

    @classmethod
    def fresh(cls, randomness: Randomness, address: str) -> Self:
        """A new session's origin: a random identity that says nothing of clock or user."""
        return cls(int.from_bytes(randomness.octets(6), "big"), 1, address)

    def raised(self) -> Self:
        """The same session one version later (RFC 3264 §8)."""
        return replace(self, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Connection:
    """A `c=` line (RFC 8866 §5.7) as written; what it is worth is judged where it is used."""

    network: str
    address_type: str
    address: str

    @classmethod
    def to(cls, host: str) -> Self:
        """The line for an IP address in text form."""
        return cls("IN", address_type(host), host)

    def unicast(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The numeric unicast (or unspecified) address, or None where it is anything else."""
        if self.network != "IN" or "%" in self.address:
            return None
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return None
        if self.address_type != f"IP{address.version}" or address.is_multicast:
            return None
        return None if str(address) == "255.255.255.255" else address


class _HasAttributes:
    __slots__ = ()

    attributes: tuple[Attribute, ...]

    def values(self, name: str) -> Iterator[str]:
        """The values of every attribute of that name, in order; a property's value is ''."""
        return (each.value or "" for each in self.attributes if each.name == name)

    def value(self, name: str) -> str | None:
        """The first value of that name, or None where the attribute is absent."""
        return next(self.values(name), None)

    def has(self, name: str) -> bool:
        """Whether the attribute is there, with a value or without."""
        return self.value(name) is not None


@dataclass(frozen=True, slots=True)
class MediaDescription(_HasAttributes):
    """One `m=` section (RFC 8866 §5.14)."""

    media: str
    port: int
    profile: str
    """The transport protocol's name ("RTP/SAVP"): only a name, for keys are in the attributes."""
    formats: tuple[str, ...]
    attributes: tuple[Attribute, ...] = ()
    connection: Connection | None = None
    port_count: int = 1
    has_key_field: bool = False
    """A `k=` line was there (obsolete, RFC 8866 §5.12); its value is not kept."""


@dataclass(frozen=True, slots=True)
class SessionDescription(_HasAttributes):
    """A whole description (RFC 8866 §5)."""

    origin: Origin
    media: tuple[MediaDescription, ...]
    connection: Connection | None = None
    attributes: tuple[Attribute, ...] = ()
    name: str = "-"
    timing: str = "0 0"
    """The first `t=` line's value; an answer repeats it (RFC 3264 §6)."""
    has_key_field: bool = False

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """The media section's own `c=` line, else the session's (RFC 8866 §5.7)."""
        return media.connection or self.connection
