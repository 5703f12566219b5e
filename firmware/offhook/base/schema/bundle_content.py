"""What is sealed in a bundle: settings, the secrets and files that they name, certificates."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Any, Final

from offhook.base.schema.document_fields import SECRETS, octets_list, take_secrets, typed
from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.schema.envelope import KEY_OCTETS, decode_base64, parse_json
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.secret_source import SecretSource
from offhook.base.schema.section import Section, key
from offhook.base.schema.settings import Settings, load_settings
from offhook.base.secret import Secret

DEVICE_KEY: Final = "device.key"
"""The phone's own private key: the one secret that settings may name and no bundle brings."""
DEVICE_CERTIFICATE: Final = "trust/device.pem"
"""The file of the phone's own certificate, which the phone writes out of the bundle's chain."""
_FILE: Final = re.compile(r"trust/[a-z0-9][a-z0-9._-]{0,63}")
_OF_THE_SYSTEM: Final = ("/etc/ssl/certs/", "/usr/share/offhook/")
"""Folders of the image whose files settings may name."""


class _Body(Section, frozen=True):
    """The content without its secrets and files."""

    settings: Annotated[str, key("The phone's settings, TOML in base64.", example="…")]
    operator: Annotated[
        tuple[str, ...],
        key("The operator's signing keys from now on.", example=["…"], min_length=1, max_length=4),
    ]
    anchors: Annotated[
        tuple[str, ...],
        key("Roots of the operator's CA from now on.", example=["…"], min_length=1, max_length=8),
    ]
    certificate: Annotated[
        tuple[str, ...],
        key(
            "The phone's certificate and those above it, root last, DER in base64.",
            example=["…"],
            min_length=1,
            max_length=8,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Binding:
    """Whom a phone belongs to: raw Ed25519 keys, and roots in DER.

    Old and new ones stand beside each other while the operator changes them.
    """

    operator_keys: tuple[bytes, ...]
    anchors: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BundleContent:
    """Settings that were checked, and all that they need; `certificate` in DER, leaf first."""

    settings: Settings
    settings_text: str
    secrets: Mapping[str, Secret]
    files: Mapping[str, bytes]
    certificate: tuple[bytes, ...]
    binding: Binding


def content_document(
    settings_text: str,
    secrets: Mapping[str, Secret],
    files: Mapping[str, bytes],
    certificate: tuple[bytes, ...],
    binding: Binding,
) -> dict[str, Any]:
    """The content to be sealed; Secrets stay Secrets, for the encoder to open."""
    return {
        "settings": base64.b64encode(settings_text.encode()).decode(),
        "operator": [base64.b64encode(each).decode() for each in binding.operator_keys],
        "anchors": [base64.b64encode(each).decode() for each in binding.anchors],
        "secrets": dict(sorted(secrets.items())),
        "files": {
            name: base64.b64encode(octets).decode() for name, octets in sorted(files.items())
        },
        "certificate": [base64.b64encode(each).decode() for each in certificate],
    }


def read_content(octets: bytes) -> BundleContent:
    """The content, with settings that are valid and complete. Raises DocumentRefused."""
    document = parse_json(octets, "the content")
    secrets = take_secrets(document)
    files = _take_files(document)
    body = typed(_Body, document, "the content")
    octets = decode_base64(body.settings, "the settings")
    try:
        settings = load_settings(octets)
    except DocumentInvalid as invalid:
        first = invalid.problems[0]
        raise DocumentRefused(
            Flaw.SETTINGS, f"{first.path or 'the document'}: expected {first.expectation}"
        ) from None
    lack = next(incomplete(settings, secrets.keys(), files.keys()), None)
    if lack is not None:
        raise DocumentRefused(Flaw.SECRETS, lack)
    binding = Binding(
        octets_list(body.operator, "an operator's key"), octets_list(body.anchors, "an anchor")
    )
    if any(len(each) != KEY_OCTETS for each in binding.operator_keys):
        raise DocumentRefused(Flaw.MALFORMED, "an operator's key has no 32 octets")
    chain = octets_list(body.certificate, "a certificate")
    return BundleContent(settings, octets.decode(), secrets, files, chain, binding)


def incomplete(
    settings: Settings, secrets: AbstractSet[str], files: AbstractSet[str]
) -> Iterator[str]:
    """What settings name and isn't there, and what is there and isn't named: one sentence each."""
    wanted = set(secret_names(settings))
    for name in sorted(wanted - secrets - {DEVICE_KEY}):
        yield f"the secret {name} is missing"
    for name in sorted(secrets - (wanted - {DEVICE_KEY})):
        yield f"no setting names the secret {name}"
    named = set(file_names(settings))
    for name in sorted(named):
        if name not in files and name != DEVICE_CERTIFICATE and not _of_the_system(name):
            yield f"the file {name} is missing"
    for name in sorted(files - named):
        yield f"no setting names the file {name}"


def secret_names(settings: Settings) -> Iterator[str]:
    """Secrets that settings name, by their name below `secrets/`; others as they stand there."""
    sources = [(each.password) for each in settings.accounts] + [settings.trust.client_key]
    for source in sources:
        if isinstance(source, SecretSource):
            yield (source.file or f"credential {source.credential}").removeprefix(SECRETS)


def file_names(settings: Settings) -> Iterator[str]:
    """Files of certificates and lists that settings name."""
    trust = settings.trust
    yield from (*trust.anchors, *trust.crls)
    if trust.client_certificate is not None:
        yield trust.client_certificate


def is_trust_file(name: str) -> bool:
    """Whether a bundle may bring a file of this name: one in the folder trust/, and no way out."""
    return _FILE.fullmatch(name) is not None


def _of_the_system(name: str) -> bool:
    return name.startswith(_OF_THE_SYSTEM) and ".." not in name


def _take_files(document: dict[str, object]) -> dict[str, bytes]:
    listed = document.pop("files", {})
    if not isinstance(listed, dict) or not all(is_trust_file(name) for name in listed):
        raise DocumentRefused(Flaw.MALFORMED, "files is no table of names below trust/")
    return {name: decode_base64(text, f"the file {name}") for name, text in listed.items()}
