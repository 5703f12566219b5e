"""`offhook settings`: check them, all defects at once, or explain every key."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import msgspec

from offhook.app.commands.session import read_builder
from offhook.app.console import complain, result
from offhook.app.exit_status import ExitStatus
from offhook.base.errors import LocalError
from offhook.base.schema.explain import explain, explain_data
from offhook.base.schema.settings import Settings, SettingsInvalid
from offhook.phone.call.account import Keepsakes
from offhook.phone.call.learned import Learned


def show_settings(path: Path, *, explained: bool, as_data: bool) -> ExitStatus:
    """Print the explanations, or check `path` with the files and secrets that it names."""
    if explained:
        result(_json(explain_data(Settings)) if as_data else explain(Settings))
        return ExitStatus.DONE
    problems: list[dict[str, object]] = []
    try:
        builder = read_builder(path)
        builder.accounts(Keepsakes(Learned(builder.wall_clock())))
        for account in builder.settings.accounts:
            builder.tls(account)
    except SettingsInvalid as error:
        problems = [asdict(problem) for problem in error.problems]
        text = str(error)
    except LocalError as error:
        text = str(error)
        problems = [{"path": "", "value": "", "expectation": text, "remedy": ""}]
    else:
        names = ", ".join(each.name for each in builder.settings.accounts)
        text = f"{path}: in order; accounts: {names}"
    if as_data:
        result(_json({"path": str(path), "problems": problems}))
    elif problems:
        complain(f"{path}:\n{text}")
    else:
        result(text)
    return ExitStatus.USAGE if problems else ExitStatus.DONE


def _json(data: object) -> str:
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode()
