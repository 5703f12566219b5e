"""One emulated telephone for all tests, with Kamailio and baresip in its network."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from board.emulator.machine import Board
from board.emulator.network import HOST, Network
from board.image.build import Order
from board.image.update import build_anyway
from tests.emulation.telephone import NUMBER, Telephone, switched_on
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.logs import logs_of, show_logs_of

BOARD = "OFFHOOK_EMULATED_BOARD"
FIGURES = "OFFHOOK_EMULATION_FIGURES"
"""A file for the figures (JSON)."""
REGISTERED_S = 300.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += logs_of(item)
    return report


@pytest.fixture(scope="session")
def image() -> Path:
    """The test image of these sources; built where the cache has none."""
    return build_anyway(Order(test=True, packed=False))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulation")


@pytest.fixture(scope="session")
def network(folder: Path) -> Generator[Network, None, None]:
    assert os.environ.get("OFFHOOK_LAB_HOST") == HOST, "start these by scripts/test emulation"
    with Network(folder) as made:
        yield made


@pytest.fixture(scope="session")
def lab(
    network: Network,  # noqa: ARG001  the peers are in it
    folder: Path,
    request: pytest.FixtureRequest,
) -> Generator[Laboratory, None, None]:
    show_logs_of(request.node, folder)
    with Laboratory(folder / "lab") as laboratory:
        yield laboratory


@pytest.fixture(scope="session")
def telephone(image: Path, lab: Laboratory, folder: Path) -> Generator[Telephone, None, None]:
    """The telephone, with a wrong clock; on which board, the environment may say."""
    board = Board(os.environ.get(BOARD, Board.VIRT.value))
    with switched_on(image, lab, folder, board, "2019-01-01T00:00:00") as made:
        yield made
        if file := os.environ.get(FIGURES):
            Path(file).write_text(json.dumps(made.figures, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def registered(telephone: Telephone, lab: Laboratory) -> Telephone:
    """The telephone, once the trunk knows where it is."""
    lab.stock.wait_for("registered", NUMBER, timeout_s=REGISTERED_S)
    telephone.figures["switched on to registered, s"] = telephone.now
    telephone.until(lambda event: event["event"] == "status")
    return telephone
