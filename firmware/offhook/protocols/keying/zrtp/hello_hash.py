"""The value of `a=zrtp-hash`: signalling names the Hello to come (RFC 6189 §8, §8.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from offhook.protocols.keying.zrtp.chain import image
from offhook.protocols.keying.zrtp.derivation import same
from offhook.protocols.keying.zrtp.messages import VERSION

_VALUE: Final = re.compile(r"([0-9]\.[0-9]{1,2})[ \t]+([0-9A-Fa-f]{64})[ \t]*")
"""The RFC's ABNF forgets the space that its example has."""


@dataclass(frozen=True, slots=True)
class HelloHash:
    """A version and the hash of a whole Hello message."""

    version: str
    octets: bytes

    @property
    def usable(self) -> bool:
        """Whether it is of a version that this phone speaks."""
        return self.version[:3] == VERSION[:3]

    def names(self, hello: bytes) -> bool:
        """Whether it is the hash of that message."""
        return same(image(hello), self.octets)


def parse_hello_hash(value: str) -> HelloHash | None:
    """Read the attribute's value; None where it is no version with 64 hexadecimal digits."""
    found = _VALUE.fullmatch(value)
    return HelloHash(found[1], bytes.fromhex(found[2])) if found else None


def format_hello_hash(hello: bytes) -> str:
    """The attribute's value for a Hello message of ours."""
    return f"{VERSION} {image(hello).hex()}"
