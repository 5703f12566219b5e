"""Python packages that Debian doesn't have: locked wheels, lgpio from its source, and the phone."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from board.image.recipe import Locked, Recipe, read_lock
from board.image.tools import ROOT, BuildError, in_root, run

PACKAGES: Final = "usr/lib/python3/dist-packages"
PYTHON: Final = "3.13"
_TRIPLE: Final = "aarch64-linux-gnu"
_PLATFORMS: Final = tuple(
    f"manylinux{each}_aarch64" for each in ("_2_39", "_2_34", "_2_28", "2014", "_2_17")
)

NOT_IN_THE_IMAGE: Final = {
    "offhook/shells/audio/wav.py": "plays and records files: a phone that can record is a tap",
    "offhook/shells/audio/wav_rate.py": "belongs to it",
    "offhook/shells/pins/terminal.py": "draws a handset in a terminal, of which the board has none",
    "offhook/app/card.py": "draws the desk card, on paper elsewhere",
}
"""Files of the phone's wheel that the image leaves out, and why."""

LGPIO_LOOKS: Final = "struct timespec tspec = {0, 5e5}; /* 0.5 ms timeout */"
RESTLESS: Final = ("retval = ppoll(", "tspec.tv_nsec = count ? 500000 : 20000000; retval = ppoll(")
"""lgpio looks every 0.5 ms whether an edge waits to be told, and is woken by edges anyhow: now it
looks so often only while one does. Its own debouncing, which needs that, nobody uses here."""

_SOURCES: Final = (".py", ".toml", ".json", ".typed")


def fetch(recipe: Recipe, folder: Path, log: Path) -> dict[str, Path]:
    """Download what is locked; the files by package. Raises BuildError.

    Each file's hash is checked by pip and once more here.
    """
    lock = read_lock()
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in (*recipe.wheels, *recipe.compiled):
        locked = lock[name]
        file = _already(folder, locked)
        if file is None:
            _download(locked, folder, source=name in recipe.compiled, log=log)
            file = _already(folder, locked)
        if file is None:
            raise BuildError(f"{name} {locked.version} came with another hash than the lock has")
        found[name] = file
    return found


def _already(folder: Path, locked: Locked) -> Path | None:
    for each in sorted(folder.iterdir()):
        if each.is_file() and hashlib.sha256(each.read_bytes()).hexdigest() in locked.hashes:
            return each
    return None


def _download(locked: Locked, folder: Path, *, source: bool, log: Path) -> None:
    wanted = folder / f"{locked.name}.lock"
    hashes = " ".join(f"--hash=sha256:{each}" for each in locked.hashes)
    wanted.write_text(f"{locked.name}=={locked.version} {hashes}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    target = [f"--platform={each}" for each in _PLATFORMS]
    target += [f"--python-version={PYTHON}", "--only-binary=:all:"]
    kind = ["--no-binary=:all:", "--no-build-isolation"] if source else target
    place = [f"--dest={folder}", f"--requirement={wanted}"]
    run(*pip, "--no-deps", "--require-hashes", *kind, *place, log=log)
    wanted.unlink()


def unpack(wheel: Path, root: Path) -> None:
    """Put a wheel's files into the root, without what only an installer reads."""
    place = root / PACKAGES
    with zipfile.ZipFile(wheel) as archive:
        for each in archive.infolist():
            if ".data/" in each.filename:
                raise BuildError(f"{wheel.name} wants files elsewhere: {each.filename}")
            if not each.is_dir() and not each.filename.endswith((".dist-info/RECORD",)):
                archive.extract(each, place)
    for path in place.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def compile_lgpio(source: Path, headers: Path, root: Path, work: Path, log: Path) -> None:
    """Compile lgpio out of its source with the cross compiler; its module goes into the root.

    All of liblgpio is linked in, src/rgpiod.c too. `headers` is Debian's unpacked libpython-dev.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with tarfile.open(source) as archive:
        archive.extractall(work, filter="data")
    (folder,) = work.iterdir()
    calm(folder / "src/lgPthAlerts.c")
    run("swig", "-python", "lgpio.i", folder=folder, log=log)
    include = headers / "usr/include"
    module = f"_lgpio.cpython-{PYTHON.replace('.', '')}-{_TRIPLE}.so"
    run(
        f"{_TRIPLE}-gcc",
        *("-shared", "-fPIC", "-O2", "-pthread", "-s", "-Wl,--build-id=none", "-w"),
        *("-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"),
        f"-ffile-prefix-map={folder}=.",
        f"-ffile-prefix-map={headers}=.",
        *("-I", "src", "-I", include / f"python{PYTHON}", "-I", include),
        *sorted(str(each.relative_to(folder)) for each in (folder / "src").glob("lg*.c")),
        *("src/rgpiod.c", "lgpio_wrap.c", "-lrt", "-ldl", "-o", module),
        folder=folder,
        log=log,
    )
    for name in ("lgpio.py", module):
        shutil.copyfile(folder / name, root / PACKAGES / name)
        (root / PACKAGES / name).chmod(0o644)
    described = root / PACKAGES / f"{folder.name}.dist-info"
    described.mkdir()
    shutil.copyfile(folder / "PKG-INFO", described / "METADATA")


def calm(source: Path) -> None:
    """Have lgpio's thread look less often. Raises BuildError where it isn't the one known."""
    before, after = RESTLESS
    text = source.read_text(encoding="utf-8")
    if (text.count(LGPIO_LOOKS), text.count(before)) != (1, 1):
        raise BuildError(f"{source.name} is not the one that this build knows how to calm")
    source.write_text(text.replace(before, after), encoding="utf-8")


def check_imports(root: Path, epoch: int, log: Path) -> None:
    """See that what the phone imports is there after all that was left out. Raises BuildError."""
    modules = (
        *("offhook.app.cli", "offhook.app.commands.run", "offhook.app.wired_handset"),
        *("offhook.app.engine.process", "offhook.app.engine.handset_sound"),
        *("offhook.shells.audio.card", "pyaudio", "lgpio", "opuslib_next", "G722"),
    )
    in_root(root, "python3", "-IPBc", f"import {', '.join(modules)}", epoch=epoch, log=log)


def phone_files(firmware: Path = ROOT / "firmware") -> dict[str, Path]:
    """The files of the phone in the image: their names in the wheel and where they come from."""
    found = {
        each.relative_to(firmware).as_posix(): each
        for each in sorted((firmware / "offhook").rglob("*"))
        if each.suffix in _SOURCES or each.name == "py.typed"
    }
    if strange := NOT_IN_THE_IMAGE.keys() - found:
        raise BuildError(f"left out, but not there at all: {sorted(strange)}")
    return {name: file for name, file in found.items() if name not in NOT_IN_THE_IMAGE}


def build_phone(folder: Path, epoch: int, log: Path) -> Path:
    """Build the image's wheel of the phone out of this checkout; its file. Raises BuildError."""
    source = folder / "source"
    shutil.rmtree(folder, ignore_errors=True)
    _copy(phone_files().items(), source / "firmware")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    # The wheel's description: not the project's page, which changes more often than the phone.
    (source / "README.md").write_text("Offhook, firmware for a secure desk phone.\n", "utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    options = ["--no-deps", "--no-build-isolation", f"--wheel-dir={folder}", str(source)]
    run(*pip, *options, environment={"SOURCE_DATE_EPOCH": str(epoch)}, log=log)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _copy(files: Iterable[tuple[str, Path]], folder: Path) -> None:
    for name, file in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
