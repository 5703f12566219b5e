"""Reads the settings, and the files that they name, from the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.base.schema.settings import LONGEST_DOCUMENT, Settings, load_settings
from offhook.shells.store.atomic import read_whole

LONGEST_CERTIFICATES: Final = 4 << 20
"""Octets of a file of certificates or of revocation lists."""


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """The octets of the files that say whom the phone believes, in their order."""

    anchors: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    client_certificate: bytes | None
    relay_anchors: tuple[bytes, ...] = ()
    """Those of [media.turn]."""


def read_settings(path: Path) -> Settings:
    """The settings at `path`. Raises StoreError, or SettingsInvalid with every problem."""
    return load_settings(read_whole(path, LONGEST_DOCUMENT + 1))


def read_trust(settings: Settings, folder: Path) -> TrustFiles:
    """What [trust] and [media.turn] name; relative paths count from `folder`. StoreError."""
    trust, relay = settings.trust, settings.media.turn

    def octets(name: str) -> bytes:
        return read_whole(folder / name, LONGEST_CERTIFICATES)

    own = trust.client_certificate
    return TrustFiles(
        anchors=tuple(octets(each) for each in trust.anchors),
        crls=tuple(octets(each) for each in trust.crls),
        client_certificate=None if own is None else octets(own),
        relay_anchors=() if relay is None else tuple(octets(each) for each in relay.anchors),
    )
