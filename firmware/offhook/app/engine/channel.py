"""Commands and reports as datagrams of the engine's channel: ["Name", {fields}] in MessagePack.

The one place besides the crypto calls where a Secret is opened: the channel is a socket pair
between two processes of the same phone, and keys have to cross it.
"""

from __future__ import annotations

import typing
from typing import Any, Final

import msgspec

from offhook.base.errors import LocalError, PeerError
from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine
from offhook.protocols.media.messages import Command, LocalReady, Report, SetRemote

MAX_MESSAGE: Final = 16 * 1024
"""Octets of a message; a datagram that is longer is refused by either side."""

Message = Command | Report


def _encode_foreign(value: object) -> bytes:
    if isinstance(value, Secret):
        return value.reveal()
    raise LocalError(f"{type(value).__name__} does not cross the channel")


def _decode_foreign(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, bytes):
        return Secret(value)
    raise PeerError(f"{kind.__name__} does not cross the channel")


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_encode_foreign)
_ENVELOPE: Final = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])


def _decoders(union: object) -> dict[str, msgspec.msgpack.Decoder[Any]]:
    return {
        kind.__name__: msgspec.msgpack.Decoder(kind, dec_hook=_decode_foreign)
        for kind in typing.get_args(union)
    }


_COMMANDS: Final = _decoders(Command)
_REPORTS: Final = _decoders(Report)


def encode(message: Message) -> bytes:
    """One message as a datagram; LocalError where it is too long."""
    datagram = _ENCODER.encode((type(message).__name__, message))
    if len(datagram) > MAX_MESSAGE:
        raise LocalError(f"a {type(message).__name__} of {len(datagram)} octets is too long")
    return datagram


def decode_command(datagram: bytes) -> Command:
    """The command in a datagram; PeerError where there is none."""
    command: Command = _decode(datagram, _COMMANDS)
    return command


def decode_report(datagram: bytes) -> Report:
    """The report in a datagram; PeerError where there is none."""
    report: Report = _decode(datagram, _REPORTS)
    return report


def _decode(datagram: bytes, decoders: dict[str, msgspec.msgpack.Decoder[Any]]) -> Any:
    if len(datagram) > MAX_MESSAGE:
        raise PeerError(f"a message of {len(datagram)} octets is too long")
    try:
        name, fields = _ENVELOPE.decode(datagram)
        decoder = decoders.get(name)
        if decoder is None:
            raise PeerError("a message of an unknown type")
        message = decoder.decode(fields)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The text names the path of the fault, never the value: it may be a key.
        raise PeerError(f"a message that can't be read: {type(error).__name__}") from None
    for line in _crypto_lines(message):
        if SUITES.get(line.suite.name) != line.suite:
            raise PeerError("a message with an unknown SRTP suite")
    return message


def _crypto_lines(message: Message) -> tuple[CryptoLine, ...]:
    if isinstance(message, SetRemote):
        return () if message.keys is None else (message.keys.send, message.keys.receive)
    if isinstance(message, LocalReady):
        return message.crypto
    return ()
