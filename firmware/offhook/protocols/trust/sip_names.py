"""Which SIP domains a certificate speaks for (RFC 5922 §7.1, §7.2)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from offhook.protocols.trust.refusal import ChainRefused

SIP_URI: Final = re.compile(
    r"""sip:(?P<userinfo>[^@]*@)?
        (?P<host>\[[0-9a-f:.]+\] | [0-9a-z._-]+)
        (?: :[0-9]{1,5})?
        (?: [;?] .* )?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL | re.ASCII,
)
LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
MAX_NAME_OCTETS: Final = 253
MAX_NAMES: Final = 1000


@dataclass(frozen=True, slots=True)
class SipIdentities:
    """The candidates in one subjectAltName: hosts of `sip:` URIs, and DNS names as written."""

    uri_hosts: tuple[str, ...]
    dns_names: tuple[str, ...]


def ascii_lower(text: str) -> str:
    """Lower case as the DNS understands it (RFC 4343 §3): A to Z only."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def is_dns_name(name: str) -> bool:
    """Whether lower-case `name` is a host name in the letters-digits-hyphen form."""
    if not name or len(name) > MAX_NAME_OCTETS:
        return False
    return all(LABEL.fullmatch(label) for label in name.split("."))


def canonical_service_name(name: str) -> str:
    """`name` in lower case; a numeric address in its shortest form.

    Raises ChainRefused("service-name") for anything that is neither a host name in ASCII
    (A-labels, no trailing dot) nor an IP address.
    """
    lowered = ascii_lower(name)
    try:
        return str(ipaddress.ip_address(lowered))
    except ValueError:
        pass
    if not is_dns_name(lowered):
        raise ChainRefused(
            "service-name",
            f"the service name {name!r} is no host name that a certificate could be checked for",
        )
    return lowered


def sip_identities(names: tuple[x509.GeneralName, ...]) -> SipIdentities:
    """Sort the values of a subjectAltName as RFC 5922 §7.1 asks; other types are passed over."""
    hosts = []
    dns = []
    for name in names:
        if isinstance(name, x509.UniformResourceIdentifier):
            uri = SIP_URI.fullmatch(name.value)
            if uri and uri["userinfo"] is None:
                hosts.append(ascii_lower(uri["host"]).strip("[]"))
        elif isinstance(name, x509.DNSName):
            dns.append(name.value)
    return SipIdentities(tuple(hosts), tuple(dns))


def match_service(
    names: tuple[x509.GeneralName, ...] | None, service_name: str, *, wildcard_allowed: bool
) -> tuple[str, str]:
    """The rule that accepts and the name that matched canonical `service_name`.

    Raises ChainRefused with the rule that stands against it.
    """
    if names is None:
        raise ChainRefused(
            "cn-only",
            "the certificate has no subjectAltName; a common name is no SIP identity",
        )
    if len(names) > MAX_NAMES:
        raise ChainRefused("malformed", f"the certificate has more than {MAX_NAMES} names")
    identities = sip_identities(names)
    if identities.uri_hosts:
        return _match_uri(identities.uri_hosts, service_name)
    if identities.dns_names:
        return _match_dns(identities.dns_names, service_name, wildcard_allowed=wildcard_allowed)
    if all(isinstance(name, x509.IPAddress) for name in names):
        raise ChainRefused(
            "ip-san-only", f"the certificate names IP addresses only, not {service_name!r}"
        )
    raise ChainRefused(
        "no-identity", "no name in the certificate's subjectAltName is a SIP domain identity"
    )


def _match_uri(hosts: tuple[str, ...], service_name: str) -> tuple[str, str]:
    for host in hosts:
        if host == service_name or _same_address(host, service_name):
            return "uri-san", host
    raise ChainRefused(
        "uri-san-mismatch",
        f"the certificate is for sip:{_few(hosts)}, not for {service_name!r}; "
        "beside a sip: URI its DNS names do not count (RFC 5922)",
    )


def _match_dns(
    names: tuple[str, ...], service_name: str, *, wildcard_allowed: bool
) -> tuple[str, str]:
    lowered = tuple(map(ascii_lower, names))
    if service_name in lowered and is_dns_name(service_name) and not _is_address(service_name):
        return "dns-san", service_name
    for name in lowered:
        if _wildcard_covers(name, service_name):
            if wildcard_allowed:
                return "dns-san-wildcard", name
            raise ChainRefused(
                "wildcard",
                f"only the wildcard {name!r} would cover {service_name!r}; RFC 5922 forbids "
                "wildcards and this trunk's profile does not allow them",
            )
    raise ChainRefused(
        "name-mismatch", f"the certificate is for {_few(names)}, not for {service_name!r}"
    )


def _wildcard_covers(pattern: str, service_name: str) -> bool:
    star, _, parent = pattern.partition(".")
    _, _, service_parent = service_name.partition(".")
    return star == "*" and "." in parent and is_dns_name(parent) and parent == service_parent


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _same_address(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(ascii(name[:80])[1:-1] for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
