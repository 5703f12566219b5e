"""A value that can't be shown by accident."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

from offhook.base.errors import LocalError

SHOWN: Final = "•••"


class Secret:
    """Key material or a password: shows as `•••` in repr, str, format, json and tracebacks.

    `reveal()` is called only where a key is put to use; a test holds the list of those places.
    Comparison is constant-time. A Secret can't be pickled or copied into JSON.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes | str) -> None:
        self._octets = octets.encode() if isinstance(octets, str) else bytes(octets)

    def reveal(self) -> bytes:
        """The octets themselves."""
        return self._octets

    def __len__(self) -> int:
        return len(self._octets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> NoReturn:
        raise TypeError("a Secret has no hash: it must not be a key of a dict or a member of a set")

    def __repr__(self) -> str:
        return SHOWN

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(SHOWN, format_spec)

    def __reduce__(self) -> NoReturn:
        raise LocalError("a Secret can't be pickled")
