"""Each contract of pyproject.toml is broken once on purpose: a contract that can't fail is none."""

from __future__ import annotations

import re
import subprocess
import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.project.tree import BIN, ROOT, copy_of_sources

LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {each["id"]: each for each in LINTER["contracts"]}
FORBIDDING = {name for name, each in CONTRACTS.items() if each["type"] == "forbidden"}


@dataclass(frozen=True)
class Violation:
    """A module `name` that imports `imports`."""

    name: str
    imports: tuple[str, ...]


OTHERS = {
    "floors": [
        Violation("offhook.base.bad", ("offhook.protocols", "offhook.phone", "offhook.app")),
        Violation("offhook.protocols.sip.bad", ("offhook.phone", "offhook.app")),
        Violation("offhook.phone.bad", ("offhook.app",)),
    ],
    "shells-floor": [
        Violation("offhook.base.bad", ("offhook.shells",)),
        Violation("offhook.shells.net.bad", ("offhook.app",)),
    ],
    "shells-are-strangers": [
        Violation("offhook.shells.store.bad", ("offhook.shells.net",)),
        Violation("offhook.shells.net.bad", ("offhook.shells.store",)),
    ],
}


def violations_of(contract: str) -> list[Violation]:
    if contract not in FORBIDDING:
        return OTHERS[contract]
    terms = CONTRACTS[contract]
    return [
        Violation(f"{source}.bad", tuple(terms["forbidden_modules"]))
        for source in terms["source_modules"]
    ]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_sources(tmp_path_factory.mktemp("tree"))


def path_of(tree: Path, module: str) -> Path:
    above = "firmware" if module.split(".", maxsplit=1)[0] == "offhook" else "provisioning"
    return tree / above / (module.replace(".", "/") + ".py")


def linted(tree: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "lint-imports"), "--no-logo", "--cache-dir", str(tree / "cache")]
    for each in contracts:
        command += ["--contract", each]
    environment = {"PYTHONPATH": "firmware:provisioning", "COLUMNS": "200", "LANG": "C.UTF-8"}
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def test_the_tree_as_it_is_keeps_every_contract(tree: Path) -> None:
    done = linted(tree)
    assert done.returncode == 0, done.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("contract", CONTRACTS)
def test_each_contract_is_broken_by_a_module_that_breaks_it(tree: Path, contract: str) -> None:
    violations = violations_of(contract)
    paths = [path_of(tree, each.name) for each in violations]
    for path, violation in zip(paths, violations, strict=True):
        path.write_text("".join(f"import {each}\n" for each in violation.imports))
    try:
        done = linted(tree, contract)
    finally:
        for path in paths:
            path.unlink()
    assert done.returncode == 1, done.stdout
    assert f"{CONTRACTS[contract]['name']} BROKEN" in done.stdout
    told = re.sub(r"\s+", " ", done.stdout)
    for violation in violations:
        for imported in violation.imports:
            assert f"{violation.name} -> {imported} " in told, (violation, imported)


def test_a_ban_reaches_through_modules_in_between(tree: Path) -> None:
    chain = {
        "offhook.protocols.sip.bad": "import offhook.base.between\n",
        "offhook.base.between": "import socket\n",
    }
    for module, text in chain.items():
        path_of(tree, module).write_text(text)
    try:
        done = linted(tree, "sans-io")
    finally:
        for module in chain:
            path_of(tree, module).unlink()
    assert "offhook.protocols is not allowed to import socket" in done.stdout


def test_a_new_room_beside_the_floors_is_noticed(tree: Path) -> None:
    room = tree / "firmware" / "offhook" / "attic"
    room.mkdir()
    (room / "__init__.py").touch()
    try:
        done = linted(tree, "floors")
    finally:
        (room / "__init__.py").unlink()
        room.rmdir()
    assert done.returncode == 1
    assert "attic" in done.stdout


def test_no_protocol_room_is_without_a_contract_of_its_own() -> None:
    rooms = {
        f"offhook.protocols.{each.name}"
        for each in (ROOT / "firmware/offhook/protocols").iterdir()
        if (each / "__init__.py").is_file()
    }
    bound = {
        source
        for name in FORBIDDING
        for source in CONTRACTS[name]["source_modules"]
        if any(
            each.startswith("offhook.protocols.") for each in CONTRACTS[name]["forbidden_modules"]
        )
    }
    assert rooms <= bound


BANNED = {
    "open": 'open("x")',
    "os.urandom": "import os\nos.urandom(4)",
    "os.urandom by another name": "from os import urandom as chance\nchance(4)",
    "datetime.now": "import datetime as dt\ndt.datetime.now(dt.UTC)",
    "datetime.utcnow": "from datetime import datetime\ndatetime.utcnow()",
    "date.today": "from datetime import date\ndate.today()",
    "uuid4": "import uuid\nuuid.uuid4()",
    "import_module": "import importlib\nimportlib.import_module('socket')",
}


def rules(text: str, folder: str) -> set[str]:
    command = [str(BIN / "ruff"), "check", "--output-format=concise", "--no-cache"]
    name = f"firmware/offhook/{folder}/bad.py"
    done = subprocess.run(
        [*command, "--stdin-filename", name, "-"],
        input=text,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return set(re.findall(r" ([A-Z]+[0-9]+) ", done.stdout))


@pytest.mark.parametrize(
    ("what", "folder"), list(product(BANNED, ["base", "protocols/sip", "phone/call"]))
)
def test_what_needs_the_world_is_banned_where_machines_think(what: str, folder: str) -> None:
    assert rules(BANNED[what], folder) & {"TID251", "PTH123"}


@pytest.mark.parametrize("folder", ["shells/store", "app"])
def test_control_the_floors_that_touch_the_world_are_let_off(folder: str) -> None:
    assert not rules(BANNED["os.urandom"], folder) & {"TID251"}
