from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.project.tree import copy_of_sources, files


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Both wheels' names of files, without what describes the wheel itself."""
    source = copy_of_sources(tmp_path_factory.mktemp("source"))
    built = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    for project in (source, source / "provisioning"):
        subprocess.run([*pip, "--wheel-dir", built, project], check=True)
    found = {}
    for wheel in built.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            names = [each.filename for each in archive.infolist() if not each.is_dir()]
        found[wheel.name.split("-")[0]] = [each for each in names if ".dist-info/" not in each]
        assert any(each.endswith("licenses/LICENSE") for each in names)
    return found


def test_there_are_two_wheels(wheels: dict[str, list[str]]) -> None:
    assert set(wheels) == {"offhook", "offhook_provisioning"}


def test_the_phones_wheel_is_the_firmware_and_nothing_of_the_others(
    wheels: dict[str, list[str]],
) -> None:
    rooms = {tuple(Path(name).parts[:1]) for name in wheels["offhook"]}
    assert rooms == {("offhook",)}
    expected = {
        str(each.relative_to("firmware"))
        for each in files(".py", ".toml", ".json", ".typed", under="firmware/offhook")
    } | {"offhook/py.typed"}
    assert set(wheels["offhook"]) == expected
    assert "offhook/base/schema/trunks/generic.toml" in expected


def test_the_administrators_wheel_has_its_two_packages_and_no_firmware(
    wheels: dict[str, list[str]],
) -> None:
    rooms = {Path(name).parts[0] for name in wheels["offhook_provisioning"]}
    assert rooms == {"offhook_practice", "offhook_provisioning"}
    packages = ("offhook_practice", "offhook_provisioning")
    expected = {
        str(each.relative_to("provisioning"))
        for package in packages
        for each in files(under=f"provisioning/{package}")
    }
    assert set(wheels["offhook_provisioning"]) == expected
