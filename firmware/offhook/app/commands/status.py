"""`offhook status`: register every account once and say how that went."""

from __future__ import annotations

from offhook import __version__
from offhook.app.build import Builder
from offhook.app.commands.session import (
    failure_of,
    loop_time,
    registering_telephone,
    timing_of,
)
from offhook.app.console import Console
from offhook.app.exit_status import ExitStatus
from offhook.app.report import AccountStatus, Failure, StatusReport, signalling_part
from offhook.app.runner import AccountRunner
from offhook.phone.call import account as phone


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
                found[name] = _status(runner, None, silent)
    in_order = tuple(found[each.name] for each in builder.settings.accounts)
    return StatusReport(version=__version__, accounts=in_order), _exit_status(in_order)


def _settled(runner: AccountRunner, event: phone.AccountEvent) -> AccountStatus | None:
    match event:
        case phone.Registered(expires_s=expires_s):
            return _status(runner, expires_s, None)
        case phone.FlowReady() if not runner.account.terms.register:
            return _status(runner, None, None)
        case phone.Unregistered():
            return _status(runner, None, failure_of(runner, event))
    return None


def _status(
    runner: AccountRunner, expires_s: float | None, failure: Failure | None
) -> AccountStatus:
    terms = runner.account.terms
    return AccountStatus(
        name=terms.name,
        address=f"sip:{terms.user}@{terms.domain}",
        registered=expires_s is not None,
        expires_s=expires_s,
        signalling=signalling_part(runner.last_flow),
        timing_ms=timing_of(runner),
        failure=failure,
    )


def _exit_status(accounts: tuple[AccountStatus, ...]) -> ExitStatus:
    failures = [each.failure for each in accounts if each.failure is not None]
    if not failures:
        return ExitStatus.DONE
    if any(each.rule is not None for each in failures):
        return ExitStatus.UNTRUSTED
    return ExitStatus.UNREGISTERED
