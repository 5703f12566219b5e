"""The key-exchange group, read from the server's handshake octets.

RFC 8446 §4.1.3, §4.1.4 and §4.2.8 (ServerHello's key_share, after any HelloRetryRequest) and
RFC 8422 §5.4 (ServerKeyExchange of TLS 1.2). Both travel in the clear.
"""

from __future__ import annotations

from typing import Final

from offhook.shells.net.records import HANDSHAKE

SERVER_HELLO: Final = 2
SERVER_KEY_EXCHANGE: Final = 12
SERVER_HELLO_DONE: Final = 14
KEY_SHARE: Final = 51
NAMED_CURVE: Final = 3
MAX_MESSAGE_OCTETS: Final = 2**17
HELLO_RETRY_RANDOM: Final = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
)
GROUPS: Final[dict[int, str]] = {
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    26: "brainpoolP256r1",
    27: "brainpoolP384r1",
    28: "brainpoolP512r1",
    29: "x25519",
    30: "x448",
    31: "brainpoolP256r1tls13",
    32: "brainpoolP384r1tls13",
    33: "brainpoolP512r1tls13",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    259: "ffdhe6144",
    260: "ffdhe8192",
    512: "MLKEM512",
    513: "MLKEM768",
    514: "MLKEM1024",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024",
}
"""IANA's TLS Supported Groups; a number absent here is shown in hexadecimal."""


class KeyExchangeReader:
    """Fed with the server's records until `done`; `group` is "" while none is known.

    A TLS 1.2 resumption has no key exchange of its own and leaves `group` empty. Octets that are
    no handshake end the reading without an error: refusing them is the TLS library's part.
    """

    def __init__(self) -> None:
        self.group = ""
        self.done = False
        self._buffer = bytearray()

    def receive(self, content_type: int, fragment: bytes) -> None:
        """Take one record of the server's."""
        if self.done or content_type != HANDSHAKE:
            return
        self._buffer += fragment
        while not self.done and len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[1:4], "big")
            if length > MAX_MESSAGE_OCTETS:
                self._finish()
                return
            if len(self._buffer) < 4 + length:
                return
            body = bytes(self._buffer[4 : 4 + length])
            kind = self._buffer[0]
            del self._buffer[: 4 + length]
            self._message(kind, body)

    def _message(self, kind: int, body: bytes) -> None:
        if kind == SERVER_HELLO:
            share = _key_share(body)
            if share is not None and body[2:34] != HELLO_RETRY_RANDOM:
                self._finish(share)
        elif kind == SERVER_KEY_EXCHANGE:
            named = len(body) >= 3 and body[0] == NAMED_CURVE
            self._finish(int.from_bytes(body[1:3], "big") if named else None)
        elif kind == SERVER_HELLO_DONE:
            self._finish()

    def _finish(self, group: int | None = None) -> None:
        self.done = True
        self._buffer.clear()
        if group is not None:
            self.group = GROUPS.get(group, f"0x{group:04x}")


def _key_share(hello: bytes) -> int | None:
    """The group in a ServerHello's key_share, or None: TLS 1.2, or too short to have one."""
    position = 2 + 32
    if len(hello) <= position:
        return None
    position += 1 + hello[position] + 2 + 1 + 2
    while len(hello) >= position + 4:
        kind = int.from_bytes(hello[position : position + 2], "big")
        length = int.from_bytes(hello[position + 2 : position + 4], "big")
        value = hello[position + 4 : position + 4 + length]
        if kind == KEY_SHARE and len(value) >= 2:
            return int.from_bytes(value[:2], "big")
        position += 4 + length
    return None
