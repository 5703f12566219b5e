from __future__ import annotations

from pathlib import Path

import pytest

from offhook.app.cli import main
from offhook.app.exit_status import ExitStatus


def test_settings_with_five_defects_name_all_five(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[[accounts]]\nname = "Home!"\nuser = "a b"\ndomain = "trunk.example"\n'
        'password = "hunter2"\ntrunk = "twillio"\n\n[trust]\nanchors = []\n'
    )
    assert main(["settings", "--settings", str(settings)]) == ExitStatus.USAGE
    told = capsys.readouterr().err
    for path in (
        "accounts[0].name",
        "accounts[0].user",
        "accounts[0].password",
        "accounts[0].trunk",
        "trust.anchors",
    ):
        assert path in told
    assert "hunter2" not in told
    assert "•••" in told


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "nowhere.toml"
    assert main(["call", "600", "--settings", str(missing)]) == ExitStatus.USAGE
    assert str(missing) in capsys.readouterr().err


def test_every_key_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--explain"]) == ExitStatus.DONE
    told = capsys.readouterr().out
    for key in ("accounts[].password", "trust.anchors", "media.dscp"):
        assert key in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["call"],
        ["call", "600", "--seconds", "-1"],
        ["call", "600", "--digits", "12x"],
        ["answer", "--calls", "0"],
        ["dial", "600"],
        [],
    ],
)
def test_wrong_arguments_end_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == ExitStatus.USAGE
    assert "usage: offhook" in capsys.readouterr().err


def test_help_tells_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for status in ExitStatus:
        assert f"\n  {int(status)}  " in told
