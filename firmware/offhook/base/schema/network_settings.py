"""How a phone joins the network before it has any other settings: wired, Wi-Fi, 802.1X."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from offhook.base.schema.fields import HostName, IpAddress, ipaddress_or_none
from offhook.base.schema.secret_source import SecretSource
from offhook.base.schema.section import Defect, Section, key

VlanId = Annotated[
    int, msgspec.Meta(ge=1, le=4094, extra={"expects": "a VLAN's number, 1 to 4094"})
]


class WiredNetwork(Section, frozen=True):
    """The Ethernet socket."""

    address: Annotated[
        str | None,
        key(
            "A fixed address with its prefix. Left out: DHCP.",
            example="192.0.2.7/24",
            expects="an IP address with its prefix length",
        ),
    ] = None
    gateway: Annotated[
        IpAddress | None, key("The router, with a fixed address.", example="192.0.2.1")
    ] = None
    dns: Annotated[
        tuple[IpAddress, ...],
        key("Name servers, with a fixed address.", example=["192.0.2.1"], max_length=4),
    ] = ()
    vlan: Annotated[
        VlanId | None,
        key("The VLAN of voice, where it is fixed (IEEE 802.1Q).", example=20),
    ] = None
    lldp_med: Annotated[
        bool,
        key("Take the voice VLAN that the switch tells by LLDP-MED (ANSI/TIA-1057).", example=True),
    ] = False
    radius_name: Annotated[
        HostName | None,
        key(
            "Join by 802.1X with EAP-TLS and the phone's own certificate; the name that the RADIUS "
            "server's certificate must prove. Left out: no 802.1X.",
            example="radius.example.com",
        ),
    ] = None

    def check(self) -> Iterator[Defect]:
        """A fixed address is one, with what belongs to it; one way to a VLAN."""
        if self.address is None:
            for name in ("gateway", "dns"):
                if getattr(self, name):
                    yield Defect(
                        name,
                        getattr(self, name),
                        "nothing, as DHCP tells it",
                        'Take it out, or add a fixed address: address = "192.0.2.7/24".',
                    )
        elif not _is_interface(self.address):
            yield Defect(
                "address",
                self.address,
                "an IP address with its prefix length",
                'Write for instance address = "192.0.2.7/24".',
            )
        else:
            yield from self._fixed()
        if self.vlan is not None and self.lldp_med:
            yield Defect(
                "lldp_med",
                self.lldp_med,
                "false, as vlan is fixed",
                "Take one of the two out.",
            )

    def _fixed(self) -> Iterator[Defect]:
        if self.gateway is None or ipaddress_or_none(self.gateway) is None:
            yield Defect(
                "gateway",
                self.gateway,
                "the router's IP address",
                'Write for instance gateway = "192.0.2.1".',
            )
        if not self.dns or any(ipaddress_or_none(each) is None for each in self.dns):
            yield Defect(
                "dns",
                list(self.dns),
                "name servers' IP addresses",
                'Write for instance dns = ["192.0.2.1"].',
            )


class WifiNetwork(Section, frozen=True):
    """A wireless network; open ones and WEP have no place here."""

    ssid: Annotated[str, key("The network's name.", example="Office", min_length=1, max_length=32)]
    country: Annotated[
        str,
        key(
            "Where the phone stands, for the rules of the air (ISO 3166-1).",
            example="DE",
            pattern=r"^[A-Z]{2}\Z",
            expects="two capital letters",
        ),
    ]
    security: Annotated[
        Literal["wpa2-personal", "wpa3-personal", "enterprise"],
        key(
            'A shared passphrase, or "enterprise": EAP-TLS with the phone\'s own certificate, '
            "which it gets only once it is enrolled by wire.",
            example="wpa3-personal",
        ),
    ] = "wpa3-personal"
    passphrase: Annotated[
        SecretSource | None,
        key(
            "Which secret is the passphrase. It lies readable on the card until the first start.",
            example={"file": "secrets/wifi"},
        ),
    ] = None
    radius_name: Annotated[
        HostName | None,
        key(
            "With enterprise: the name that the RADIUS server's certificate must prove.",
            example="radius.example.com",
        ),
    ] = None

    def check(self) -> Iterator[Defect]:
        """A passphrase or a RADIUS name, as `security` says."""
        enterprise = self.security == "enterprise"
        if enterprise == (self.passphrase is not None):
            yield Defect(
                "passphrase",
                {} if self.passphrase else None,
                "nothing, with enterprise" if enterprise else "which secret it is",
                "Take it out." if enterprise else 'Add passphrase = { file = "secrets/wifi" }.',
            )
        if enterprise == (self.radius_name is None):
            yield Defect(
                "radius_name",
                self.radius_name,
                "the RADIUS server's name" if enterprise else "nothing, with a passphrase",
                'Add radius_name = "radius.example.com".' if enterprise else "Take it out.",
            )


class NetworkSettings(Section, frozen=True):
    """How the phone joins the network."""

    wired: Annotated[WiredNetwork, key("The Ethernet socket.", example={"vlan": 20})] = (
        WiredNetwork()
    )
    wifi: Annotated[
        WifiNetwork | None, key("A wireless network.", example={"ssid": "Office", "country": "DE"})
    ] = None

    @property
    def secret_names(self) -> frozenset[str]:
        """Names of the secrets that joining needs."""
        wifi = self.wifi
        if wifi is None or wifi.passphrase is None:
            return frozenset()
        return frozenset({(wifi.passphrase.file or "").removeprefix("secrets/")})


def _is_interface(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text
