"""Debian's archive, asked through apt with a state of its own, at this machine's mirror."""

from __future__ import annotations

import email.utils
import hashlib
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from board.image.recipe import Manifest, Package, Recipe
from board.image.tools import BuildError, run

KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_ESSENTIAL: Final = "?and(?essential,?not(?exact-name(apt)))"
"""apt takes itself for essential; the image does without it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A suite of the archive and where this machine gets it."""

    address: str
    suite: str
    components: tuple[str, ...]

    def line(self) -> str:
        """As apt's sources.list has it."""
        return f"deb [signed-by={KEYRING}] {self.address} {self.suite} {' '.join(self.components)}"


def sources(recipe: Recipe) -> list[Source]:
    """The suites of the recipe at this machine's mirror.

    Raises BuildError where apt knows no Debian archive.
    """
    known = mirrors()
    release, main = recipe.release, known["Debian"]
    found = [(main, f"{release}{part}") for part in ("", "-updates", "-backports")]
    if "Debian-Security" in known:
        found.append((known["Debian-Security"], f"{release}-security"))
    return [Source(address, suite, recipe.components) for address, suite in found]


def mirrors() -> dict[str, str]:
    """Where this machine's apt gets "Debian" from, and "Debian-Security" if it does.

    Raises BuildError where apt knows no Debian archive.
    """
    query = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)"]
    told = run(*query, "Created-By: Packages")
    if "Debian|" not in told:
        run("apt-get", "update", "-qq")
        told = run(*query, "Created-By: Packages")
    rows = [line.split("|") for line in told.splitlines()]
    known = {row[1]: row[2] for row in reversed(rows) if row[0] == "Debian"}
    if "Debian" not in known:
        raise BuildError(
            "apt is set up with no Debian archive, so there is nowhere to get one from"
        )
    return known


def proxy_options() -> list[str]:
    """The proxy that apt uses, as an option for mmdebstrap."""
    told = run("apt-config", "dump", "--format", "%f %v%n", "Acquire::http::Proxy").split()
    return [f'--aptopt=Acquire::http::Proxy "{told[1]}"'] if len(told) == 2 else []


def preferences(recipe: Recipe) -> str:
    """The pin for what comes from backports."""
    names = " ".join(recipe.backports)
    return f"Package: {names}\nPin: release n={recipe.release}-backports\nPin-Priority: 600\n"


class Archive:
    """apt with its own state in `folder`: nothing of this machine's packages takes part."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        """Set apt up; `update` fetches the indexes."""
        for each in ("etc/preferences.d", "etc/apt.conf.d", "state/lists/partial", "cache/partial"):
            (folder / each).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        architecture = recipe.architecture
        options = {
            "Dir": folder,
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc": folder / "etc",
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": 3,
        }
        lines = [f'{name} "{value}";' for name, value in options.items()]
        lines.append(f'APT::Architectures {{ "{architecture}"; }};')
        self._configuration = folder / "apt.conf"
        self._configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        listed = "\n".join(each.line() for each in sources(recipe))
        (folder / "etc" / "sources.list").write_text(listed + "\n", encoding="utf-8")
        (folder / "etc" / "preferences.d" / "offhook").write_text(preferences(recipe), "utf-8")

    def update(self) -> None:
        """Fetch what the mirror has now. Raises BuildError."""
        self._apt("apt-get", "update", "-qq")

    def offered(self) -> dict[tuple[str, str], Package]:
        """Every package of the indexes by name and version, and in which suite it is."""
        query = ("apt-get", "indextargets", "--format", "$(CODENAME)|$(FILENAME)")
        found: dict[tuple[str, str], Package] = {}
        for line in self._apt(*query, "Created-By: Packages").splitlines():
            suite, _, file = line.partition("|")
            for each in _stanzas(Path(file)):
                key = each["Package"], each["Version"]
                found[key] = Package(
                    *key, each["Architecture"], suite, int(each["Size"]), each["SHA256"]
                )
        return found

    def resolve(self, names: Iterable[str]) -> set[tuple[str, str]]:
        """What apt would install for `names` into an empty root: names and versions."""
        planned = self._apt(
            "apt-get", "install", "--print-uris", "--yes", "-qq", _ESSENTIAL, *names
        )
        files = [line.split()[1] for line in planned.splitlines() if line.startswith("'")]
        parts = [urllib.parse.unquote(file).split("_") for file in files]
        return {(part[0], part[1]) for part in parts}

    def epoch(self, suite: str) -> int:
        """When the suite's index was made, in seconds since 1970."""
        query = ("apt-get", "indextargets", "--format", "$(FILENAME)")
        for file in self._apt(*query, "Created-By: Packages", f"Codename: {suite}").splitlines():
            head = Path(file.rsplit(f"_{suite}_", 1)[0] + f"_{suite}_InRelease")
            for line in head.read_text(encoding="utf-8").splitlines():
                if line.startswith("Date: "):
                    when = email.utils.parsedate_to_datetime(line[6:])
                    return int(when.timestamp())
        raise BuildError(f"the index of {suite} bears no date")

    def download(self, package: Package, folder: Path) -> Path:
        """Fetch one package and check its hash; its file. Raises BuildError."""
        folder.mkdir(parents=True, exist_ok=True)
        version = package.version.replace(":", "%3a")
        file = folder / f"{package.name}_{version}_{package.architecture}.deb"
        if not file.is_file():
            self._apt("apt-get", "download", "-qq", f"{package.name}={package.version}", at=folder)
        if hashlib.sha256(file.read_bytes()).hexdigest() != package.sha256:
            raise BuildError(f"{file.name} has another hash than the manifest says")
        return file

    def _apt(self, *command: str, at: Path | None = None) -> str:
        return run(*command, environment={"APT_CONFIG": str(self._configuration)}, folder=at)


def current_manifest(recipe: Recipe, archive: Archive) -> Manifest:
    """A manifest of what the mirror has now. Raises BuildError where something is absent."""
    offered = archive.offered()
    chosen = archive.resolve(recipe.packages)
    packages = [offered[key] for key in sorted(chosen)]
    for name in recipe.unpacked:
        (key,) = (each for each in archive.resolve([name]) if each[0] == name)
        if key not in chosen:
            packages.append(_unpacked(offered[key]))
    return Manifest(recipe.release, archive.epoch(recipe.release), tuple(packages))


def _unpacked(package: Package) -> Package:
    return Package(
        package.name,
        package.version,
        package.architecture,
        package.suite,
        package.size,
        package.sha256,
        installed=False,
    )


def absent(manifest: Manifest, archive: Archive) -> list[str]:
    """What the manifest names and the mirror doesn't have, or has with another hash."""
    offered = archive.offered()
    lines = []
    for each in manifest.packages:
        there = offered.get((each.name, each.version))
        if there is None:
            now = [version for name, version in offered if name == each.name]
            lines.append(
                f"{each.name} {each.version} is gone (there is {', '.join(now) or 'none'})"
            )
        elif there.sha256 != each.sha256:
            lines.append(f"{each.name} {each.version} has another hash than the manifest says")
    return lines


def _stanzas(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        stanza: dict[str, str] = {}
        for line in lines:
            if line == "\n":
                yield stanza
                stanza = {}
            elif not line.startswith(" "):
                name, _, value = line.partition(":")
                stanza[name] = value.strip()
        if stanza:
            yield stanza
