"""The kinds of value that ticket, request and bundle share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

import msgspec

from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.schema.envelope import decode_base64
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.section import Section
from offhook.base.schema.walker import walk
from offhook.base.secret import Secret

FORMAT: Final = 1
"""Version of the documents."""
LONGEST_SECRET: Final = 1 << 16
MOST_SECRETS: Final = 64
SECRET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SECRETS: Final = "secrets/"
"""The folder, beside the settings, in which every secret of a bundle is a file."""

DEVICE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

DeviceId = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^{DEVICE_NAME.pattern}\Z",
        extra={"expects": "a device's name: small letters, digits and hyphens, at most 63"},
    ),
]
Recipient = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^age1[02-9ac-hj-np-z]{58}\Z",
        extra={"expects": "an age X25519 recipient (age1…)"},
    ),
]
UnixTime = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
HttpsPlace = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?\Z",
        max_length=512,
        extra={"expects": "an https:// address without user, query and fragment"},
    ),
]

SectionT = TypeVar("SectionT", bound=Section)


def typed(section: type[SectionT], document: Mapping[str, object], what: str) -> SectionT:
    """`document` as `section`. Raises DocumentRefused(MALFORMED) with the first defect."""
    try:
        return walk(section, dict(document))
    except DocumentInvalid as invalid:
        first = invalid.problems[0]
        raise DocumentRefused(
            Flaw.MALFORMED, f"{what}: {first.path or 'it'}: expected {first.expectation}"
        ) from None


def take_secrets(document: dict[str, object]) -> dict[str, Secret]:
    """Takes `secrets` out of a parsed document. Raises DocumentRefused(MALFORMED)."""
    listed = document.pop("secrets", {})
    if not isinstance(listed, dict) or len(listed) > MOST_SECRETS:
        raise DocumentRefused(Flaw.MALFORMED, f"secrets is no table of at most {MOST_SECRETS}")
    found = {}
    for name, value in listed.items():
        if not SECRET_NAME.fullmatch(name):
            raise DocumentRefused(Flaw.MALFORMED, "a secret has no proper name")
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_SECRET:
            raise DocumentRefused(Flaw.MALFORMED, f"the secret {name} is no text of proper length")
        found[name] = Secret(value)
    return found


def octets_list(texts: tuple[str, ...], what: str) -> tuple[bytes, ...]:
    """Each text out of base64. Raises DocumentRefused(MALFORMED)."""
    return tuple(decode_base64(each, what) for each in texts)


def check_format(found: int) -> None:
    """Raises DocumentRefused(MALFORMED) for a version other than ours."""
    if found != FORMAT:
        raise DocumentRefused(Flaw.MALFORMED, f"format {found}; understood: {FORMAT}")
