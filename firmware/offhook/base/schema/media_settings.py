"""How speech travels: the [media] of the settings, and the servers that ICE may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from offhook.base.errors import LocalError
from offhook.base.schema.fields import (
    Dscp,
    FilePath,
    HostName,
    Text,
    ipaddress_or_none,
    split_host_port,
)
from offhook.base.schema.secret_source import SecretSource
from offhook.base.schema.section import Defect, Section, key

STUN_PORT: Final = 3478
TURNS_PORT: Final = 5349
"""RFC 8656 §5: where a relay takes TLS."""


class Turn(Section, frozen=True):
    """A relay for media, spoken to by TLS alone (RFC 8656 §2.1). It can't hear what it passes."""

    server: Annotated[
        str,
        key(
            f"The relay's IP address, with :PORT where it isn't {TURNS_PORT}.",
            example=f"192.0.2.3:{TURNS_PORT}",
            expects=f"an IP address, with :PORT where it isn't {TURNS_PORT}",
        ),
    ]
    name: Annotated[
        HostName,
        key("The name that the relay's certificate must prove.", example="turn.example.com"),
    ]
    user: Annotated[Text, key("The user name at the relay.", example="desk7")]
    password: Annotated[
        SecretSource,
        key(
            "Where the password at the relay is kept.",
            example={"file": "/etc/offhook/secrets/turn"},
        ),
    ]
    anchors: Annotated[
        tuple[FilePath, ...],
        key(
            "Files with the CA certificates (PEM) that the relay's certificate must lead to: those "
            "of its CA alone, at most 8 KiB in all. Left out, those of [trust].",
            example=["/etc/offhook/turn-ca.pem"],
        ),
    ] = ()

    def check(self) -> Iterator[Defect]:
        """`server` is an address: a relay is not looked up by name."""
        yield from _address_defects("server", self.server, TURNS_PORT)


class Media(Section, frozen=True):
    """How speech travels. Suites and codecs belong to the trunk profile."""

    local_host: Annotated[
        str | None,
        key(
            "The local address for RTP. Left out, the one that the TLS flow has.",
            example="192.0.2.7",
            expects="an IP address of this device",
        ),
    ] = None
    dscp: Annotated[
        Dscp, key("DSCP mark of voice packets; 46 is EF, expedited forwarding.", example=46)
    ] = 46
    ice: Annotated[
        bool,
        key(
            "Find the way of media by ICE (RFC 8445) where the other side has it too; browsers "
            "ask for it.",
            example=True,
        ),
    ] = False
    stun_server: Annotated[
        str | None,
        key(
            "Who tells the phone how it looks from outside its network: an IP address, with :PORT "
            f"where it isn't {STUN_PORT}. Only `ice` asks it.",
            example=f"192.0.2.3:{STUN_PORT}",
            expects=f"an IP address, with :PORT where it isn't {STUN_PORT}",
        ),
    ] = None
    turn: Annotated[
        Turn | None,
        key(
            "Who passes media on where there is no other way, as [media.turn]. Only `ice` asks it.",
            example={"server": "192.0.2.3", "name": "turn.example.com"},
        ),
    ] = None
    local_names: Annotated[
        bool,
        key(
            "Ask the own network for the `.local` names by which browsers hide their addresses "
            "(RFC 6762). Anybody in it may answer; only who is called proves it. Only `ice` asks, "
            "and not on the card's image: its packet filter lets no answer in.",
            example=True,
        ),
    ] = False

    def check(self) -> Iterator[Defect]:
        """Addresses are no names, and what only ICE asks is there with ICE."""
        if self.local_host is not None and ipaddress_or_none(self.local_host) is None:
            yield Defect(
                "local_host",
                self.local_host,
                "an IP address of this device",
                'Write for instance local_host = "192.0.2.7", or leave the key out.',
            )
        if self.stun_server is not None:
            yield from _address_defects("stun_server", self.stun_server, STUN_PORT)
        idle = [name for name in ("stun_server", "turn", "local_names") if getattr(self, name)]
        if idle and not self.ice:
            names = " and ".join(idle)
            yield Defect(
                "ice",
                self.ice,
                f"true, for {names} to be of use",
                f"Write ice = true, or take {names} out.",
            )


def _address_defects(name: str, value: str, port: int) -> Iterator[Defect]:
    try:
        host, _ = split_host_port(value)
    except LocalError:
        host = ""
    if ipaddress_or_none(host) is None:
        yield Defect(
            name,
            value,
            f"an IP address, with :PORT where it isn't {port}",
            f'Write for instance {name} = "192.0.2.3:{port}", an IPv6 address in brackets.',
        )
