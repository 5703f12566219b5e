from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from board.image.tools import BuildError
from board.image.wheels import (
    LGPIO_LOOKS,
    NOT_IN_THE_IMAGE,
    RESTLESS,
    build_phone,
    calm,
    phone_files,
    unpack,
)

FILES = phone_files()


def test_of_ours_only_the_phone_is_in_the_image() -> None:
    assert {name.split("/")[0] for name in FILES} == {"offhook"}
    assert not [name for name in FILES if "offhook_practice" in name or "provisioning" in name]
    assert not [name for name in FILES if "__pycache__" in name or "test" in Path(name).name]


def test_what_is_left_out_is_left_out_and_the_rest_is_there() -> None:
    assert "offhook/app/cli.py" in FILES
    assert "offhook/app/engine/process.py" in FILES
    assert "offhook/base/schema/trunks/generic.toml" in FILES
    assert not FILES.keys() & NOT_IN_THE_IMAGE.keys()


def test_nothing_in_the_image_writes_sound_to_a_file() -> None:
    for name, file in FILES.items():
        if not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "wave.open":
                assert [ast.unparse(each) for each in node.args[1:]] in ([], ["'rb'"]), name


def test_control_the_sound_that_is_left_out_does_write() -> None:
    left_out = "offhook/shells/audio/wav.py"
    source = Path(__file__).parents[2] / "firmware" / left_out
    assert "write" in source.read_text()
    assert left_out in NOT_IN_THE_IMAGE


def test_nothing_needs_at_its_start_what_is_left_out() -> None:
    gone = {name.removesuffix(".py").replace("/", ".") for name in NOT_IN_THE_IMAGE}
    for name, file in FILES.items():
        if name.endswith(".py"):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ImportFrom):
                    assert node.module not in gone, name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phone")
    return build_phone(folder / "first", 1_700_000_000, folder / "log")


def test_the_wheel_holds_exactly_these_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {each for each in archive.namelist() if ".dist-info/" not in each}
    assert names == FILES.keys()


def test_two_builds_give_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    again = build_phone(tmp_path / "second", 1_700_000_000, tmp_path / "log")
    assert again.read_bytes() == wheel.read_bytes()


def test_unpacked_it_belongs_to_everyone_to_read(wheel: Path, tmp_path: Path) -> None:
    unpack(wheel, tmp_path)
    place = tmp_path / "usr/lib/python3/dist-packages"
    assert (place / "offhook/app/cli.py").stat().st_mode & 0o777 == 0o644
    assert (place / "offhook/app").stat().st_mode & 0o777 == 0o755
    assert not list(place.glob("*.dist-info/RECORD"))
    (metadata,) = place.glob("*.dist-info/METADATA")
    assert len(metadata.read_text()) < 2000


@pytest.mark.parametrize("terms", [("--play", "in"), ("--record", "out"), ("--handset", "files")])
def test_an_engine_without_files_refuses_them(
    wheel: Path, tmp_path: Path, terms: tuple[str, str]
) -> None:
    unpack(wheel, tmp_path)
    engine = [sys.executable, "-m", "offhook.app.engine.process", "--listen", *terms]
    done = subprocess.run(
        engine,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "usr/lib/python3/dist-packages")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "this telephone neither plays nor records files" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_lgpio_that_is_known_looks_less_often_and_another_ends_the_build(
    tmp_path: Path,
) -> None:
    source = tmp_path / "lgPthAlerts.c"
    known = f"{LGPIO_LOOKS} {RESTLESS[0]}pfd)"
    source.write_text(known)
    calm(source)
    assert source.read_text() == f"{LGPIO_LOOKS} {RESTLESS[1]}pfd)"
    slower = known.replace("5e5", "1e6")
    for other in ("", RESTLESS[0], LGPIO_LOOKS, known + RESTLESS[0], slower):
        source.write_text(other)
        with pytest.raises(BuildError, match="lgPthAlerts"):
            calm(source)
