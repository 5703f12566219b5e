from __future__ import annotations

import json

from board.image import bom
from board.image.recipe import read_lock, read_manifest

MANIFEST = read_manifest()
PARTS = bom.components(MANIFEST, list(read_lock().values()), "1.2.3")
IMAGE = "c" * 64


def test_everything_foreign_and_the_phone_is_listed_once() -> None:
    names = [part.name for part in PARTS]
    assert len(set(names)) == len(names)
    assert {"offhook", "systemd", "python3-cryptography", "rpi-lgpio", "lgpio"} <= set(names)
    assert len(PARTS) == 1 + len(MANIFEST.packages) + len(read_lock())
    assert all(part.purl.startswith(("pkg:deb/debian/", "pkg:pypi/")) for part in PARTS)


def test_cyclonedx_names_the_image_and_every_part() -> None:
    told = json.loads(bom.cyclonedx(PARTS, "offhook.img", IMAGE, MANIFEST.epoch))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.5")
    assert told["metadata"]["component"]["hashes"][0]["content"] == IMAGE
    assert [each["purl"] for each in told["components"]] == [part.purl for part in PARTS]
    assert set(told["dependencies"][0]["dependsOn"]) == {part.purl for part in PARTS}


def test_spdx_names_the_image_and_every_part() -> None:
    told = json.loads(bom.spdx(PARTS, "offhook.img", IMAGE, MANIFEST.epoch))
    assert told["spdxVersion"] == "SPDX-2.3"
    ids = [each["SPDXID"] for each in told["packages"]]
    assert len(set(ids)) == len(ids) == len(PARTS) + 1
    contained = {
        each["relatedSpdxElement"]
        for each in told["relationships"]
        if each["relationshipType"] == "CONTAINS"
    }
    assert contained == set(ids) - {"SPDXRef-Image"}


def test_the_same_image_has_the_same_bills() -> None:
    one, other = (bom.cyclonedx(PARTS, "offhook.img", IMAGE, 1) for _ in range(2))
    assert one == other
    assert bom.cyclonedx(PARTS, "offhook.img", "d" * 64, 1) != one
