"""A card for the emulator: a copy of an image, with the administrator's files laid down in it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from board.image.firmware import boot_script
from board.image.partitions import Placed, place
from board.image.recipe import Recipe, read_recipe
from board.image.tools import BuildError, run

SECRET: Final = 0o100600
READABLE: Final = 0o100644


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """What a machine without U-Boot is started with; `arguments` are those of the boot script."""

    kernel: Path
    initrd: Path
    arguments: str


class Card:
    """The file `path`, a whole card."""

    def __init__(self, path: Path, recipe: Recipe | None = None) -> None:
        self.path = path
        self._recipe = recipe or read_recipe()
        placed = place(self._recipe.partitions, self._recipe.card_mib)
        self._placed: dict[str, Placed] = {each.name: each for each in placed}

    @classmethod
    def copied(cls, image: Path, path: Path) -> Card:
        """A card like `image`, holes kept. Raises BuildError."""
        run("cp", "--sparse=always", image, path)
        return cls(path)

    def lay(self, files: Mapping[str, bytes]) -> None:
        """Put files on the data partition, by their path there; those of `secrets/` are private.

        Raises BuildError where one of them is not there afterwards as it should be.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            commands = [f"mkdir /{each}" for each in sorted({path.split("/")[0] for path in files})]
            for number, (path, content) in enumerate(files.items()):
                source = folder / str(number)
                source.write_bytes(content)
                mode = SECRET if path.startswith("secrets/") else READABLE
                commands += [
                    f'write "{source}" "/{path}"',
                    f'set_inode_field "/{path}" mode 0{mode:o}',
                    f'set_inode_field "/{path}" uid 0',
                    f'set_inode_field "/{path}" gid 0',
                ]
            script = folder / "commands"
            script.write_text("\n".join(commands) + "\n", encoding="utf-8")
            run("debugfs", "-w", "-f", script, self._partition("data"))
            for path, content in files.items():
                if self._taken("data", path, folder / "taken").read_bytes() != content:
                    raise BuildError(f"the data partition of {self.path} can't take {path}")

    def kernel_files(self, folder: Path) -> KernelFiles:
        """Kernel and initramfs of slot A, taken out into `folder`. Raises BuildError."""
        taken = {
            name: self._taken("boot_a", name, folder / name)
            for name in ("vmlinuz", "initrd.img", "slot.env")
        }
        line = next(
            line.split('"')[1]
            for line in boot_script(self._recipe).splitlines()
            if line.startswith("setenv bootargs")
        )
        told = {
            "${root_part}": f"{self._placed['root_a'].number:x}",
            "${slot}": "A",
            "${slot_arguments}": taken["slot.env"].read_text("utf-8").strip().partition("=")[2],
        }
        for name, value in told.items():
            line = line.replace(name, value)
        return KernelFiles(taken["vmlinuz"], taken["initrd.img"], line)

    def firmware_file(self, name: str, folder: Path) -> Path:
        """A file of the FAT partition, taken out into `folder`. Raises BuildError."""
        part = self._placed["firmware"]
        run("mcopy", "-n", "-i", f"{self.path}@@{part.offset}", f"::/{name}", folder)
        return folder / name

    def _taken(self, partition: str, name: str, target: Path) -> Path:
        """A file of an ext4 partition, taken out as `target`. Raises BuildError.

        debugfs(8) ends with 0 whether or not it could do what it was asked for.
        """
        target.unlink(missing_ok=True)
        run("debugfs", "-R", f'dump "/{name}" "{target}"', self._partition(partition))
        if not target.is_file():
            raise BuildError(f"{self.path} has no {name} in its partition {partition}")
        return target

    def _partition(self, name: str) -> str:
        return f"{self.path}?offset={self._placed[name].offset}"
