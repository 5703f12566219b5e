"""What a power cut may leave of a sequence of writes: the log of a disk, replayed in every way.

A model, and a harsher one than ext4: what was not yet fsynced reaches the disk or not, each sector,
each length and each change of a folder by itself, in any order between objects. Only fsync orders.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import compress, product
from pathlib import Path
from typing import Any, Self

SECTOR = 512
REPLACE = Path.replace
MOST_SUBSETS = 96
"""Beyond that many combinations at one moment, so many are drawn."""


@dataclass(frozen=True)
class Act:
    """One change. `of` is the object whose fsync makes it last: an inode's number, or a folder."""

    of: int | str
    kind: str
    what: tuple[Any, ...]


@dataclass(frozen=True)
class Sync:
    """All changes of an object last from here on."""

    of: int | str


@dataclass(frozen=True)
class Returned:
    """The writer has said that `path` holds `content`."""

    path: str
    content: bytes


@dataclass
class Image:
    """What is on the disk: names, and of each inode its sectors and its length."""

    names: dict[str, int] = field(default_factory=dict)
    sectors: dict[tuple[int, int], bytes] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Image:
        return Image(dict(self.names), dict(self.sectors), dict(self.sizes))

    def take(self, act: Act) -> None:
        match act.kind, act.what:
            case "name", (name, inode):
                self.names[name] = inode
            case "rename", (old, new, inode):
                self.names.pop(old, None)
                self.names[new] = inode
            case "sector", (index, octets):
                self.sectors[(int(act.of), index)] = octets
            case "size", (size,):
                self.sizes[int(act.of)] = size
            case _:
                raise AssertionError(act)

    def content(self, name: str) -> bytes | None:
        inode = self.names.get(name)
        if inode is None:
            return None
        size = self.sizes.get(inode, 0)
        count = -(-size // SECTOR)
        whole = b"".join(
            self.sectors.get((inode, index), b"").ljust(SECTOR, b"\0") for index in range(count)
        )
        return whole[:size]

    @property
    def identity(self) -> tuple[tuple[str, bytes | None], ...]:
        return tuple((name, self.content(name)) for name in sorted(self.names))


class RecordedFile:
    """A file that is written once."""

    def __init__(self, recorder: Recorder, handle: int, mode: str, inode: int) -> None:
        self._recorder, self._inode = recorder, inode
        self._file = os.fdopen(handle, mode)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        self._file.write(content)
        self._recorder.written(self._inode, content)

    def flush(self) -> None:
        self._file.flush()


class Recorder:
    """Stands in for `os` in a writer: does what it is asked, and keeps the log."""

    def __init__(self) -> None:
        self.log: list[Act | Sync | Returned] = []
        self._open: dict[int, int | str] = {}
        self._names: dict[str, int] = {}
        self._lengths: dict[int, int] = {}
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        handle = os.open(path, flags, mode)
        if flags & os.O_DIRECTORY:
            self._open[handle] = str(path)
            return handle
        name = str(path)
        if name not in self._names:
            self._count += 1
            self._names[name] = self._count
            self.log.append(Act(str(path.parent), "name", (name, self._count)))
        inode = self._names[name]
        if flags & os.O_TRUNC:
            self.log.append(Act(inode, "size", (0,)))
        self._lengths[inode] = 0
        self._open[handle] = inode
        return handle

    def close(self, handle: int) -> None:
        self._open.pop(handle)
        os.close(handle)

    def fdopen(self, handle: int, mode: str) -> RecordedFile:
        return RecordedFile(self, handle, mode, int(self._open[handle]))

    def written(self, inode: int, content: bytes) -> None:
        """Sectors as they are, then the length."""
        assert self._lengths[inode] == 0, "the model knows one write to a file"
        for index in range(-(-len(content) // SECTOR)):
            piece = content[index * SECTOR : (index + 1) * SECTOR]
            self.log.append(Act(inode, "sector", (index, piece)))
        self._lengths[inode] = len(content)
        self.log.append(Act(inode, "size", (len(content),)))

    def fsync(self, handle: int) -> None:
        os.fsync(handle)
        self.log.append(Sync(self._open[handle]))

    @property
    def replace_method(self) -> Callable[[Path, Path], Path]:
        """In place of Path.replace: a function, so that it becomes a method there."""

        def replace(path: Path, target: Path) -> Path:
            return self.replace(path, target)

        return replace

    def replace(self, path: Path, target: Path) -> Path:
        REPLACE(path, target)
        inode = self._names.pop(str(path))
        self._names[str(target)] = inode
        self.log.append(Act(str(target.parent), "rename", (str(path), str(target), inode)))
        return target


def crash_states(
    log: list[Act | Sync | Returned], seed: int = 1
) -> Iterator[tuple[Image, dict[str, bytes]]]:
    """Every disk that a cut at any moment may leave, with what was promised to be there by then."""
    chance = random.Random(seed)  # noqa: S311  a draw that can be repeated
    lasting, pending, promised = Image(), list[Act](), dict[str, bytes]()
    seen: set[tuple[object, ...]] = set()
    for entry in [*log, None]:
        for image in _images(lasting, pending, chance):
            identity = (image.identity, tuple(sorted(promised.items())))
            if identity not in seen:
                seen.add(identity)
                yield image, dict(promised)
        match entry:
            case Act():
                pending.append(entry)
            case Sync(of):
                for act in pending:
                    if act.of == of:
                        lasting.take(act)
                pending = [act for act in pending if act.of != of]
            case Returned(path, content):
                promised[path] = content


def _images(lasting: Image, pending: list[Act], chance: random.Random) -> Iterator[Image]:
    """What lasts, with any of what is pending."""
    for subset in _subsets(len(pending), chance):
        image = lasting.copy()
        for act in compress(pending, subset):
            image.take(act)
        yield image


def _subsets(count: int, chance: random.Random) -> Iterator[tuple[bool, ...]]:
    if 2**count <= MOST_SUBSETS:
        yield from product((False, True), repeat=count)
        return
    yield (False,) * count
    yield (True,) * count
    for _ in range(MOST_SUBSETS - 2):
        yield tuple(chance.random() < 0.5 for _ in range(count))


Writer = Callable[[Recorder, Path, bytes], None]


def truncating(recorder: Recorder, path: Path, content: bytes) -> None:
    """The naive writer: opens the file itself and writes."""
    handle = recorder.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with recorder.fdopen(handle, "wb") as file:
        file.write(content)


def hasty(recorder: Recorder, path: Path, content: bytes) -> None:
    """A naive writer that renames, but doesn't wait for the disk."""
    temporary = path.with_name(f"{path.name}.new{len(recorder.log)}")
    handle = recorder.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with recorder.fdopen(handle, "wb") as file:
        file.write(content)
    recorder.replace(temporary, path)


def forgetful(recorder: Recorder, path: Path, content: bytes) -> None:
    """A writer that waits for the content, and not for the folder."""
    temporary = path.with_name(f"{path.name}.new{len(recorder.log)}")
    handle = recorder.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with recorder.fdopen(handle, "wb") as file:
        file.write(content)
        recorder.fsync(handle)
    recorder.replace(temporary, path)
