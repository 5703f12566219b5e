"""`offhook status`: ask the phone that runs here, else register every account once."""

from __future__ import annotations

import time
from pathlib import Path

from offhook import __version__
from offhook.app.build import Builder
from offhook.app.commands.session import (
    DEFAULT_SETTINGS,
    account_status,
    failure_of,
    loop_time,
    registering_telephone,
)
from offhook.app.console import Console
from offhook.app.control import default_socket
from offhook.app.control_asking import ask_status
from offhook.app.control_words import lasted
from offhook.app.exit_status import ExitStatus
from offhook.app.report import AccountStatus, Failure, StatusReport
from offhook.app.runner import AccountRunner
from offhook.phone.call import account as phone
from offhook.shells.control.client import NoPhone, Refused
from offhook.shells.store.settings_file import read_settings


def running_status(
    socket: Path | None, settings: Path, console: Console
) -> tuple[StatusReport, ExitStatus] | None:
    """What the phone that listens at `socket` (None: the usual one) says of itself.

    None where no phone runs at the usual one, where it may not be asked, or where other `settings`
    than the usual ones are named and it has none of their accounts. Raises LocalError where a
    named one doesn't answer.
    """
    try:
        report = ask_status(socket or default_socket())
    except NoPhone:
        if socket is not None:
            raise
        return None
    except Refused as error:
        if socket is not None:
            raise
        console.say(f"{error}; registering once instead")
        return None
    if socket is None and settings != DEFAULT_SETTINGS and not _shared(report, settings):
        console.say("a phone runs here with other accounts than these; registering once instead")
        return None
    if report.phone is not None:
        running_s = report.phone.running_s
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - running_s))
        console.say(f"running since {since} ({lasted(running_s)}), process {report.phone.pid}")
    return report, _exit_status(report.accounts)


def _shared(report: StatusReport, settings: Path) -> bool:
    own = {
        (each.name, f"sip:{each.user}@{each.domain}") for each in read_settings(settings).accounts
    }
    return any((each.name, each.address) in own for each in report.accounts)


async def status(
    builder: Builder, seconds: float, console: Console
) -> tuple[StatusReport, ExitStatus]:
    """What became of each account within `seconds`."""
    found: dict[str, AccountStatus] = {}
    async with registering_telephone(builder, console) as telephone:
        until = loop_time() + seconds
        while len(found) < len(telephone.runners):
            happened = await telephone.next_event(until)
            if happened is None:
                break
            name = happened.runner.account.terms.name
            settled = _settled(happened.runner, happened.event)
            if settled is not None and name not in found:
                found[name] = settled
        for runner in telephone.runners:
            silent = Failure(stage="registration", reason=f"no answer within {seconds:g} s")
            name = runner.account.terms.name
            if name not in found:
                found[name] = account_status(runner, runner.last_flow, None, silent)
    in_order = tuple(found[each.name] for each in builder.settings.accounts)
    return StatusReport(version=__version__, accounts=in_order), _exit_status(in_order)


def _settled(runner: AccountRunner, event: phone.AccountEvent) -> AccountStatus | None:
    match event:
        case phone.Registered(expires_s=expires_s):
            return account_status(runner, runner.last_flow, expires_s, None)
        case phone.FlowReady() if not runner.account.terms.register:
            return account_status(runner, runner.last_flow, None, None)
        case phone.Unregistered():
            return account_status(runner, runner.last_flow, None, failure_of(runner, event))
    return None


def _exit_status(accounts: tuple[AccountStatus, ...]) -> ExitStatus:
    failures = [each.failure for each in accounts if each.failure is not None]
    if not failures:
        return ExitStatus.DONE
    if any(each.rule is not None for each in failures):
        return ExitStatus.UNTRUSTED
    return ExitStatus.UNREGISTERED
