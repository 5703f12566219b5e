"""What the telephone says, out of fragments rendered beforehand."""

from __future__ import annotations

from pathlib import Path

from offhook.base.errors import LocalError
from offhook.protocols.media.handset_messages import Say
from offhook.shells.audio.fragments import FragmentFolder
from offhook.shells.audio.port import COMMON


class Speech:
    """Reads the fragments of any language in `folder`; None: there are none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._languages: dict[str, FragmentFolder] = {}

    def __call__(self, wanted: Say) -> bytes:
        """What is to be said as samples of COMMON's rate. LocalError where it can't be had."""
        if self._folder is None:
            raise LocalError("the telephone was given no rendered prompts")
        if wanted.language not in self._languages:
            self._languages[wanted.language] = FragmentFolder(self._folder, wanted.language)
        return self._languages[wanted.language].speech(wanted.fragments, COMMON.rate)
