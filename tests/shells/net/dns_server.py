"""A small real name server on loopback, by UDP and TCP, with a bad mood where one is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from offhook.base.vocabulary import PathAddress

Mood = Callable[[dns.message.Message, bytes], bytes | None]
"""From the honest answer and the question's octets to what is sent; None for silence."""


class DnsServer(asyncio.DatagramProtocol):
    """Answers from `zone`, a text in master-file form, within `async with`."""

    def __init__(self, zone: str = "", mood: Mood | None = None) -> None:
        self.questions: list[tuple[str, str, str]] = []
        """Each question's name, type and transport."""
        self._mood = mood
        self._sets: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        for line in zone.strip().splitlines():
            name, kind, value = line.split(None, 2)
            added = dns.rrset.from_text(f"{name}.", 60, "IN", kind, value)
            key = (added.name, added.rdtype)
            if key in self._sets:
                self._sets[key].add(added[0])
            else:
                self._sets[key] = added

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._serve_tcp, "127.0.0.1", 0)
        self.address = PathAddress(*self._server.sockets[0].getsockname())
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=self.address
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()
        self._server.close()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        answer = self._answer(data, "udp")
        if answer is not None:
            self._transport.sendto(answer, address)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        answer = self._answer(await reader.readexactly(length), "tcp")
        if answer is not None:
            writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()
        await writer.wait_closed()

    def _answer(self, data: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        self.questions.append(
            (
                question.name.to_text(omit_final_dot=True),
                dns.rdatatype.to_text(question.rdtype),
                transport,
            )
        )
        response = dns.message.make_response(query)
        name = question.name
        while alias := self._sets.get((name, dns.rdatatype.CNAME)):
            response.answer.append(alias)
            name = alias[0].target
        found = self._sets.get((name, question.rdtype))
        if found is not None:
            response.answer.append(found)
        elif not any(known == name for known, _ in self._sets):
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self._mood is not None:
            return self._mood(response, data)
        octets = response.to_wire(max_size=65_535)
        if transport == "udp" and len(octets) > query.payload:
            response.answer.clear()
            response.flags |= dns.flags.TC
            octets = response.to_wire()
        return octets
