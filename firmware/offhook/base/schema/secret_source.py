"""Where a secret is kept: a file only its owner can read, or a systemd credential. Never inline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final

import msgspec

from offhook.base.schema.section import Defect, Section, key, table

EXPECTED: Final = 'where the secret is kept: { file = "PATH" } or { credential = "NAME" }'
REMEDY: Final = (
    "Put the secret into a file of its own, chmod 600 it, and name that file here. "
    "Change a secret that others may have seen."
)

CredentialName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}\Z",
        extra={"expects": "a credential's name: letters, digits, dots, hyphens, underscores"},
    ),
]


class SecretSource(Section, frozen=True):
    """Names the place of one secret; `shells.store.vault` fetches it."""

    hides: ClassVar[bool] = True
    expected: ClassVar[str] = EXPECTED

    file: Annotated[
        str | None,
        key(
            "A file that holds the secret and nothing else; one line break at its end is left out. "
            "Only its owner may read it (mode 0600). "
            "A relative path counts from the settings' folder.",
            example="/etc/offhook/secrets/home",
            expects="a file's path",
        ),
    ] = None
    credential: Annotated[
        CredentialName | None,
        key(
            "The name of a systemd credential (LoadCredential= or LoadCredentialEncrypted=), "
            "read from $CREDENTIALS_DIRECTORY.",
            example="home-password",
        ),
    ] = None

    @classmethod
    def shape(cls, raw: object) -> object | Defect:
        """Refuses a secret that stands in the document itself."""
        return raw if table(raw) is not None else Defect("", raw, EXPECTED, REMEDY)

    def check(self) -> Iterable[Defect]:
        """Exactly one place."""
        if (self.file is None) == (self.credential is None):
            yield Defect("", {}, EXPECTED, "Name exactly one of the two.")
        elif self.file == "":
            yield Defect("file", "", "a file's path", 'Write for instance file = "secret".')
