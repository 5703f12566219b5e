"""The hash chain that ties one side's messages together (RFC 6189 §8.1.1, §9).

Each message tells the next older image and ends in a MAC whose key comes with the message after it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from offhook.base.randomness import Randomness

MAC_OCTETS: Final = 8


def image(octets: bytes) -> bytes:
    """The next image: the implicit hash, which is SHA-256 whatever was negotiated (§5.1.2.2)."""
    return hashlib.sha256(octets).digest()


def sealed(octets: bytes, key: bytes) -> bytes:
    """The message with its last eight octets made the MAC of all before them."""
    body = octets[:-MAC_OCTETS]
    return body + hmac.digest(key, body, "sha256")[:MAC_OCTETS]


def is_sealed(octets: bytes, key: bytes) -> bool:
    """Whether the message's MAC is that of this key."""
    return hmac.compare_digest(sealed(octets, key), octets)


class HashChain:
    """Our own images, made for one stream and told one by one, `h3` first."""

    __slots__ = ("h0", "h1", "h2", "h3")

    def __init__(self, randomness: Randomness) -> None:
        self.h0 = randomness.octets(32)
        self.h1 = image(self.h0)
        self.h2 = image(self.h1)
        self.h3 = image(self.h2)


class PeerChain:
    """What is known of the peer's images; every message's MAC is checked as its key becomes known.

    `keep` remembers a message under the image that will be its MAC's key.
    """

    __slots__ = ("_known", "_messages")

    def __init__(self, h3: bytes, hello: bytes) -> None:
        self._known = {3: h3}
        self._messages = {2: hello}

    def keep(self, key: int, octets: bytes) -> None:
        """A message whose MAC will be checked with image number `key`."""
        self._messages[key] = octets

    def fits(self, number: int, octets: bytes) -> bool:
        """Whether `octets` is image `number` by the images that are known."""
        oldest = min(self._known)
        value = octets
        for _ in range(oldest - number):
            value = image(value)
        return oldest >= number and hmac.compare_digest(value, self._known[oldest])

    def learn(self, number: int, octets: bytes) -> bool:
        """Take image `number`, which fits; False where a message's MAC turns out to be wrong."""
        oldest = min(self._known)
        value = octets
        for each in range(number, oldest):
            self._known[each] = value
            value = image(value)
        return all(
            is_sealed(octets, self._known[key])
            for key, octets in self._messages.items()
            if key in self._known
        )
