from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from board.image import archive
from board.image.base import check_installed, check_mirror
from board.image.recipe import Manifest, Package, read_recipe
from board.image.tools import BuildError

INDEX = """\
Package: one
Version: 1:2.0-1
Architecture: arm64
Size: 10
SHA256: {a}
Description: first
 Package: not a field

Package: two
Version: 3
Architecture: all
Size: 20
SHA256: {b}
""".format(a="a" * 64, b="b" * 64)

ONE = Package("one", "1:2.0-1", "arm64", "trixie", 10, "a" * 64)
TWO = Package("two", "3", "all", "trixie", 20, "b" * 64)


class Mirror(archive.Archive):
    """A mirror that has just these packages."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self._packages = list(packages)

    def offered(self) -> dict[tuple[str, str], Package]:
        return {(each.name, each.version): each for each in self._packages}


def test_an_index_is_read_with_its_last_package(tmp_path: Path) -> None:
    (tmp_path / "Packages").write_text(INDEX)
    read = list(archive._stanzas(tmp_path / "Packages"))
    assert [each["Package"] for each in read] == ["one", "two"]
    assert read[0]["Version"] == "1:2.0-1"
    assert read[1]["SHA256"] == "b" * 64


def test_a_mirror_that_has_everything_is_good() -> None:
    check_mirror(Manifest("trixie", 1, (ONE, TWO)), Mirror([ONE, TWO]))


def test_a_version_that_is_gone_ends_the_build_with_the_remedy() -> None:
    newer = Package("one", "1:2.0-2", "arm64", "trixie", 10, "c" * 64)
    with pytest.raises(BuildError) as told:
        check_mirror(Manifest("trixie", 1, (ONE, TWO)), Mirror([newer, TWO]))
    assert "one 1:2.0-1 is gone (there is 1:2.0-2)" in str(told.value)
    assert "board/update-manifest" in str(told.value)


def test_another_content_under_the_same_version_ends_the_build() -> None:
    forged = Package("one", "1:2.0-1", "arm64", "trixie", 10, "f" * 64)
    with pytest.raises(BuildError, match="another hash"):
        check_mirror(Manifest("trixie", 1, (ONE,)), Mirror([forged]))


def test_a_root_with_one_package_more_or_less_is_refused(tmp_path: Path) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text(INDEX)
    check_installed(tmp_path, Manifest("trixie", 1, (ONE, TWO)))
    for packages in ((ONE,), (ONE, TWO, Package("x", "1", "all", "trixie", 1, ""))):
        with pytest.raises(BuildError, match="isn't what the manifest says"):
            check_installed(tmp_path, Manifest("trixie", 1, packages))


def test_only_the_kernel_is_pinned_to_backports() -> None:
    pin = archive.preferences(read_recipe())
    assert pin.startswith("Package: linux-image-arm64 ")
    assert "Pin: release n=trixie-backports\nPin-Priority: 600\n" in pin
