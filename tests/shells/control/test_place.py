from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from offhook.base.errors import LocalError
from offhook.shells.control.place import LONGEST_PATH, Place


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


def test_folder_and_socket_are_the_owners_alone_and_gone_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "offhook" / "control.sock"
    before = os.umask(0)
    try:
        place = Place(path)
    finally:
        os.umask(before)
    assert mode(path.parent) == 0o700
    assert mode(path) == 0o600
    assert mode(path.with_name("control.sock.lock")) == 0o600
    place.release()
    assert list(path.parent.iterdir()) == []


def test_a_group_gets_folder_and_socket(tmp_path: Path) -> None:
    path, group = tmp_path / "offhook" / "control.sock", os.getegid()
    place = Place(path, group)
    assert mode(path.parent) == 0o750
    assert mode(path) == 0o660
    assert (path.parent.stat().st_gid, path.stat().st_gid) == (group, group)
    place.release()


def test_a_folder_that_is_given_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir(0o755)
    Place(folder / "s").release()
    assert mode(folder) == 0o755


DYING = """
import os, signal, sys
from pathlib import Path
from offhook.shells.control.place import Place
Place(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_socket_of_a_phone_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    died = subprocess.run([sys.executable, "-c", DYING, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert path.is_socket()
    place = Place(path)
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    client.close()
    place.release()
    assert list(tmp_path.iterdir()) == []


def test_a_second_phone_is_refused_and_the_first_is_not_disturbed(tmp_path: Path) -> None:
    first = Place(tmp_path / "s")
    with pytest.raises(LocalError, match="another phone listens"):
        Place(tmp_path / "s")
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(tmp_path / "s"))
    client.close()
    first.release()
    Place(tmp_path / "s").release()


def test_another_program_that_listens_there_is_left_alone(tmp_path: Path) -> None:
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(tmp_path / "s"))
    other.listen()
    with pytest.raises(LocalError, match="another phone listens"):
        Place(tmp_path / "s")
    assert [each.name for each in tmp_path.iterdir()] == ["s"]
    other.close()


def test_of_many_that_start_at_once_over_a_dead_socket_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def start(_number: int) -> Place | None:
        try:
            return Place(path)
        except LocalError:
            return None

    for _ in range(20):
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(path))
        dead.close()
        with ThreadPoolExecutor(8) as pool:
            got = [place for place in pool.map(start, range(8)) if place is not None]
        assert len(got) == 1
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(path))
        client.close()
        got[0].release()
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("planted", ["link to a file", "dangling link", "link to a socket"])
@pytest.mark.parametrize("name", ["s", "s.lock"])
def test_a_planted_link_is_neither_followed_nor_removed(
    tmp_path: Path, planted: str, name: str
) -> None:
    target, folder = tmp_path / "target", tmp_path / "folder"
    folder.mkdir()
    dead = socket.socket(socket.AF_UNIX)
    if planted == "link to a file":
        target.write_text("precious")
    elif planted == "link to a socket":
        dead.bind(str(target))
    dead.close()
    (folder / name).symlink_to(target)
    with pytest.raises(LocalError):
        Place(folder / "s")
    assert (folder / name).is_symlink()
    if planted == "link to a file":
        assert target.read_text() == "precious"
    assert target.exists() == (planted != "dangling link")


@pytest.mark.parametrize("kind", ["file", "folder", "fifo"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(LocalError, match="is no socket"):
        Place(path)
    assert path.exists()


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o770)
    with pytest.raises(LocalError, match="chmod go-w"):
        Place(folder / "s")
    folder.chmod(0o1777)
    Place(folder / "s").release()


def test_a_folder_that_is_a_link_or_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(LocalError, match="no folder"):
        Place(tmp_path / "link" / "s")
    with pytest.raises(LocalError, match="No such file"):
        Place(tmp_path / "nowhere" / "folder" / "s")


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    with monkeypatch.context() as patched:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        else:
            own = os.geteuid()
            patched.setattr(os, "geteuid", lambda: own + 1)
        with pytest.raises(LocalError, match="another user"):
            Place(folder / "s")


def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    longest = LONGEST_PATH - len(os.fsencode(tmp_path)) - 1
    Place(tmp_path / ("x" * longest)).release()
    with pytest.raises(LocalError, match="at most"):
        Place(tmp_path / ("x" * (longest + 1)))


def test_only_the_file_that_was_made_is_removed_in_the_end(tmp_path: Path) -> None:
    place = Place(tmp_path / "s")
    (tmp_path / "s").unlink()
    (tmp_path / "s").write_text("somebody else's")
    place.release()
    assert (tmp_path / "s").read_text() == "somebody else's"


def test_a_place_that_somebody_cleared_up_is_released_all_the_same(tmp_path: Path) -> None:
    place = Place(tmp_path / "s")
    (tmp_path / "s").unlink()
    (tmp_path / "s.lock").unlink()
    place.release()
