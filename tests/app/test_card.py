from __future__ import annotations

import tomllib
import xml.etree.ElementTree as ET
from importlib import resources

import pytest

from offhook.app.card import HEIGHT_MM, WIDTH_MM, CardTerms, render_card
from offhook.base.errors import LocalError
from offhook.base.schema.dial_plan import country_names, country_plan
from offhook.base.schema.feature_codes import FeatureCodes, builtin_feature_codes
from offhook.base.schema.walker import walk
from offhook.phone.line.lamps import SECURITY_LOOKS

CODES = builtin_feature_codes()
SVG = "{http://www.w3.org/2000/svg}"


def texts(card: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(card).iter(f"{SVG}text")]  # noqa: S314  our own


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_card_has_every_code_its_name_and_all_of_its_explanation(language: str) -> None:
    told = texts(render_card(CODES, CardTerms(language)))
    whole = " ".join(told)
    for code in CODES.codes:
        assert code.code in told
        assert code.name[language] in told
        assert code.explanation(language) in whole


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("country", country_names())
def test_nothing_stands_outside_the_page(language: str, country: str) -> None:
    terms = CardTerms.for_plan(country_plan(country), language, "+49 30 4711")
    for each in ET.fromstring(render_card(CODES, terms)).iter():  # noqa: S314  our own
        x, y = float(each.get("x", "0")), float(each.get("y", "0"))
        width = float(each.get("width", "0").removesuffix("mm"))
        assert 0 <= x <= WIDTH_MM
        assert 0 <= y <= HEIGHT_MM - 4
        assert x + width <= WIDTH_MM


def test_the_card_has_number_emergency_numbers_and_speed_dial() -> None:
    terms = CardTerms("en", "+49 30 4711", ("110", "112"), {"1": "Mum & Dad"})
    told = texts(render_card(CODES, terms))
    assert "This telephone: +49 30 4711" in told
    assert "Emergency: 110 · 112" in told
    assert "1 Mum & Dad" in told


def test_what_is_printed_can_be_no_markup() -> None:
    card = render_card(CODES, CardTerms("en", "</text><script>x</script>"))
    assert "<script>" not in card
    ET.fromstring(card)  # noqa: S314  our own


def test_every_look_of_the_lamp_is_drawn_with_its_colour() -> None:
    card = render_card(CODES, CardTerms())
    for look in SECURITY_LOOKS:
        assert "#{:02x}{:02x}{:02x}".format(*look.rgb) in card


def test_a_language_that_is_not_written_is_told() -> None:
    with pytest.raises(LocalError, match="languages: en, de"):
        render_card(CODES, CardTerms("fi"))


def test_a_table_too_long_for_the_card_is_told() -> None:
    text = (resources.files("offhook.base.schema") / "feature_codes.toml").read_text("utf-8")
    document = tomllib.loads(text)
    for code in document["codes"]:
        code["does"]["en"] = "A very long explanation. " * 8
    with pytest.raises(LocalError, match="too many"):
        render_card(walk(FeatureCodes, document), CardTerms())
