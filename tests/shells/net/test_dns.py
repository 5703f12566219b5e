"""DNS questions as RFC 3263 needs them, against a real name server on loopback."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dns.message
import dns.rcode
import pytest
from tests.shells.net.dns_server import DnsServer

from offhook.shells.net.dns import (
    MAX_RECORDS,
    AddressRecord,
    Kind,
    NaptrRecord,
    Record,
    Resolver,
    SrvRecord,
)
from offhook.shells.net.errors import LookupFailed

ZONE = """
example.com NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.example.com.
example.com NAPTR 20 50 "s" "SIP+D2U" "" _sip._udp.example.com.
_sips._tcp.example.com SRV 10 60 5061 a.example.com.
_sips._tcp.example.com SRV 5 0 5071 b.example.com.
_sips._tcp.none.example.com SRV 0 0 0 .
a.example.com A 192.0.2.1
a.example.com A 192.0.2.2
a.example.com AAAA 2001:db8::1
alias.example.com CNAME a.example.com.
loop.example.com CNAME pool.example.com.
pool.example.com CNAME loop.example.com.
"""


def asked(kind: Kind, name: str, server: DnsServer | None = None, **more: object) -> list[Record]:
    async def scenario() -> list[Record]:
        async with server or DnsServer(ZONE) as running:
            resolver = Resolver((running.address,), **more)  # type: ignore[arg-type]
            return await resolver.lookup(kind, name)

    return asyncio.run(scenario())


def test_naptr_records() -> None:
    assert set(asked("NAPTR", "example.com")) == {
        NaptrRecord(10, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.com"),
        NaptrRecord(20, 50, "s", "SIP+D2U", "", "_sip._udp.example.com"),
    }


def test_srv_records() -> None:
    assert set(asked("SRV", "_sips._tcp.example.com")) == {
        SrvRecord(10, 60, 5061, "a.example.com"),
        SrvRecord(5, 0, 5071, "b.example.com"),
    }


def test_a_service_decidedly_absent_has_an_empty_target() -> None:
    assert asked("SRV", "_sips._tcp.none.example.com") == [SrvRecord(0, 0, 0, "")]


def test_addresses_of_both_families() -> None:
    assert set(asked("A", "a.example.com")) == {
        AddressRecord("192.0.2.1"),
        AddressRecord("192.0.2.2"),
    }
    assert asked("AAAA", "A.Example.COM.") == [AddressRecord("2001:db8::1")]


def test_an_alias_is_followed() -> None:
    assert len(asked("A", "alias.example.com")) == 2


def test_an_absent_name_and_an_absent_kind_give_nothing() -> None:
    assert asked("A", "absent.example.com") == []
    assert asked("SRV", "a.example.com") == []


def test_the_search_list_is_not_applied() -> None:
    server = DnsServer(ZONE)
    asked("A", "a", server)
    assert [name for name, _, _ in server.questions] == ["a"]


def test_a_long_answer_comes_by_tcp() -> None:
    zone = "".join(f"many.example.com A 192.0.2.{n}\n" for n in range(200))
    server = DnsServer(zone)

    records = asked("A", "many.example.com", server)

    assert [transport for _, _, transport in server.questions] == ["udp", "tcp"]
    assert len(records) == MAX_RECORDS


def test_of_too_many_srv_records_the_preferred_ones_stay() -> None:
    zone = "".join(f"s.example.com SRV {n % 100} 0 5061 t{n}.example.com.\n" for n in range(200))

    records = asked("SRV", "s.example.com", DnsServer(zone))

    assert len(records) == MAX_RECORDS
    assert max(each.priority for each in records if isinstance(each, SrvRecord)) == 31


def refuse(code: dns.rcode.Rcode) -> Callable[[dns.message.Message, bytes], bytes]:
    def mood(response: dns.message.Message, _query: bytes) -> bytes:
        response.answer.clear()
        response.set_rcode(code)
        return response.to_wire()

    return mood


BAD_MOODS: dict[str, Callable[[dns.message.Message, bytes], bytes | None]] = {
    "silence": lambda _response, _query: None,
    "servfail": refuse(dns.rcode.SERVFAIL),
    "refused": refuse(dns.rcode.REFUSED),
    "noise": lambda _response, _query: b"\xff" * 40,
    "cut-short": lambda response, _query: response.to_wire()[:-3],
    "another-id": lambda response, _query: bytes(2) + response.to_wire()[2:],
    "the-question-again": lambda _response, query: query,
    "another-question": lambda _response, query: dns.message.make_response(
        dns.message.make_query("evil.example", "A", id=int.from_bytes(query[:2], "big"))
    ).to_wire(),
}


@pytest.mark.parametrize("mood", BAD_MOODS)
def test_without_a_usable_answer_the_lookup_fails_in_time(mood: str) -> None:
    server = DnsServer(ZONE, BAD_MOODS[mood])

    with pytest.raises(LookupFailed, match=r"A a\.example\.com"):
        asked("A", "a.example.com", server, timeout_s=0.3, try_s=0.1)


def test_a_loop_of_aliases_fails() -> None:
    server = DnsServer(
        ZONE.replace("pool.example.com CNAME loop.example.com.\n", ""),
        lambda response, _query: _looped(response),
    )
    with pytest.raises(LookupFailed):
        asked("A", "loop.example.com", server, timeout_s=0.3, try_s=0.1)


def _looped(response: dns.message.Message) -> bytes:
    response.answer = [
        dns.rrset.from_text("loop.example.com.", 60, "IN", "CNAME", "pool.example.com."),
        dns.rrset.from_text("pool.example.com.", 60, "IN", "CNAME", "loop.example.com."),
    ]
    response.set_rcode(dns.rcode.NOERROR)
    return response.to_wire()


@pytest.mark.parametrize("name", ["a..example.com", "a" * 64 + ".example.com", "a." * 200])
def test_a_name_that_is_none_fails(name: str) -> None:
    with pytest.raises(LookupFailed):
        asked("SRV", name, timeout_s=0.3, try_s=0.1)


def test_the_second_server_is_asked_when_the_first_is_silent() -> None:
    async def scenario() -> list[Record]:
        async with DnsServer(ZONE, BAD_MOODS["silence"]) as one, DnsServer(ZONE) as two:
            resolver = Resolver((one.address, two.address), try_s=0.1)
            return await resolver.lookup("AAAA", "a.example.com")

    assert asyncio.run(scenario()) == [AddressRecord("2001:db8::1")]


def test_several_questions_run_at_once() -> None:
    async def scenario() -> float:
        async with DnsServer(ZONE, BAD_MOODS["silence"]) as server:
            resolver = Resolver((server.address,), timeout_s=0.2, try_s=0.2)
            started = asyncio.get_running_loop().time()
            questions = [resolver.lookup("A", f"{n}.example.com") for n in range(20)]
            outcomes = await asyncio.gather(*questions, return_exceptions=True)
            assert all(isinstance(outcome, LookupFailed) for outcome in outcomes)
            return asyncio.get_running_loop().time() - started

    assert asyncio.run(scenario()) < 2


def unasked(kind: Kind, name: str, hosts: Path) -> list[Record]:
    """The answer of a resolver whose server must not be asked."""
    server = DnsServer(ZONE)
    records = asked(kind, name, server, hosts_file=hosts)
    assert server.questions == []
    return records


HOSTS = """# comment
192.0.2.7  pbx.example.com pbx  # the old one
2001:db8::7 PBX.example.com
nonsense   pbx.example.com
192.0.2.8
"""


def test_the_hosts_file_answers_first(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)

    for name in ("pbx.example.com", "PBX.example.com."):
        assert unasked("A", name, hosts) == [AddressRecord("192.0.2.7")]
        assert unasked("AAAA", name, hosts) == [AddressRecord("2001:db8::7")]
    assert unasked("AAAA", "pbx", hosts) == []


def test_localhost_is_never_asked_for(tmp_path: Path) -> None:
    nothing = tmp_path / "absent"

    assert unasked("A", "localhost", nothing) == [AddressRecord("127.0.0.1")]
    assert unasked("AAAA", "x.LOCALHOST.", nothing) == [AddressRecord("::1")]


def test_a_numeric_address_is_its_own_answer(tmp_path: Path) -> None:
    nothing = tmp_path / "absent"

    assert unasked("A", "192.0.2.1", nothing) == [AddressRecord("192.0.2.1")]
    assert unasked("AAAA", "192.0.2.1", nothing) == []
    assert unasked("AAAA", "2001:db8::1", nothing) == [AddressRecord("2001:db8::1")]


def test_srv_is_not_answered_by_the_hosts_file(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.7 _sips._tcp.example.com\n")

    assert len(asked("SRV", "_sips._tcp.example.com", hosts_file=hosts)) == 2


def test_a_server_that_is_not_there_fails() -> None:
    async def scenario() -> None:
        async with DnsServer() as server:
            address = server.address
        await Resolver((address,), timeout_s=0.3, try_s=0.1).lookup("A", "a.example.com")

    with pytest.raises(LookupFailed):
        asyncio.run(scenario())


def test_dnspython_is_imported_at_the_first_question_only() -> None:
    program = """
import sys
import offhook.shells.net.dns, offhook.shells.net.tls
assert not [name for name in sys.modules if name.partition(".")[0] == "dns"]
import asyncio
from offhook.base.vocabulary import PathAddress
from offhook.shells.net.dns import Resolver
resolver = Resolver((PathAddress("127.0.0.1", 1),))
assert asyncio.run(resolver.lookup("A", "192.0.2.1"))
assert "dns" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, check=True
    )
