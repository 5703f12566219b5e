from __future__ import annotations

import itertools

import pytest

from offhook.base.vocabulary import LampLook
from offhook.phone.call.trust import TrustLevel
from offhook.phone.line import lamps
from offhook.phone.line.events import Caller
from offhook.phone.line.legs import Leg


def dark_share(look: LampLook) -> float:
    return sum(look.cadence_ms[1::2]) / sum(look.cadence_ms)


def test_the_security_lamps_looks_can_be_told_without_colour() -> None:
    for one, other in itertools.combinations(lamps.SECURITY_LOOKS, 2):
        assert one.cadence_ms != other.cadence_ms
        assert one.name != other.name
        same_rhythm = len(one.cadence_ms) == len(other.cadence_ms)
        if same_rhythm and len(one.cadence_ms) == 2:
            ratio = max(
                sum(one.cadence_ms) / sum(other.cadence_ms),
                sum(other.cadence_ms) / sum(one.cadence_ms),
            )
            assert ratio >= 2 or abs(dark_share(one) - dark_share(other)) >= 0.4


@pytest.mark.parametrize("look", lamps.SECURITY_LOOKS)
def test_a_look_is_lit_in_the_two_led_and_in_the_rgb_lamp(look: LampLook) -> None:
    assert look.red or look.green
    assert any(look.rgb)
    assert len(look.cadence_ms) == 1 or len(look.cadence_ms) % 2 == 0


def test_no_bad_news_is_green_alone_and_no_trust_red() -> None:
    for look in (lamps.DOWN, lamps.UNPROVEN, lamps.LOWERED):
        assert look.red
    for look in (lamps.READY, lamps.HOP_BY_HOP, lamps.END_TO_END, lamps.VERIFIED):
        assert look.green
        assert not look.red


def test_trust_that_falls_shows_until_it_changes_again() -> None:
    leg = Leg(1, Caller())
    leg.state_trust(TrustLevel.END_TO_END)
    leg.state_trust(TrustLevel.HOP_BY_HOP)
    leg.state_trust(TrustLevel.HOP_BY_HOP)
    assert lamps.security_look(leg, registered=True) == lamps.LOWERED
    leg.state_trust(TrustLevel.END_TO_END)
    assert lamps.security_look(leg, registered=True) == lamps.END_TO_END
