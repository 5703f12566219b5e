"""Candidates behind a name under `.local`, asked of the own network by mDNS (RFC 6762 §3, §6).

For browsers that hide their address so; only where policy allows it.
"""

from __future__ import annotations

import asyncio
import copy
import socket
from typing import Any, Final, cast

import dns.exception
from aioice import Candidate
from aioice.mdns import MDNS_ADDRESS, MDNS_PORT, MDnsProtocol

from offhook.shells.net.candidates import is_local_name

MAX_NAMES: Final = 4
"""Of one peer, that are asked for."""
ANSWER_S: Final = 1.0


class _Asker(MDnsProtocol):
    """aioice's asker, deaf to what is no answer of an mDNS responder."""

    def __init__(self) -> None:
        super().__init__(asyncio.DatagramTransport())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.tx_transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        if addr[1] != MDNS_PORT:
            return
        try:
            super().datagram_received(data, addr)
        except (dns.exception.DNSException, ValueError, OSError):
            return


async def resolved(told: list[Candidate], local_host: str) -> list[Candidate]:
    """The candidates, with the address where a name was answered for; others as they were.

    Asks on the network of the IPv4 address `local_host`, for no longer than ANSWER_S.
    """
    names = list(dict.fromkeys(each.host for each in told if is_local_name(each.host)))[:MAX_NAMES]
    if not names:
        return told
    try:
        asking = _listening(local_host)
    except OSError:
        return told
    _, asker = await asyncio.get_running_loop().create_datagram_endpoint(_Asker, sock=asking)
    try:
        answers = await asyncio.gather(*(asker.resolve(name, ANSWER_S) for name in names))
    finally:
        await asker.close()
    found = {name: answer for name, answer in zip(names, answers, strict=True) if answer}
    return [_at(found[each.host], each) if each.host in found else each for each in told]


def _at(host: str, candidate: Candidate) -> Candidate:
    moved = copy.copy(candidate)
    moved.host = host
    return moved


def _listening(local_host: str) -> socket.socket:
    here = socket.inet_aton(local_host)
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        group = socket.inet_aton(MDNS_ADDRESS)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + here)
        made.bind((MDNS_ADDRESS, MDNS_PORT))
    except OSError:
        made.close()
        raise
    return made
