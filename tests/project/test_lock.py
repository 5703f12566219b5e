from __future__ import annotations

import re
import tomllib

import pytest
from scripts.lib import target
from tests.project.tree import ROOT

LOCKS = {name: (ROOT / "locks" / name).read_text() for name in ("runtime.txt", "development.txt")}
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def entries(lock: str) -> list[str]:
    """One text for each requirement, its hashes included."""
    return re.split(r"\n(?=\S)", LOCKS[lock].strip())


def pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        match = PIN.match(entry)
        assert match, entry
        found.setdefault(normal(match[1]), set()).add(match[2])
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[<>=!~;\[ ]", each, maxsplit=1)[0]) for each in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_with_hashes(lock: str) -> None:
    for entry in entries(lock):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_says_where_anything_comes_from(lock: str) -> None:
    assert "://" not in LOCKS[lock]
    assert not re.search(r"^\s*-(?!-hash=sha256:)", LOCKS[lock], re.MULTILINE)
    assert "#" not in LOCKS[lock]
    assert "@" not in LOCKS[lock]


def test_the_locks_hold_what_the_project_asks_for() -> None:
    asked = names(PROJECT["project"]["dependencies"])
    groups = {each for group in PROJECT["dependency-groups"].values() for each in group}
    assert asked | names(PROJECT["dependency-groups"]["build"]) <= set(pins("runtime.txt"))
    assert asked | names(sorted(groups)) <= set(pins("development.txt"))


def test_no_tool_for_development_is_locked_for_the_phone() -> None:
    tools = {
        each for name in ("lint", "test", "bench") for each in PROJECT["dependency-groups"][name]
    }
    assert not names(sorted(tools)) & set(pins("runtime.txt"))


def test_the_administrators_tool_is_locked_with_the_development_and_not_for_the_phone() -> None:
    wheel = tomllib.loads((ROOT / "provisioning" / "pyproject.toml").read_text())
    group = PROJECT["dependency-groups"]["provisioning"]
    ours = {"offhook", *names(PROJECT["project"]["dependencies"])}
    asked = wheel["project"]["dependencies"]
    assert {each for each in asked if not names([each]) & ours} <= set(group) <= set(asked)
    assert not names(["pyrage", "typer"]) & set(pins("runtime.txt"))


def test_both_locks_agree() -> None:
    runtime, development = pins("runtime.txt"), pins("development.txt")
    assert {name: development[name] for name in runtime} == runtime


def test_the_phones_packages_are_near_debian_13s() -> None:
    lines = (ROOT / "locks" / "debian-13.txt").read_text().splitlines()
    wanted = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    locked = pins("runtime.txt")
    for name, version in wanted.items():
        (found,) = locked[normal(name)]
        assert found == version or found.startswith(version.removesuffix("*")), name


def test_what_debian_lacks_comes_as_a_locked_wheel() -> None:
    """In the image each dependency is Debian's own package, but for these locked wheels."""
    of_debian = {
        "aioice",
        "audioop-lts",
        "cryptography",
        "dnspython",
        "msgspec",
        "pylibsrtp",
        "pyopenssl",
        "rich",
        "soxr",
    }
    assert names(PROJECT["project"]["dependencies"]) == of_debian | set(target.WHEELS)
