"""RFC 2782: SRV records by priority, and by weighted lot within one."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.base.randomness import SeededRandomness
from offhook.protocols.sip.locate_records import order_srv


class Srv(NamedTuple):
    priority: int
    weight: int
    port: int
    target: str


class TestWeights:
    def first(self, records: list[Srv], draws: int = 6000) -> Counter[str]:
        randomness = SeededRandomness("weights")
        return Counter(order_srv(records, randomness)[0].target for _ in range(draws))

    def test_the_first_is_drawn_by_weight(self) -> None:
        counts = self.first([Srv(0, 10, 1, "a"), Srv(0, 30, 1, "b"), Srv(0, 60, 1, "c")])
        expected = {"a": 0.1, "b": 0.3, "c": 0.6}
        chi_square = sum(
            (counts[name] - 6000 * share) ** 2 / (6000 * share) for name, share in expected.items()
        )
        assert chi_square < 13.8, "p < 0.001 with two degrees of freedom"

    def test_control_equal_weights_do_not_give_these_shares(self) -> None:
        counts = self.first([Srv(0, 1, 1, "a"), Srv(0, 1, 1, "b"), Srv(0, 1, 1, "c")])
        assert all(1800 < count < 2200 for count in counts.values())

    def test_a_weight_of_zero_has_a_very_small_chance(self) -> None:
        counts = self.first([Srv(0, 0, 1, "a"), Srv(0, 100, 1, "b")])
        assert 0 < counts["a"] < 6000 * 0.03

    def test_weights_of_zero_alone_share_the_load(self) -> None:
        counts = self.first([Srv(0, 0, 1, "a"), Srv(0, 0, 1, "b")], 1000)
        assert 400 < counts["a"] < 600

    def test_the_second_is_drawn_by_weight_among_the_rest(self) -> None:
        records = [Srv(0, 10, 1, "a"), Srv(0, 30, 1, "b"), Srv(0, 60, 1, "c")]
        randomness = SeededRandomness("second")
        seconds = Counter(
            ordered[1].target
            for _ in range(6000)
            if (ordered := order_srv(records, randomness))[0].target == "c"
        )
        assert 0.70 < seconds["b"] / (seconds["a"] + seconds["b"]) < 0.80

    def test_so_is_the_order_of_a_flood(self) -> None:
        records = [Srv(n // 60, 1, 5061, f"h{n}.com") for n in range(500)]
        ordered = order_srv(records, SeededRandomness(1))
        assert [record.priority for record in ordered] == [0] * 60 + [1] * 4


@settings(max_examples=200, deadline=None)
@given(
    records=st.lists(
        st.builds(
            Srv,
            st.integers(0, 65535) | st.integers(0, 3),
            st.integers(0, 65535) | st.integers(0, 3),
            st.integers(0, 65535),
            st.sampled_from(["a.com", "b.com", ".", ""]),
        ),
        max_size=20,
    ),
    seed=st.integers(0, 99),
)
def test_ordering_keeps_every_record_and_every_priority(records: list[Srv], seed: int) -> None:
    ordered = order_srv(records, SeededRandomness(seed))
    assert Counter(map(str, ordered)) == Counter(map(str, records))
    assert [record.priority for record in ordered] == sorted(r.priority for r in records)
