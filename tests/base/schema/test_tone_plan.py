from __future__ import annotations

import itertools

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.tone_plan import (
    TONE_NAMES,
    ToneSegment,
    read_tone_plan,
    tone_countries,
    tone_plan,
)
from offhook.base.vocabulary import Tone

TONES = "".join(f"\n[{name}]\ncadence = [{{ hz = [425] }}]\n" for name in TONE_NAMES)
PLAN = f'country = "XA"\nname = "Test"\nsource = "this test"\n{TONES}'


def problems(text: str) -> dict[str, str]:
    with pytest.raises(DocumentInvalid) as caught:
        read_tone_plan(text)
    return {each.path: each.expectation for each in caught.value.problems}


def with_dial(line: str) -> str:
    return PLAN.replace("[dial]\ncadence = [{ hz = [425] }]", f"[dial]\n{line}")


def test_there_are_twelve_countries() -> None:
    assert tone_countries() == (
        *("AT", "AU", "CH", "DE", "ES", "FR"),
        *("GB", "IT", "JP", "NL", "SE", "US"),
    )


@pytest.mark.parametrize("country", tone_countries())
def test_every_plan_is_sound_and_names_its_source(country: str) -> None:
    plan = tone_plan(country)
    assert plan.country == country
    assert "E.180" in plan.source


@pytest.mark.parametrize("country", tone_countries())
def test_only_howler_and_confirmation_are_assumed(country: str) -> None:
    plan = tone_plan(country)
    assert {name for name in TONE_NAMES if plan.tone(name).assumed} == {"confirmation", "howler"}


@pytest.mark.parametrize("country", tone_countries())
def test_a_person_can_tell_the_tones_of_a_country_from_one_another(country: str) -> None:
    plan = tone_plan(country)
    shapes = [(plan.tone(name).once, plan.tone(name).cadence) for name in TONE_NAMES]
    alike = 1 if country == "JP" else 0  # busy and congestion
    assert len(set(shapes)) == len(shapes) - alike


def test_what_germany_and_the_united_kingdom_are_known_by() -> None:
    assert tone_plan("DE").busy.cadence == (ToneSegment(hz=(425,), ms=480), ToneSegment(ms=480))
    assert [segment.ms for segment in tone_plan("GB").ringback.cadence] == [400, 200, 400, 2000]


@pytest.mark.parametrize("country", ["UK", "de", "", "../trunks/generic"])
def test_a_country_without_a_plan_is_refused_and_told_which_there_are(country: str) -> None:
    with pytest.raises(LocalError, match="AT, AU, CH"):
        tone_plan(country)


def test_every_tone_of_the_vocabulary_is_in_every_plan() -> None:
    for tone, country in itertools.product(Tone, tone_countries()):
        assert tone_plan(country).tone(tone.value)


def test_a_tone_that_is_none_is_refused() -> None:
    with pytest.raises(LocalError, match="there is no tone 'name'"):
        tone_plan("DE").tone("name")


def test_control_the_plan_that_the_cases_change_is_sound() -> None:
    assert read_tone_plan(PLAN).name == "Test"


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("cadence = []", "dial.cadence"),
        ("cadence = [{ hz = [425] }, { ms = 100 }]", "dial.cadence"),
        ("once = [{ hz = [425] }]", "dial.cadence"),
        ("cadence = [{ hz = [425, 425] }]", "dial.cadence[0].hz"),
        ("cadence = [{ hz = [4000] }]", "dial.cadence[0].hz[0]"),
        ("cadence = [{ hz = [425], ms = 0 }]", "dial.cadence[0].ms"),
        ("cadence = [{ hz = [425], s = 1 }]", "dial.cadence[0].s"),
        ("cadence = [{ hz = [400, 450], modulated_hz = 16 }]", "dial.cadence[0].modulated_hz"),
        ("cadence = [{ hz = [40], modulated_hz = 40 }]", "dial.cadence[0].modulated_hz"),
        ("level_dbm0 = 4.0\ncadence = [{ hz = [425] }]", "dial.level_dbm0"),
        ("level_dbm0 = 1.0\ncadence = [{ hz = [425, 450] }]", "dial.level_dbm0"),
    ],
)
def test_a_tone_that_cannot_be_made_is_refused_where_it_stands(line: str, path: str) -> None:
    assert set(problems(with_dial(line))) == {path}


def test_a_level_that_clips_is_answered_with_one_that_does_not() -> None:
    clipped = "level_dbm0 = 2.0\ncadence = [{ hz = [425, 450] }]"
    with pytest.raises(DocumentInvalid, match=r"Write level_dbm0 = 0\.0"):
        read_tone_plan(with_dial(clipped))
    read_tone_plan(with_dial(clipped.replace("2.0", "0.0")))


def test_a_missing_tone_is_told() -> None:
    assert set(problems(PLAN.replace("[howler]", "[howl]"))) == {"howl", "howler"}
