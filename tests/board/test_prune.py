from __future__ import annotations

import py_compile
from pathlib import Path

from board.image import prune

EPOCH = 1_700_000_000


def a_file(path: Path, mode: int = 0o644, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    return path


def test_patterns_take_files_folders_and_links_and_nothing_else(tmp_path: Path) -> None:
    a_file(tmp_path / "usr/share/man/a/b")
    a_file(tmp_path / "usr/share/kept")
    (tmp_path / "usr/share/info").symlink_to("kept")
    prune.leave_out(tmp_path, ["usr/share/man", "usr/share/info", "usr/share/absent"])
    assert [each.name for each in (tmp_path / "usr/share").iterdir()] == ["kept"]


def test_a_link_goes_too_whose_program_went_before_it(tmp_path: Path) -> None:
    a_file(tmp_path / "usr/bin/aplay")
    (tmp_path / "usr/bin/arecord").symlink_to("aplay")
    prune.leave_out(tmp_path, ["usr/bin/aplay", "usr/bin/arecord"])
    assert list((tmp_path / "usr/bin").iterdir()) == []


def test_what_a_test_image_keeps_stays(tmp_path: Path) -> None:
    for name in ("aplay", "arecord", "alsaloop"):
        a_file(tmp_path / "usr/bin" / name)
    prune.leave_out(tmp_path, ["usr/bin/a*"], ["usr/bin/aplay", "usr/bin/arecord"])
    there = sorted(each.name for each in (tmp_path / "usr/bin").iterdir())
    assert there == ["aplay", "arecord"]


def test_a_pattern_follows_no_link_out_of_the_root(tmp_path: Path) -> None:
    outside = a_file(tmp_path / "outside/kept")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(outside.parent)
    prune.leave_out(root, ["link"])
    assert outside.exists()


def test_of_firmware_the_radios_stay_with_links_that_lead_somewhere(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/firmware"
    a_file(folder / "brcm/brcmfmac43430-sdio.bin")
    a_file(folder / "brcm/brcmfmac4366b-pcie.bin")
    (folder / "brcm/brcmfmac43430-sdio.board.bin").symlink_to("brcmfmac43430-sdio.bin")
    (folder / "brcm/brcmfmac43430-sdio.dead.bin").symlink_to("brcmfmac4366b-pcie.bin")
    (folder / "regulatory.db").symlink_to("/etc/alternatives/regulatory.db")
    (folder / "regulatory.gone").symlink_to("/etc/passwd")
    a_file(folder / "regulatory.db-debian")
    (tmp_path / "etc/alternatives").mkdir(parents=True)
    alternative = tmp_path / "etc/alternatives/regulatory.db"
    alternative.symlink_to("/usr/lib/firmware/regulatory.db-debian")
    prune.keep_firmware(tmp_path, ["brcm/brcmfmac43430-sdio.*", "regulatory.*"])
    names = {each.name for each in folder.iterdir()}
    assert names == {"brcm", "regulatory.db", "regulatory.db-debian"}
    assert sorted(each.name for each in folder.rglob("*.bin")) == [
        "brcmfmac43430-sdio.bin",
        "brcmfmac43430-sdio.board.bin",
    ]


def test_nothing_that_differs_or_lifts_rights_is_left(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    a_file(tmp_path / "etc/machine-id", content="0123")
    a_file(tmp_path / "usr/bin/mount", 0o4755)
    a_file(tmp_path / "usr/bin/write", 0o2755)
    a_file(tmp_path / "run/left", content="over")
    assert prune.settle(tmp_path, EPOCH) == ["usr/bin/mount", "usr/bin/write"]
    assert (tmp_path / "usr/bin/mount").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "etc/machine-id").read_text() == ""
    assert not list((tmp_path / "run").iterdir())
    assert all(each.lstat().st_mtime <= EPOCH for each in tmp_path.rglob("*"))


def test_compiled_python_is_taken_without_its_source(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    source = a_file(tmp_path / "usr/lib/a.py", content="x = 1\n")
    checked = py_compile.PycInvalidationMode.CHECKED_HASH
    compiled = py_compile.compile(str(source), invalidation_mode=checked)
    assert compiled is not None
    assert Path(compiled).read_bytes()[4] == 3
    prune.settle(tmp_path, EPOCH)
    assert Path(compiled).read_bytes()[4] == 1
