"""Bills of material of an image: CycloneDX 1.5 and SPDX 2.3, both as JSON."""

from __future__ import annotations

import datetime as dt
import json
import urllib.parse
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from board.image.recipe import Locked, Manifest


@dataclass(frozen=True, slots=True)
class Component:
    """A piece of software in the image. `sha256` is empty where it has none of its own."""

    name: str
    version: str
    purl: str
    sha256: str = ""


def components(manifest: Manifest, wheels: Sequence[Locked], phone_version: str) -> list[Component]:
    """What is in the image: Debian's packages, Python packages from elsewhere, and the phone."""
    found = [Component("offhook", phone_version, f"pkg:pypi/offhook@{phone_version}")]
    for package in manifest.packages:
        version = urllib.parse.quote(package.version, safe="+~")
        purl = f"pkg:deb/debian/{urllib.parse.quote(package.name, safe='+')}@{version}"
        purl += f"?arch={package.architecture}&distro={package.suite}"
        found.append(Component(package.name, package.version, purl, package.sha256))
    for wheel in wheels:
        purl = f"pkg:pypi/{wheel.name}@{wheel.version}"
        found.append(Component(wheel.name, wheel.version, purl, wheel.hashes[0]))
    return found


def cyclonedx(parts: Sequence[Component], name: str, image_sha256: str, epoch: int) -> str:
    """The bill as CycloneDX 1.5."""
    listed = []
    for part in parts:
        entry: dict[str, object] = {
            "type": "application" if part.name == "offhook" else "library",
            "bom-ref": part.purl,
            "name": part.name,
            "version": part.version,
            "purl": part.purl,
        }
        if part.sha256:
            entry["hashes"] = [{"alg": "SHA-256", "content": part.sha256}]
        listed.append(entry)
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{_serial(image_sha256)}",
        "version": 1,
        "metadata": {
            "timestamp": _when(epoch),
            "component": {
                "type": "firmware",
                "bom-ref": name,
                "name": name,
                "hashes": [{"alg": "SHA-256", "content": image_sha256}],
            },
        },
        "components": listed,
        "dependencies": [{"ref": name, "dependsOn": [part.purl for part in parts]}],
    }
    return json.dumps(told, indent=1) + "\n"


def spdx(parts: Sequence[Component], name: str, image_sha256: str, epoch: int) -> str:
    """The bill as SPDX 2.3; licences stand in the image, below usr/share/doc."""
    image = _spdx_package("Image", name, "", image_sha256)
    packages = [image]
    relations = [_relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")]
    for index, part in enumerate(parts):
        reference = f"Part-{index}"
        entry = _spdx_package(reference, part.name, part.version, part.sha256)
        entry["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": part.purl,
            }
        ]
        packages.append(entry)
        relations.append(_relation("SPDXRef-Image", "CONTAINS", f"SPDXRef-{reference}"))
    told = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"urn:uuid:{_serial(image_sha256 + 'spdx')}",
        "creationInfo": {"created": _when(epoch), "creators": ["Tool: offhook-build-image"]},
        "packages": packages,
        "relationships": relations,
    }
    return json.dumps(told, indent=1) + "\n"


def _spdx_package(reference: str, name: str, version: str, sha256: str) -> dict[str, object]:
    entry: dict[str, object] = {
        "SPDXID": f"SPDXRef-{reference}",
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }
    if version:
        entry["versionInfo"] = version
    if sha256:
        entry["checksums"] = [{"algorithm": "SHA256", "checksumValue": sha256}]
    return entry


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _serial(text: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, text)


def _when(epoch: int) -> str:
    return dt.datetime.fromtimestamp(epoch, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
