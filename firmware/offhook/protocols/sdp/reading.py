"""What a peer's audio section says of its path (RFC 3264 §5 and §6, RFC 3605).

Offer and answer are checked by the same functions.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from offhook.base.vocabulary import PathAddress
from offhook.protocols.sdp.attributes import read_ms, read_rtcp
from offhook.protocols.sdp.errors import Unacceptable
from offhook.protocols.sdp.policy import PTIMES_MS

if TYPE_CHECKING:
    from offhook.protocols.sdp.records import Connection, MediaDescription, SessionDescription


def is_unspecified(address: PathAddress) -> bool:
    """Whether the address stands for nowhere: 0.0.0.0 or ::."""
    return ipaddress.ip_address(address.host).is_unspecified


def read_remote(session: SessionDescription, media: MediaDescription) -> PathAddress:
    """Where the peer receives RTP. Raises Unacceptable."""
    if media.port == 0:
        raise Unacceptable("port", "The audio stream has port 0: it is not wanted.")
    if media.port_count > 1:
        raise Unacceptable("port", "The audio stream wants several ports at once.")
    return PathAddress(_host(session.connection_of(media)), media.port)


def read_remote_rtcp(media: MediaDescription, remote: PathAddress) -> PathAddress:
    """Where the peer receives RTCP when it has a port of its own. Raises Unacceptable."""
    port, connection = read_rtcp(media) or (remote.port + 1, None)
    if not 0 < port <= 65_535:
        raise Unacceptable("port", "There is no usable port for RTCP.")
    host = remote.host if connection is None else _host(connection)
    return PathAddress(host, port)


def check_family(local: PathAddress, *remotes: PathAddress | None) -> None:
    """Raises Unacceptable where we can't send from `local` to a remote address."""
    for remote in remotes:
        if remote is None or is_unspecified(remote):
            continue
        if (":" in remote.host) != (":" in local.host):
            raise Unacceptable(
                "address-family", "The other side's address is of another IP version than ours."
            )


def read_ptime(media: MediaDescription, wish_ms: int) -> int:
    """How many ms of speech to put in a packet.

    The peer's wish if it can be met, else ours, and neither beyond its `a=maxptime`.
    """
    longest = read_ms(media, "maxptime") or PTIMES_MS[-1]
    asked = read_ms(media, "ptime") or wish_ms
    ptime = asked if asked in PTIMES_MS else wish_ms
    fitting = [each for each in PTIMES_MS if each <= min(ptime, longest)]
    return fitting[-1] if fitting else PTIMES_MS[0]


def _host(connection: Connection | None) -> str:
    if connection is None:
        raise Unacceptable("address", "The audio stream has no address.")
    address = connection.unicast()
    if address is None:
        raise Unacceptable(
            "address", "The audio stream's address is no plain IP address to send to."
        )
    return str(address)
