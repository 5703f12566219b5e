"""RFC 3263 and RFC 2782 for a client that knows TLS alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.sip.locate import DnsFailed, DnsQuery, Locator, Target
from offhook.protocols.sip.locate_records import DnsRecord, tls_services


class Naptr(NamedTuple):
    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str


class Srv(NamedTuple):
    priority: int
    weight: int
    port: int
    target: str


class Host(NamedTuple):
    host: str


RFC_3263 = [
    Naptr(90, 50, "s", "SIP+D2T", "", "_sip._tcp.example.com"),
    Naptr(50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.com."),
    Naptr(100, 50, "s", "SIP+D2U", "", "_sip._udp.example.com"),
]
SRV_NAME = DnsQuery("SRV", "_sips._tcp.example.com")


@dataclass
class Zone:
    """A DNS that remembers what it was asked."""

    records: dict[DnsQuery, list[DnsRecord] | DnsFailed]
    asked: list[DnsQuery] = field(default_factory=list)

    def __call__(self, locator: Locator) -> list[Target]:
        for _ in range(1000):
            query = locator.next_query()
            if query is None:
                break
            self.asked.append(query)
            locator.answer(query, self.records.get(query, []))
        assert locator.finished
        return locator.targets()


def naptr(name: str, *records: Naptr) -> dict[DnsQuery, list[DnsRecord] | DnsFailed]:
    return {DnsQuery("NAPTR", name): list(records)}


def srv(name: str, *records: Srv) -> dict[DnsQuery, list[DnsRecord] | DnsFailed]:
    return {DnsQuery("SRV", name): list(records)}


def hosts(**names: str) -> dict[DnsQuery, list[DnsRecord] | DnsFailed]:
    """Addresses by host; an underscore in a keyword stands for a dot."""
    found: dict[DnsQuery, list[DnsRecord] | DnsFailed] = {}
    for name, addresses in names.items():
        for text in addresses.split():
            query = DnsQuery("AAAA" if ":" in text else "A", name.replace("_", "."))
            held = found.setdefault(query, [])
            assert isinstance(held, list)
            held.append(Host(text))
    return found


def locator(domain: str = "example.com", port: int | None = None, seed: str = "l") -> Locator:
    return Locator(domain, port, SeededRandomness(seed))


class TestWithoutQuestions:
    @pytest.mark.parametrize(
        ("domain", "address"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:DB8:0::1]", "2001:db8::1"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
        ],
    )
    @pytest.mark.parametrize(("port", "reached"), [(None, 5061), (5071, 5071)])
    def test_a_numeric_host_is_taken_as_it_is(
        self, domain: str, address: str, port: int | None, reached: int
    ) -> None:
        found = locator(domain, port)
        assert found.next_query() is None
        assert found.finished
        assert found.next_target() == Target(address, address, reached)
        assert found.next_target() is None
        assert found.service_name == address

    @pytest.mark.parametrize(
        "domain",
        [
            "",
            ".",
            "a b",
            "a..b",
            "-" * 64,
            "x." * 130,
            "ex\u00e4mple.com",
            "\u212a.com",
            "1.2.3",
            "example.1",
            "a\x00b",
            "a\nb",
            "0.0.0.0",  # noqa: S104  # refused, not listened on
            "::",
            "224.0.0.1",
            "ff02::1",
            "fe80::1",
        ],
    )
    def test_what_can_be_no_server_is_our_callers_fault(self, domain: str) -> None:
        with pytest.raises(LocalError):
            locator(domain)

    @pytest.mark.parametrize("port", [0, -1, 65536])
    def test_so_is_a_port_that_is_none(self, port: int) -> None:
        with pytest.raises(LocalError):
            locator(port=port)


class TestQuestions:
    def test_naptr_then_srv_then_addresses(self) -> None:
        zone = Zone(
            naptr("example.com", *RFC_3263)
            | srv("_sips._tcp.example.com", Srv(0, 1, 5063, "Edge.Example.com."))
            | hosts(edge_example_com="192.0.2.1 2001:db8::1")
        )
        found = zone(locator())
        assert [(q.kind, q.name) for q in zone.asked] == [
            ("NAPTR", "example.com"),
            ("SRV", "_sips._tcp.example.com"),
            ("AAAA", "edge.example.com"),
            ("A", "edge.example.com"),
        ]
        assert found == [
            Target("edge.example.com", "2001:db8::1", 5063),
            Target("edge.example.com", "192.0.2.1", 5063),
        ]

    def test_the_families_may_be_chosen(self) -> None:
        zone = Zone(hosts(example_com="192.0.2.1 2001:db8::1"))
        only4 = Locator("example.com", 5061, SeededRandomness(1), families=("A",))
        assert [target.address for target in zone(only4)] == ["192.0.2.1"]
        for families in ((), ("SRV",)):
            with pytest.raises(LocalError):
                Locator("example.com", None, SeededRandomness(1), families=families)

    def test_an_explicit_port_asks_for_addresses_alone(self) -> None:
        zone = Zone(
            hosts(example_com="192.0.2.9")
            | srv("_sips._tcp.example.com", Srv(0, 0, 5063, "edge.example.com"))
        )
        assert zone(locator(port=5071)) == [Target("example.com", "192.0.2.9", 5071)]
        assert {query.kind for query in zone.asked} == {"A", "AAAA"}

    def test_without_naptr_the_domains_own_srv_is_asked(self) -> None:
        zone = Zone(
            srv("_sips._tcp.example.com", Srv(0, 0, 5061, "edge.example.com"))
            | hosts(edge_example_com="192.0.2.1")
        )
        assert zone(locator()) == [Target("edge.example.com", "192.0.2.1", 5061)]

    def test_without_srv_the_domain_itself_is_asked(self) -> None:
        zone = Zone(hosts(example_com="192.0.2.1"))
        assert zone(locator()) == [Target("example.com", "192.0.2.1", 5061)]
        assert [query.kind for query in zone.asked] == ["NAPTR", "SRV", "AAAA", "A"]

    def test_an_empty_naptr_target_falls_back_to_the_domains_own_srv(self) -> None:
        zone = Zone(
            naptr("example.com", Naptr(1, 1, "s", "SIPS+D2T", "", "_sips._tcp.elsewhere.net"))
            | srv("_sips._tcp.example.com", Srv(0, 0, 5061, "edge.example.com"))
            | hosts(edge_example_com="192.0.2.1")
        )
        assert len(zone(locator())) == 1
        assert DnsQuery("SRV", "_sips._tcp.elsewhere.net") in zone.asked

    def test_several_questions_may_be_open_at_once(self) -> None:
        found = locator(port=5061)
        first, second = found.next_query(), found.next_query()
        assert first is not None
        assert second is not None
        assert found.next_query() is None
        assert not found.finished
        with pytest.raises(LocalError):
            found.next_target()
        found.answer(second, [Host("192.0.2.1")])
        found.answer(first, [])
        assert found.next_target() == Target("example.com", "192.0.2.1", 5061)

    def test_an_answer_to_no_question_is_our_callers_fault(self) -> None:
        found = locator()
        with pytest.raises(LocalError):
            found.answer(DnsQuery("A", "example.com"), [])
        query = found.next_query()
        assert query is not None
        found.answer(query, [])
        with pytest.raises(LocalError):
            found.answer(query, [])

    def test_a_failing_dns_is_remembered_and_worked_around(self) -> None:
        zone = Zone(hosts(example_com="192.0.2.1"))
        zone.records[DnsQuery("NAPTR", "example.com")] = DnsFailed("no answer in 5 s")
        zone.records[SRV_NAME] = DnsFailed("SERVFAIL")
        found = locator()
        assert len(zone(found)) == 1
        assert found.problems == ("no answer in 5 s", "SERVFAIL")

    def test_no_answer_at_all_gives_no_target_and_the_reasons(self) -> None:
        found = locator()
        while (query := found.next_query()) is not None:
            found.answer(query, DnsFailed(f"{query.kind} failed"))
        assert found.next_target() is None
        assert found.problems == ("NAPTR failed", "SRV failed", "AAAA failed", "A failed")


class TestServices:
    def test_the_example_of_rfc_3263(self) -> None:
        assert tls_services(RFC_3263) == ["_sips._tcp.example.com"]

    def test_order_decides_before_preference(self) -> None:
        records = [
            Naptr(20, 1, "s", "SIPS+D2T", "", "_sips._tcp.late.com"),
            Naptr(10, 9, "s", "SIPS+D2T", "", "_sips._tcp.second.com"),
            Naptr(10, 2, "S", "sips+d2t", "", "_SIPS._tcp.First.com."),
            Naptr(1, 1, "s", "SIP+D2U", "", "_sip._udp.example.com"),
        ]
        assert tls_services(records) == ["_sips._tcp.first.com", "_sips._tcp.second.com"]

    @pytest.mark.parametrize(
        "record",
        [
            Naptr(1, 1, "s", "SIP+D2U", "", "_sip._udp.example.com"),
            Naptr(1, 1, "s", "SIP+D2T", "", "_sip._tcp.example.com"),
            Naptr(1, 1, "s", "SIP+D2T", "", "_sips._tcp.example.com"),
            Naptr(1, 1, "s", "SIPS+D2U", "", "_sips._udp.example.com"),
            Naptr(1, 1, "s", "SIPS+D2S", "", "_sips._sctp.example.com"),
            Naptr(1, 1, "s", "SIP+D2W", "", "_sip._ws.example.com"),
            Naptr(1, 1, "s", "SIPS+D2W", "", "_sips._ws.example.com"),
            Naptr(1, 1, "s", "SIPS+D2T", "", "_sip._tcp.example.com"),
            Naptr(1, 1, "s", "SIPS+D2T", "", "_sip._udp.example.com"),
            Naptr(1, 1, "s", "SIPS+D2T", "", "example.com"),
            Naptr(1, 1, "a", "SIPS+D2T", "", "_sips._tcp.example.com"),
            Naptr(1, 1, "u", "SIPS+D2T", "", "_sips._tcp.example.com"),
            Naptr(1, 1, "", "SIPS+D2T", "", "_sips._tcp.example.com"),
            Naptr(1, 1, "s", "SIPS+D2T", "!.*!_sips._tcp.evil!", "_sips._tcp.example.com"),
            Naptr(1, 1, "s", "E2U+sip", "!^.*$!sip:evil@example.com!", ""),
            Naptr(1, 1, "s", "SIPS+D2T", "", ""),
            Naptr(1, 1, "s", "SIPS+D2T", "", "_sips._tcp.a b"),
            Naptr(1, 1, "s", "SIPS+D2T", "", "_sips._tcp." + "a" * 64),
        ],
        ids=str,
    )
    def test_nothing_but_tls_over_tcp_is_chosen(self, record: Naptr) -> None:
        assert tls_services([record]) == []
        zone = Zone(naptr("example.com", record) | hosts(example_com="192.0.2.1"))
        assert [target.port for target in zone(locator())] == [5061]
        services = [query.name for query in zone.asked if query.kind == "SRV"]
        assert services == ["_sips._tcp.example.com"]

    @pytest.mark.parametrize("target", [".", ""])
    def test_a_service_that_is_decidedly_absent_ends_the_search(self, target: str) -> None:
        zone = Zone(
            srv("_sips._tcp.example.com", Srv(0, 0, 0, target)) | hosts(example_com="192.0.2.1")
        )
        found = locator()
        assert zone(found) == []
        assert found.next_target() is None
        assert "no SIP over TLS" in found.problems[0]

    def test_srv_without_addresses_does_not_lead_elsewhere(self) -> None:
        zone = Zone(
            srv("_sips._tcp.example.com", Srv(0, 0, 5061, "edge.example.com"))
            | hosts(example_com="192.0.2.1")
        )
        assert zone(locator()) == []

    @pytest.mark.parametrize(
        "record",
        [Srv(0, 0, 0, "edge.example.com"), Srv(0, 0, 5061, "a b"), Srv(0, 0, 5061, "x" * 64)],
        ids=str,
    )
    def test_an_unusable_srv_is_passed_over(self, record: Srv) -> None:
        zone = Zone(
            srv("_sips._tcp.example.com", record, Srv(1, 0, 5061, "good.example.com"))
            | hosts(good_example_com="192.0.2.1", edge_example_com="192.0.2.2")
        )
        assert [target.host for target in zone(locator())] == ["good.example.com"]

    @pytest.mark.parametrize(
        "address",
        ["", "x", "224.0.0.1", "0.0.0.0", "1.2.3", "1.2.3.4.5", "1.2.3.4\n"],  # noqa: S104  # refused
    )
    def test_an_unusable_address_is_passed_over(self, address: str) -> None:
        zone = Zone({DnsQuery("A", "example.com"): [Host(address), Host("192.0.2.1")]})
        assert [target.address for target in zone(locator(port=5061))] == ["192.0.2.1"]

    def test_the_service_name_stays_the_domain(self) -> None:
        zone = Zone(
            naptr("example.com", Naptr(1, 1, "s", "SIPS+D2T", "", "_sips._tcp.hoster.net"))
            | srv("_sips._tcp.hoster.net", Srv(0, 0, 5061, "node7.hoster.net"))
            | hosts(node7_hoster_net="192.0.2.1")
        )
        found = locator("Example.com.")
        assert zone(found) == [Target("node7.hoster.net", "192.0.2.1", 5061)]
        assert found.service_name == "example.com"


class TestFailOver:
    def zone(self) -> Zone:
        return Zone(
            srv(
                "_sips._tcp.example.com",
                Srv(20, 0, 5061, "backup.example.com"),
                Srv(10, 0, 5061, "main.example.com"),
            )
            | hosts(
                main_example_com="2001:db8::1 192.0.2.1 192.0.2.2",
                backup_example_com="192.0.2.3 192.0.2.1",
            )
        )

    def test_every_target_is_tried_once_in_order(self) -> None:
        found = locator()
        self.zone()(found)
        tried = []
        while (target := found.next_target()) is not None:
            tried.append(target.address)
        assert tried == ["2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
        assert found.next_target() is None

    def test_after_exhaustion_the_dns_is_asked_again(self) -> None:
        found, zone = locator(), self.zone()
        zone(found)
        while found.next_target() is not None:
            pass
        found.restart()
        assert not found.finished
        zone.records = hosts(example_com="192.0.2.77")
        zone(found)
        assert found.next_target() == Target("example.com", "192.0.2.77", 5061)
        numeric = locator("192.0.2.5")
        assert numeric.next_target() is not None
        numeric.restart()
        assert numeric.next_target() is not None

    def test_lots_are_drawn_anew(self) -> None:
        found = locator()
        first = set()
        for _ in range(60):
            found.restart()
            Zone(
                srv("_sips._tcp.example.com", Srv(0, 1, 5061, "a.com"), Srv(0, 1, 5061, "b.com"))
                | hosts(a_com="192.0.2.1", b_com="192.0.2.2")
            )(found)
            target = found.next_target()
            assert target is not None
            first.add(target.host)
        assert first == {"a.com", "b.com"}


class TestCaps:
    def test_floods_of_records_are_cut(self) -> None:
        services = [
            Naptr(1, n, "s", "SIPS+D2T", "", f"_sips._tcp.n{n}.example.com") for n in range(500)
        ]
        records = naptr("example.com", *services)
        for n in range(500):
            records |= srv(
                f"_sips._tcp.n{n}.example.com",
                *(Srv(m, 0, 5061, f"h{n}-{m}.example.com") for m in range(500)),
            )
        zone = Zone(records)
        found = locator()
        zone(found)
        assert len(zone.asked) <= 1 + 4 + 2 * 16

    def test_so_are_addresses(self) -> None:
        many: list[DnsRecord] = [Host(f"192.0.2.{n}") for n in range(200)]
        found = locator(port=5061)
        assert len(Zone({DnsQuery("A", "example.com"): many})(found)) == 8

    def test_targets_are_counted_altogether(self) -> None:
        records = srv("_sips._tcp.example.com", *(Srv(n, 0, 5061, f"h{n}.com") for n in range(16)))
        for n in range(16):
            addresses: list[DnsRecord] = [Host(f"192.0.{n}.{m}") for m in range(1, 9)]
            records[DnsQuery("A", f"h{n}.com")] = addresses
        targets = Zone(records)(locator())
        assert len(targets) == 32
        assert [target.host for target in targets[::8]] == ["h0.com", "h1.com", "h2.com", "h3.com"]

    def test_the_nearest_priority_survives_the_cut(self) -> None:
        records = [Srv(9, 65535, 5061, f"h{n}.com") for n in range(100)]
        zone = Zone(
            srv("_sips._tcp.example.com", *records, Srv(1, 0, 5061, "best.com"))
            | hosts(best_com="192.0.2.1")
        )
        assert zone(locator())[0].host == "best.com"

    def test_a_name_is_asked_once_however_many_ports_it_has(self) -> None:
        zone = Zone(
            srv("_sips._tcp.example.com", *(Srv(n, 0, 5061 + n, "h.com") for n in range(9)))
            | hosts(h_com="192.0.2.1")
        )
        assert [target.port for target in zone(locator())] == list(range(5061, 5070))
        assert len(zone.asked) == 4


NAMES = st.sampled_from(
    [
        "_sips._tcp.example.com",
        "_sip._udp.example.com",
        "_sip._tcp.example.com",
        "a.com",
        ".",
        "",
    ]
) | st.text(max_size=20)
RECORDS: dict[str, st.SearchStrategy[DnsRecord]] = {
    "NAPTR": st.builds(
        Naptr,
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.sampled_from(["s", "S", "a", "u", "", "x"]),
        st.sampled_from(["SIPS+D2T", "SIP+D2U", "SIP+D2T", "sips+d2t"]) | st.text(max_size=9),
        st.sampled_from(["", "!.*!x!"]),
        NAMES,
    ),
    "SRV": st.builds(
        Srv, st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 65535), NAMES
    ),
    "A": st.builds(Host, st.ip_addresses(v=4).map(str) | st.text(max_size=9)),
    "AAAA": st.builds(Host, st.ip_addresses(v=6).map(str) | st.text(max_size=9)),
}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_dns_leads_to_anything_but_bounded_tls_targets(data: st.DataObject) -> None:
    found = locator()
    asked = []
    while (query := found.next_query()) is not None:
        asked.append(query)
        assert len(asked) <= 1 + 4 + 1 + 32
        assert query.kind != "SRV" or query.name.startswith("_sips._tcp.")
        strategy = st.lists(RECORDS[query.kind], max_size=6)
        found.answer(query, data.draw(strategy | st.builds(DnsFailed, st.just("no answer"))))
    targets = found.targets()
    assert len(targets) <= 32
    for target in targets:
        assert 0 < target.port < 65536
        assert target.host
    assert found.service_name == "example.com"
