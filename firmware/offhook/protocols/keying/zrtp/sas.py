"""The short authentication string as people say it (RFC 6189 §4.5.2, §5.1.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.sas_words import words_of
from offhook.protocols.keying.zrtp.algorithms import SasType

_LETTERS: Final = "ybndrfg8ejkmcpqxot1uwisza345h769"


@dataclass(frozen=True, slots=True)
class Sas:
    """What both people compare: four letters and digits, or two words. It is no secret."""

    type: SasType
    value: bytes
    """The leftmost 32 bits of sashash."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What is said, one after the other."""
        if self.type is SasType.B256:
            return words_of(self.value[:2])
        return tuple(base32(int.from_bytes(self.value, "big")))

    @property
    def text(self) -> str:
        """What is shown."""
        return (" " if self.type is SasType.B256 else "").join(self.parts)


def base32(bits: int) -> str:
    """The leftmost 20 of 32 bits as four characters."""
    if not 0 <= bits < 1 << 32:
        raise LocalError("a SAS has 32 bits")
    return "".join(_LETTERS[bits >> shift & 31] for shift in (27, 22, 17, 12))
