"""The emulator's parts that need no emulator: card, console, picture, wiring, command lines."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from board.emulator import desk, needs, wiring
from board.emulator.administrator import laid_down
from board.emulator.card import Card
from board.emulator.hands import Hands
from board.emulator.machine import Board, EmulationError, Machine, Terms
from board.emulator.view import LOOKS, view_of
from board.image import filesystems
from board.image.partitions import place
from board.image.recipe import read_recipe
from board.image.tools import ROOT, BuildError, run

from offhook.base.schema.hardware_profile import read_hardware_profile
from offhook.base.schema.settings import load_settings

RECIPE = read_recipe()
PLACED = {each.name: each for each in place(RECIPE.partitions, RECIPE.card_mib)}


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card with boot_a and an empty data partition."""
    folder = tmp_path_factory.mktemp("card")
    boot = folder / "boot"
    boot.mkdir()
    (boot / "vmlinuz").write_bytes(b"kernel")
    (boot / "initrd.img").write_bytes(b"initramfs")
    (boot / "slot.env").write_text("slot_arguments=quiet systemd.debug_shell=console\n")
    parts = {name: folder / name for name in ("boot_a", "data")}
    filesystems.make_ext4(parts["boot_a"], PLACED["boot_a"].size, "boot_a", 0, boot)
    filesystems.make_ext4(parts["data"], PLACED["data"].size, "data", 0)
    image = folder / "offhook.img"
    size = RECIPE.card_mib << 20
    filesystems.assemble(image, size, {}, parts, list(PLACED.values()))
    return image


def on_data(card: Card, command: str) -> str:
    return run("debugfs", "-R", command, f"{card.path}?offset={PLACED['data'].offset}")


def test_what_is_laid_down_is_on_the_data_partition_and_secrets_are_root_s_alone(
    blank: Path, tmp_path: Path
) -> None:
    card = Card.copied(blank, tmp_path / "card.img")
    card.lay({"settings/settings.toml": b"x = 1\n", "settings/a": b"", "secrets/home": b"\0pw\n"})
    assert on_data(card, "cat /settings/settings.toml") == "x = 1\n"
    assert on_data(card, "cat /secrets/home") == "\0pw\n"
    assert "Mode:  0600" in on_data(card, "stat /secrets/home")
    assert "Mode:  0644" in on_data(card, "stat /settings/a")
    assert "settings" not in on_data(Card(blank), "ls /"), "the image itself stays as it is"


def test_a_file_that_the_data_partition_does_not_take_is_no_silence(
    blank: Path, tmp_path: Path
) -> None:
    card = Card.copied(blank, tmp_path / "card.img")
    card.lay({"settings/a": b"before"})
    with pytest.raises(BuildError, match="can't take settings/a"):
        card.lay({"settings/a": b"after"})
    with pytest.raises(BuildError, match="has no no/such/folder in its partition data"):
        card.lay({"no/such/folder": b""})


