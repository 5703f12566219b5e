"""What a network does to packets: loss at random, loss in bursts (Gilbert-Elliott), jitter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """One direction's network.

    `loss` of all packets are lost, in bursts of `burst` on average (1: at random); each of the
    others is delayed by `delay_ms` and by a gamma(2)-distributed time of `jitter_ms` on average,
    and may so overtake another.
    """

    name: str
    loss: float = 0.0
    burst: float = 1.0
    jitter_ms: float = 0.0
    delay_ms: float = 0.0

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


CLEAN = Condition("clean")
CONDITIONS = (
    CLEAN,
    Condition("1 % random", loss=0.01),
    Condition("5 % random", loss=0.05),
    Condition("10 % bursty", loss=0.10, burst=3.0),
    Condition("jitter 20 ms", jitter_ms=20.0),
    Condition("jitter 50 ms", jitter_ms=50.0),
)
CONTROL = Condition("control: 100 ms more", delay_ms=100.0)
"""Of which the measured delay must have 100 ms more than of `clean`."""


def fates(condition: Condition, seed: str) -> Iterator[float | None]:
    """For one packet after the other: by how many s it is delayed, None where it is lost.

    The same seed gives the same fates, whatever sends the packets.
    """
    dice = random.Random(f"{seed} {condition.name}")  # noqa: S311  repeatable on purpose
    lost = False
    end = 1.0 / condition.burst
    begin = condition.loss * end / (1.0 - condition.loss)
    while True:
        if condition.burst == 1.0:
            lost = dice.random() < condition.loss
        else:
            lost = dice.random() < (1.0 - end if lost else begin)
        delay = condition.delay_ms
        if condition.jitter_ms:
            delay += dice.gammavariate(2.0, condition.jitter_ms / 2)
        yield None if lost else delay / 1000
