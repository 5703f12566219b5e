from __future__ import annotations

import string

import pytest
from board.image.firmware import CHANGED, boot_script
from board.image.recipe import read_recipe
from board.image.uboot import (
    ENVIRONMENT_SIZE,
    built_in_environment,
    environment_file,
    read_environment,
    script_image,
    script_text,
)
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = boot_script(read_recipe())
NAMES = st.text(string.ascii_letters + "_", min_size=1, max_size=12)
VALUES = st.text(string.ascii_letters + string.digits + " ;${}=/:,", min_size=1, max_size=40)


@given(st.text(string.printable, max_size=400))
def test_a_script_reads_as_it_was_written(text: str) -> None:
    assert script_text(script_image(text, "Offhook", 1)) == text


@pytest.mark.parametrize("at", [5, 40, 70, -1])
def test_a_damaged_script_is_refused(at: int) -> None:
    image = bytearray(script_image(SCRIPT, "Offhook", 1))
    image[at] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        script_text(bytes(image))


MKIMAGE = bytes.fromhex(
    "27051956cce1cb456553f1000000001300000000000000003db55e6f05160600"
    "4f6666686f6f6b000000000000000000000000000000000000000000000000000"
    "000000b000000006563686f2068656c6c6f0a"
)
"""By mkimage 2023.01 -A arm64 -O linux -T script -C none -n Offhook, at 1700000000."""


def test_a_script_is_what_mkimage_makes() -> None:
    assert script_image("echo hello\n", "Offhook", 1_700_000_000) == MKIMAGE


@given(st.dictionaries(NAMES, VALUES, max_size=20))
def test_an_environment_reads_as_it_was_written(values: dict[str, str]) -> None:
    file = environment_file(values)
    assert len(file) == ENVIRONMENT_SIZE
    assert {name: value for name, value in read_environment(file).items() if name} == values


def test_an_environment_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="octets of"):
        environment_file({"a": "x" * ENVIRONMENT_SIZE})


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_the_built_in_environment_is_found_within_a_program(values: dict[str, str]) -> None:
    whole = {**{name: value for name, value in values.items() if name != "bootcmd"}, "bootcmd": "x"}
    strings = b"".join(f"{name}={value}".encode() + b"\0" for name, value in whole.items())
    program = b"\x7fELF some text\0more\0\0" + strings + b"\0\0\x01after=this\0"
    assert built_in_environment(program) == whole


def test_a_program_without_an_environment_is_refused() -> None:
    with pytest.raises(ValueError, match="no default environment"):
        built_in_environment(b"\0" * 100)


def test_usb_stays_untouched_and_the_serial_line_stops_nothing() -> None:
    assert CHANGED["preboot"] == "true"
    assert CHANGED["bootdelay"] == "-2"


def test_nothing_is_left_open_in_the_script() -> None:
    assert "@" not in SCRIPT
    assert SCRIPT.isascii()
    words = [line.split()[0] for line in SCRIPT.splitlines()]
    assert words.count("if") == words.count("fi")
    assert words.count("for") == words.count("done")


def test_the_root_is_named_by_its_partition() -> None:
    assert "root=PARTUUID=0ff4001c-0${root_part}" in SCRIPT
    assert "setenv boot_part 5\n" in SCRIPT
    assert "setenv root_part 7\n" in SCRIPT
    assert "setenv boot_part 6\n" in SCRIPT
    assert "setenv root_part 8\n" in SCRIPT


def test_device_and_number_are_set_where_nobody_set_them() -> None:
    assert 'test -n "${devtype}" || setenv devtype mmc' in SCRIPT
    assert 'test -n "${devnum}" || setenv devnum 0' in SCRIPT


def addresses(machine: int) -> dict[str, int]:
    part = SCRIPT.split("qemu-arm")[1].split("else", 1)[machine].split("\nfi\n", maxsplit=1)[0]
    words = [line.split() for line in part.splitlines()]
    return {
        word[1]: int(word[2], 16)
        for word in words
        if word[:1] == ["setenv"] and len(word) == 3 and word[2].startswith("0x")
    }


@pytest.mark.parametrize("machine", [0, 1])
def test_kernel_and_initramfs_have_room(machine: int) -> None:
    at = addresses(machine)
    room = at["initrd_at"] - at["kernel_at"]
    assert room >= 72 << 20
    if "tree_at" in at:
        assert at["tree_at"] - at["initrd_at"] >= 32 << 20
    assert at["kernel_at"] % (2 << 20) == 0
    assert at["packed_at"] - at["initrd_at"] >= 32 << 20
