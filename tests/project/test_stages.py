from __future__ import annotations

import time
from pathlib import Path

import pytest
from scripts.lib import absences, stages, target
from scripts.lib.stages import Outcome, Stage, all_stages, main, run
from tests.project.tree import ROOT


def test_a_stage_passes_when_every_command_does() -> None:
    outcome = run(Stage("two", (("true",), ("true",)), 10), {}, yes=False)
    assert (outcome.fault, outcome.told) == (None, "passed")


def test_a_stage_runs_all_its_commands_and_names_those_that_failed(tmp_path: Path) -> None:
    after = tmp_path / "after"
    outcome = run(Stage("two", (("false",), ("touch", str(after))), 10), {}, yes=False)
    assert outcome.fault == "false : exit status 1"
    assert after.exists()


def test_a_stage_that_runs_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    still = tmp_path / "still"
    script = f"(sleep 3; touch {still}) & sleep 60"
    started = time.monotonic()
    outcome = run(Stage("slow", (("bash", "-c", script),), 0.5), {}, yes=False)
    assert "ended after" in str(outcome.fault)
    assert time.monotonic() - started < 3
    time.sleep(3.2 - (time.monotonic() - started))
    assert not still.exists()


def test_a_stage_that_can_not_run_fails() -> None:
    stage = Stage("far", (("false",),), 10, obstacle=lambda: "the moon is down")
    assert run(stage, {}, yes=False).fault == "the moon is down"


def test_a_stage_that_can_not_run_may_be_absent_for_a_reason() -> None:
    stage = Stage("far", (("false",),), 10, obstacle=lambda: "the moon is down")
    outcome = run(stage, {"far": "No moon here."}, yes=False)
    assert outcome.fault is None
    assert "No moon here." in outcome.told


def test_an_allowed_absence_does_not_excuse_a_failure() -> None:
    assert run(Stage("near", (("false",),), 10), {"near": "whatever"}, yes=False).fault


def test_an_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert (
        "lint, unit, board, card, interop, demo, image, emulation, raspi3b, target"
        in capsys.readouterr().err
    )


def test_who_names_no_stage_gets_all_but_what_takes_long_or_wants_a_quiet_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def ran(stage: Stage, _allowed: object, *, yes: bool) -> Outcome:
        assert not yes
        done.append(stage.name)
        return Outcome(stage.name, 0.0, "passed", None)

    monkeypatch.setattr(stages, "run", ran)
    assert main([]) == 0
    assert done == ["lint", "unit", "board", "card", "interop", "demo"]


def test_only_long_runs_the_long_tests() -> None:
    assert all(
        "not long" in all_stages(long=False)[name].commands[-1] for name in ("unit", "interop")
    )
    assert "-m" not in all_stages(long=True)["interop"].commands[-1][3:]


def test_every_bash_entry_is_checked_and_every_folder_of_sources_is_typed() -> None:
    commands = all_stages(long=False)["lint"].commands
    (shell,) = (command for command in commands if command[0] == "shellcheck")
    assert {"scripts/test", "scripts/build-image", "board/update-manifest", ".ci/run"} <= set(shell)
    typed = {word for command in commands if "mypy" in command for word in command}
    assert {"tests", "scripts", "board"} <= typed


def test_on_the_target_every_unit_test_runs_that_runs_here() -> None:
    stages = all_stages(long=False)
    here, there = stages["unit"].commands[-1], stages["target"].commands[0]
    ignored = [{word for word in words if word.startswith("--ignore")} for words in (here, there)]
    assert ignored[0] == ignored[1]


def test_the_targets_root_is_made_anew_when_its_packages_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = target._key()
    monkeypatch.setattr(target, "PACKAGES", (*target.PACKAGES, "one-more"))
    assert target._key() != before


def test_each_allowed_absence_names_something_that_exists() -> None:
    allowed = absences.read()
    assert set(allowed.stages) <= set(all_stages(long=False))
    for test in allowed.tests:
        path, _, name = test.partition("::")
        assert (f"def {name}(" if name else "def test_") in (ROOT / path).read_text()


@pytest.mark.parametrize(
    "entry",
    [
        'stage = "x"',
        'reason = "y"',
        'stage = "x"\nreason = ""',
        'stage = "x"\ntest = "y"\nreason = "z"',
    ],
)
def test_an_absence_without_a_reason_or_with_two_subjects_is_refused(
    tmp_path: Path, entry: str
) -> None:
    file = tmp_path / "absences.toml"
    file.write_text(f"[[absence]]\n{entry}\n")
    with pytest.raises(ValueError, match="is not one stage or test with a reason"):
        absences.read(file)
