"""What U-Boot reads from the card: its script and its environment (U-Boot 2025.01, doc/usage).

The script is a legacy image of type "script"; the environment a CRC-32 and `name=value` strings,
each ended by a zero octet, padded to the size that U-Boot was built with.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from typing import Final

ENVIRONMENT_SIZE: Final = 0x4000
"""CONFIG_ENV_SIZE of Debian's rpi_arm64."""
_MAGIC: Final = 0x27051956
_LINUX: Final = 5
_ARM64: Final = 22
_SCRIPT: Final = 6
_NAMED: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*=")


def script_image(text: str, name: str, epoch: int) -> bytes:
    """A boot script as U-Boot's `source` wants it; `epoch` is the time that it bears."""
    body = text.encode("ascii")
    data = struct.pack(">II", len(body), 0) + body
    kind = bytes([_LINUX, _ARM64, _SCRIPT, 0])
    title = name.encode("ascii")[:32].ljust(32, b"\0")
    fields = (epoch & 0xFFFFFFFF, len(data), 0, 0, zlib.crc32(data))
    header = struct.pack(">II5I", _MAGIC, 0, *fields) + kind + title
    checked = struct.pack(">II", _MAGIC, zlib.crc32(header)) + header[8:]
    return checked + data


def script_text(image: bytes) -> str:
    """The script within an image. Raises ValueError where one of its sums is wrong."""
    magic, header_sum = struct.unpack(">II", image[:8])
    length, data_sum = struct.unpack(">I8xI", image[12:28])
    blank = image[:4] + bytes(4) + image[8:64]
    data = image[64 : 64 + length]
    if magic != _MAGIC or zlib.crc32(blank) != header_sum or zlib.crc32(data) != data_sum:
        raise ValueError("no boot script, or a damaged one")
    return data[8 : 8 + struct.unpack(">I", data[:4])[0]].decode("ascii")


def built_in_environment(program: bytes) -> dict[str, str]:
    """The default environment that a U-Boot was built with.

    A file on the card replaces it as a whole, so that ours must begin with it. Raises ValueError
    where it isn't found.
    """
    at = program.find(b"\0bootcmd=")
    if at < 0:
        raise ValueError("no default environment in this U-Boot")
    start = at + 1
    while True:
        before = program.rfind(b"\0", 0, start - 1) + 1
        if not _NAMED.match(program[before:start]):
            break
        start = before
    end = program.find(b"\0\0", start)
    strings = program[start:end].split(b"\0")
    pairs = (each.decode("ascii").partition("=") for each in strings)
    return {name: value for name, _, value in pairs}


def environment_file(values: Mapping[str, str], size: int = ENVIRONMENT_SIZE) -> bytes:
    """The file `uboot.env`. Raises ValueError where the values don't fit."""
    body = b"".join(f"{name}={value}".encode("ascii") + b"\0" for name, value in values.items())
    room = size - 4
    if len(body) + 1 > room:
        raise ValueError(f"the environment takes {len(body)} octets of {room}")
    padded = body.ljust(room, b"\0")
    return struct.pack("<I", zlib.crc32(padded)) + padded


def read_environment(file: bytes) -> dict[str, str]:
    """The values of an `uboot.env`. Raises ValueError where its sum is wrong."""
    (checksum,) = struct.unpack("<I", file[:4])
    if zlib.crc32(file[4:]) != checksum:
        raise ValueError("the environment's sum is wrong")
    strings = file[4:].split(b"\0\0", 1)[0].split(b"\0")
    return {name: value for name, _, value in (each.decode().partition("=") for each in strings)}
