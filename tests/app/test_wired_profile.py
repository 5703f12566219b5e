"""A hardware profile and the input machines fit each other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest
from tests.app.practice_desk import DOMAIN, PASSWORD
from tests.app.wired_desk import PROFILES, profile

from offhook.app.commands.session import read_builder
from offhook.app.handset_terms import profile_of
from offhook.app.wired_handset import pins_of, times_of, wiring_of
from offhook.base.errors import LocalError
from offhook.base.schema.hardware_profile import read_hardware_profile
from offhook.base.schema.hardware_profile_parts import ContactTimes
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.phone.input.flash import flash_window
from offhook.phone.input.handset import Handset
from offhook.phone.input.rotary import DIGIT_MAPS
from offhook.phone.input.times import RANGES, HandsetTimes
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki


def test_the_profiles_defaults_are_the_machines() -> None:
    assert times_of(profile("rotary")) == HandsetTimes()


@pytest.mark.parametrize("name", RANGES)
def test_the_profile_has_the_machines_bounds(name: str) -> None:
    info = msgspec.inspect.type_info(ContactTimes)
    assert isinstance(info, msgspec.inspect.StructType)
    key = name.removesuffix("_s") + "_ms"
    node = next(each.type for each in info.fields if each.name == key)
    while isinstance(node, msgspec.inspect.Metadata):
        node = node.type
    assert isinstance(node, msgspec.inspect.FloatType)
    assert node.ge is not None
    assert node.le is not None
    bounds = (node.ge / 1000, node.le / 1000)
    assert bounds == pytest.approx((RANGES[name].lowest, RANGES[name].highest))


def test_every_time_of_the_machines_can_be_set() -> None:
    names = {name.removesuffix("_s") + "_ms" for name in asdict(HandsetTimes()) if name != "flash"}
    assert names | {"flash_ms"} == set(ContactTimes.__struct_fields__)


@pytest.mark.parametrize(
    ("flash_ms", "window"),
    [(None, flash_window("US")), ((), None), ((90, 600), (0.09, 0.6))],
)
def test_a_flash_is_the_profiles_or_the_countrys(flash_ms: object, window: object) -> None:
    times = msgspec.structs.replace(profile("rotary").times, flash_ms=flash_ms)
    found = times_of(msgspec.structs.replace(profile("rotary"), times=times), "US").flash
    if isinstance(window, tuple):
        assert found is not None
        assert (found.shortest_s, found.longest_s) == window
    else:
        assert found == window


@pytest.mark.parametrize("digits", DIGIT_MAPS)
def test_every_digit_map_can_be_named(digits: str) -> None:
    text = f'name = "x"\nhook = {{ pin = 4 }}\ndial = {{ nsi = 5, digits = "{digits}" }}'
    wired = wiring_of(read_hardware_profile(text))
    assert wired.dial is not None
    assert wired.dial.digit_map == digits


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_machines_take_every_profile_that_comes_along(path: Path) -> None:
    made = read_hardware_profile(path.read_text())
    assert str(made.hook.pin) in Handset(wiring_of(made), times_of(made)).inputs


@pytest.mark.parametrize(
    ("content", "told"),
    [(b'name = "\xff"', "UTF-8"), (b"", "hook"), (None, "No such file")],
)
def test_a_profile_that_is_no_text_empty_or_missing_is_said(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "mine.toml").write_bytes(content)
    access = PhoneAccess(
        DOMAIN,
        "phone",
        Secret(PASSWORD),
        PathAddress("127.0.0.1", 5061),
        make_practice_pki(tmp_path, DOMAIN).ca,
    )
    settings = write_phone_settings(tmp_path, access)
    with settings.open("a") as file:
        file.write('\n[handset]\nprofile = "mine.toml"\n')
    with pytest.raises(LocalError, match=told):
        profile_of(read_builder(settings))


def test_where_the_chip_isnt_there_it_says_so() -> None:
    nobodys = msgspec.structs.replace(profile("rotary"), chips=("no such chip",))
    with pytest.raises(LocalError, match=r"no GPIO pins|with the label no such chip|group gpio"):
        pins_of(nobodys)
