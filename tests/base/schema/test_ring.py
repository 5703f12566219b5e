from __future__ import annotations

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema.ring import RECALL_MS, ring_cadence
from offhook.base.schema.tone_plan import tone_countries, tone_plan
from offhook.base.vocabulary import Ring


@pytest.mark.parametrize("country", tone_countries())
def test_a_call_rings_in_step_with_what_the_caller_hears(country: str) -> None:
    shape = tone_plan(country).ringback
    assert shape.once == ()
    assert [bool(each.hz) for each in shape.cadence] == [True, False] * (len(shape.cadence) // 2)
    assert ring_cadence(Ring.CALL, country) == tuple(each.ms for each in shape.cadence)


def test_some_countries_as_their_telephones_ring() -> None:
    assert ring_cadence(Ring.CALL, "DE") == (1000, 4000)
    assert ring_cadence(Ring.CALL, "US") == (2000, 4000)
    assert ring_cadence(Ring.CALL, "GB") == (400, 200, 400, 2000)


def test_a_recall_is_no_countrys_call() -> None:
    calls = {ring_cadence(Ring.CALL, country) for country in tone_countries()}
    assert ring_cadence(Ring.RECALL, "DE") == RECALL_MS
    assert RECALL_MS not in calls
    assert len(RECALL_MS) not in {len(each) for each in calls}


@pytest.mark.parametrize("ring", Ring)
def test_an_unknown_country_is_refused(ring: Ring) -> None:
    with pytest.raises(LocalError, match="no tones"):
        ring_cadence(ring, "XX")