def test_a_folder_s_name_may_have_spaces(
    blank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "the lab's own"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    card = Card.copied(blank, folder / "card.img")
    card.lay({"settings/a": b"x"})
    assert card.kernel_files(folder).kernel.read_bytes() == b"kernel"


def test_a_card_without_a_kernel_says_which_file_it_lacks(blank: Path, tmp_path: Path) -> None:
    card = Card.copied(blank, tmp_path / "card.img")
    boot = f"{card.path}?offset={PLACED['boot_a'].offset}"
    run("debugfs", "-w", "-R", "rm /initrd.img", boot)
    with pytest.raises(BuildError, match=r"no initrd\.img in its partition boot_a"):
        card.kernel_files(tmp_path)


def test_a_machine_without_u_boot_gets_the_boot_script_s_own_arguments(
    blank: Path, tmp_path: Path
) -> None:
    files = Card(blank).kernel_files(tmp_path)
    assert files.kernel.read_bytes() == b"kernel"
    assert files.initrd.read_bytes() == b"initramfs"
    assert files.arguments.startswith(f"root=PARTUUID={RECIPE.identity:08x}-07 rootfstype=squashfs")
    assert files.arguments.endswith("offhook.slot=A quiet systemd.debug_shell=console")
    assert "$" not in files.arguments


QEMU = """\
#!{python}
import json, socket, sys
named = [each.replace("unix:", "path=").partition("path=")[2] for each in sys.argv]
ends = [each.partition(",")[0] for each in named if each]
servers = []
for path in ends:
    servers.append(socket.socket(socket.AF_UNIX))
    servers[-1].bind(path)
    servers[-1].listen()
console, _ = servers[1].accept()
monitor, _ = servers[0].accept()
monitor.sendall(b'{{"QMP": {{}}}}\\n')
for line in monitor.makefile():
    if json.loads(line)["execute"] == "system_reset":
        break
    monitor.sendall(b'{{"event": "RESUME"}}\\n{{"return": {{}}}}\\n')
"""


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands in for QEMU: a console, and a monitor until the button is pressed."""
    program = tmp_path / "bin/qemu-system-aarch64"
    program.parent.mkdir()
    program.write_text(QEMU.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


def test_a_machine_that_has_ended_says_so_and_is_closed_twice(
    blank: Path, qemu: Path, tmp_path: Path
) -> None:
    assert qemu.is_file()
    with closing(Machine(Card(blank), tmp_path, Terms(Board.VIRT, "none"))) as machine:
        machine.set_network(plugged=False)
        for _ in range(3):
            with pytest.raises(EmulationError, match="the emulator is gone"):
                machine.reset()
        machine.close()
    assert machine.console.fileno() == -1


def test_a_qemu_that_does_not_start_is_told_with_what_it_said(
    blank: Path, qemu: Path, tmp_path: Path
) -> None:
    qemu.write_text("#!/bin/sh\necho no such device >&2\nexit 1\n")
    with pytest.raises(EmulationError, match="QEMU doesn't start: no such device"):
        Machine(Card(blank), tmp_path, Terms(Board.VIRT, "none"))


class Console:
    """Stands in for a machine: the other end of its console."""

    def __init__(self, log: Path) -> None:
        self.console, self.end = socket.socketpair()
        self.log, self.started_at = log, 0.0
        self._serving: list[threading.Thread] = []

    def last_line(self) -> str:
        return "Kernel panic"

    def serve(self, answer: Callable[[dict[str, Any]], bytes]) -> None:
        def serving() -> None:
            with self.end.makefile("rb") as lines:
                for line in lines:
                    self.end.sendall(answer(json.loads(line)))

        self._serving.append(threading.Thread(target=serving, daemon=True))
        self._serving[-1].start()

    def close(self) -> None:
        with suppress(OSError):
            self.console.shutdown(socket.SHUT_RDWR)
        for each in self._serving:
            each.join()
        self.end.close()
        self.console.close()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with closing(Console(tmp_path / "console.log")) as made:
        yield made


def hands_at(console: Console, *happened: list[dict[str, Any]]) -> Hands:
    return Hands(cast("Machine", console), happened[0].append if happened else lambda _: None)


def test_an_answer_is_found_among_what_else_the_console_says(console: Console) -> None:
    happened: list[dict[str, Any]] = []
    hands = hands_at(console, happened)

    def answer(request: dict[str, Any]) -> bytes:
        other = b'[ 1.3] printk\r\n@workbench no json\r\n@workbench {"event":{"event":"line"}}\r\n'
        told = json.dumps({"id": request["id"], "told": request["pin"]})
        return other + f"# \r\n\x1b[0m@workbench {told}\r\n".encode()

    console.serve(answer)
    assert [hands.ask("look", pin=pin) for pin in (4, 13)] == [4, 13]
    assert happened == [{"event": "line"}, {"event": "line"}]


def test_what_the_workbench_can_not_do_is_told_with_its_reason(console: Console) -> None:
    hands = hands_at(console)

    def answer(request: dict[str, Any]) -> bytes:
        told = json.dumps({"id": request["id"], "error": "OSError: no such pin"})
        return f"@workbench {told}\n".encode()

    console.serve(answer)
    with pytest.raises(EmulationError, match="no such pin"):
        hands.contact(99, closed=True)


def test_a_program_that_fails_is_told_with_what_it_said(console: Console) -> None:
    hands = hands_at(console)

    def answer(request: dict[str, Any]) -> bytes:
        return f"@workbench {json.dumps({'id': request['id'], 'told': [3, 'no']})}\n".encode()

    console.serve(answer)
    with pytest.raises(EmulationError, match="offhook status ended with 3:\nno"):
        hands.run("offhook", "status")


def test_a_console_that_is_silent_or_ends_is_no_endless_wait(console: Console) -> None:
    hands = hands_at(console)
    with pytest.raises(EmulationError, match="no answer to hello"):
        hands.ask("hello", within_s=0.05)
    console.console.shutdown(socket.SHUT_RDWR)
    with pytest.raises(EmulationError, match=r"the machine ended.*ends with: Kernel panic"):
        hands.arrive(within_s=60)


def test_a_line_that_is_no_answer_ends_nothing(console: Console) -> None:
    hands = hands_at(console)

    def answer(request: dict[str, Any]) -> bytes:
        other = b'@workbench {}\n@workbench {"id": []}\n@workbench {"id": 99, "told": 1}\n'
        told = json.dumps({"id": request["id"], "told": "here"})
        return other + f"@workbench {told}\n".encode()

    console.serve(answer)
    assert hands.ask("status", within_s=5) == "here"


def test_without_a_terminal_it_complains_before_anything_is_built() -> None:
    command = str(ROOT / "scripts" / "emulate")
    done = subprocess.run(
        [command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert "at a terminal" in done.stderr
    assert done.stdout == ""


def test_a_root_without_a_roots_rights_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused: list[str] = []

    def allowed(*command: str | Path) -> bool:
        return not any(each in map(str, command) for each in refused)

    monkeypatch.setattr(needs, "_allowed", allowed)
    monkeypatch.setattr(needs, "_BINFMT", Path("/nonexistent"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert needs.building_obstacle() is None
    refused.append("binfmt_misc")
    assert "binfmt_misc" in str(needs.building_obstacle())
    refused.append("tmpfs")
    assert "mount" in str(needs.building_obstacle())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "rights of root" in str(needs.obstacle())
    assert "rights of root" in str(needs.building_obstacle())


def test_the_emulated_wiring_is_a_profile_that_the_phone_takes() -> None:
    profile = read_hardware_profile(wiring.KEYPAD)
    assert profile.chips == (wiring.CHIP,)
    assert (wiring.HOOK, wiring.BELL, wiring.MUTE) == (4, 13, 17)
    assert wiring.keys_of("1#") == [(22, 5), (25, 16)]
    with pytest.raises(KeyError):
        wiring.keys_of("A")


def test_what_the_administrator_lays_down_are_settings_that_the_phone_takes(tmp_path: Path) -> None:
    anchor = tmp_path / "ca.pem"
    anchor.write_bytes(b"certificate")
    account = 'user = "20"\ndomain = "a.test"\nserver = "10.77.0.1:5061"\ntrunk = "generic"\n'
    files = laid_down("home", account, anchor, b"pw")
    settings = load_settings(files["settings/settings.toml"])
    assert [each.name for each in settings.accounts] == ["home"]
    assert files["settings/home.pem"] == b"certificate"
    assert files["secrets/home"] == b"pw"
    assert settings.handset.profile is not None
    assert f"settings/{settings.handset.profile}" in files


def status(**phone: object) -> dict[str, Any]:
    return {
        "accounts": [{"address": "sip:20@lab.test", "registered": True, "failure": None}],
        "phone": {
            "lifted": True,
            "line": "talking",
            "muted": False,
            "lamps": {"security": "ready"},
            "sound": {"reason": None},
            "calls": [],
            **phone,
        },
    }


def test_the_picture_shows_what_the_phone_says() -> None:
    call = {
        "peer": "sip:31@lab.test",
        "direction": "incoming",
        "state": "talking",
        "held": False,
        "trust": "hop by hop",
        "reasons": ["a", "b"],
        "suite": None,
        "talked_s": 3.0,
    }
    view = view_of(status(calls=[call]))
    assert (view.off_hook, view.account) == (True, "registered as 20@lab.test")
    assert view.calls[0].reason == "a; b"
    assert [look.name for _, look in view.lamps] == ["ready"]
    assert {"hop by hop", "dark", "ready"} <= LOOKS.keys()


def test_the_picture_of_a_phone_that_is_not_there_says_so() -> None:
    assert view_of({}).account == "the phone isn't there"


def desk_at(
    console: Console, monkeypatch: pytest.MonkeyPatch, keys: Sequence[str]
) -> list[dict[str, Any]]:
    """Serve a desk at which these are typed; what its pins were asked for."""
    asked: list[dict[str, Any]] = []

    class Typed:
        def __init__(self, on_key: Callable[[str], None], _view: object) -> None:
            self.on_key = on_key

        def open(self) -> None:
            for each in keys:
                self.on_key(each)

        def close(self) -> None:
            pass

    def answer(request: dict[str, Any]) -> bytes:
        told: dict[str, Any] = {"id": request["id"], "told": {}}
        if request["do"] != "status":
            asked.append(request)
            told = {"id": request["id"], "error": "OSError: no such pin"}
        if request["do"] == "press":
            told = {"id": request["id"], "told": None}
        return f"@workbench {json.dumps(told)}\n".encode()

    async def serve() -> None:
        await asyncio.wait_for(desk.Desk(cast("Machine", console)).serve(), 20)

    monkeypatch.setattr(desk, "TerminalHandset", Typed)
    console.serve(answer)
    with pytest.raises(EmulationError, match="no such pin"):
        asyncio.run(serve())
    return asked


def test_pins_that_do_not_answer_end_the_desk_and_a_key_that_it_lacks_does_not(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = desk_at(console, monkeypatch, ["A", "1", "hook"])
    assert [each["do"] for each in asked] == ["press", "contact"]
    assert asked[0]["keys"] == [[22, 5]]


def test_a_phone_that_never_registers_is_told_in_words(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        await desk.Desk(cast("Machine", console)).check()

    console.serve(lambda request: f'@workbench {{"id": {request["id"]}, "told": {{}}}}\n'.encode())
    monkeypatch.setattr(desk, "BOOT_S", 0.2)
    with pytest.raises(EmulationError, match=r"no registration within 0\.2 s"):
        asyncio.run(check())


@pytest.mark.parametrize("why", ["the kernel has no /dev/net/tun", None])
def test_what_is_in_the_way_is_one_line(
    why: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(desk, "obstacle", lambda **_: why)
    monkeypatch.setattr(desk, "_run", full)
    assert desk.main(["--image", "nowhere"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("scripts/emulate: ")
    assert (why or "No space left") in line
