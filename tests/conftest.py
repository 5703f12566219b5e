"""A skipped test fails a run of scripts/test unless tests/allowed-absences.toml allows it."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings
from scripts.lib import absences

STRICT = "OFFHOOK_STRICT_ABSENCES"

# No test is judged by the clock: the machine may have other things to do.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get(STRICT):
        name = item.nodeid.split("[", maxsplit=1)[0]
        if not {name, name.partition("::")[0]} & absences.read().tests.keys():
            report.outcome = "failed"
            report.longrepr = f"{name} was skipped, and no allowed absence says why it may be"
    return report
