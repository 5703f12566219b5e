from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from offhook.base.secret import Secret
from offhook_provisioning.workspace.secret_input import NoSecret, SecretInput


def test_a_file_of_its_owners_alone_is_read_without_its_line_break(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("many words\n")
    path.chmod(0o600)
    assert SecretInput(file=path).read("It") == Secret("many words")
    path.chmod(0o640)
    with pytest.raises(NoSecret, match="chmod 600") as caught:
        SecretInput(file=path).read("It")
    assert "many words" not in str(caught.value)


def test_a_descriptor_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"many words\n")
    os.close(writing)
    assert SecretInput(descriptor=reading).read("It") == Secret("many words")
    os.close(reading)
    with pytest.raises(NoSecret, match="descriptor 1"):
        SecretInput(descriptor=1).read("It")


def test_a_commands_output_is_the_secret_and_no_shell_reads_it() -> None:
    command = f"{sys.executable} -c 'print(\"many $HOME words\")'"
    assert SecretInput(command=command).read("It") == Secret("many $HOME words")
    for wrong in (f"{sys.executable} -c 'raise SystemExit(3)'", "no-such-program", "'", ""):
        with pytest.raises(NoSecret):
            SecretInput(command=wrong).read("It")


def test_a_prompt_asks_twice_for_what_is_new() -> None:
    answers: Iterator[str] = iter(["one word", "one word", "one word", "another"])
    ask = SecretInput(prompt=lambda _: next(answers))
    assert ask.read("It", twice=True) == Secret("one word")
    with pytest.raises(NoSecret, match="not the same"):
        ask.read("It", twice=True)


def test_without_a_terminal_the_other_ways_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(NoSecret, match="file descriptor or a command"):
        SecretInput().read("It")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 70_000])
def test_what_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(NoSecret):
        SecretInput(file=path).read("It")


def test_two_places_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoSecret, match="one place only"):
        SecretInput(file=tmp_path, command="x").read("It")
