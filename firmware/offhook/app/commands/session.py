"""What the commands share: settings, the engine, a telephone that runs, and its failures."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.app.build import Builder
from offhook.app.call_store import CallStore
from offhook.app.console import Console
from offhook.app.engine.client import EngineOptions
from offhook.app.engine.greeting import Hello
from offhook.app.engine.keeper import EngineKeeper
from offhook.app.engine.remote import EngineRemote
from offhook.app.report import AccountStatus, Failure, Timing, signalling_part
from offhook.app.runner import AccountRunner
from offhook.app.telephone import Telephone
from offhook.base.errors import LocalError
from offhook.base.vocabulary import FlowReport
from offhook.phone.call.account import Unregistered
from offhook.protocols.media.messages import Command, Report
from offhook.shells.store.randomness import SystemRandomness
from offhook.shells.store.settings_file import read_settings, read_trust
from offhook.shells.store.vault import FileVault

DEFAULT_SETTINGS: Final = Path("/etc/offhook/settings.toml")


def read_builder(path: Path) -> Builder:
    """Everything that the settings at `path` name. Raises SettingsInvalid or StoreError."""
    folder = path.resolve().parent
    settings = read_settings(path)
    return Builder(
        settings=settings,
        files=read_trust(settings, folder),
        vault=FileVault(folder, folder / settings.store.directory),
        randomness=SystemRandomness(),
        folder=folder,
    )


@dataclass(frozen=True, slots=True)
class TalkOptions:
    """What the command line says of talking, whoever called; times in s."""

    account: str | None
    """None: the first."""
    play: Path | None
    record: Path | None
    seconds: float | None
    """How long to talk; None: until the other side hangs up."""
    digits: str


_Hears = tuple[Callable[[Report], None], Callable[[str], None], Callable[[], None]]


@asynccontextmanager
async def running_telephone(
    builder: Builder,
    talk: TalkOptions,
    console: Console,
    engine_options: EngineOptions | None = None,
    *,
    every: bool = False,
    remote: Path | None = None,
    calls: CallStore | None = None,
) -> AsyncIterator[Telephone]:
    """A telephone whose account seeks its flow; hung up, unregistered and closed at the end.

    Without `engine_options` each call speaks and hears by the files of `talk`, whose account is the
    one that runs; where it names none that is the first, or with `every` all of them. `remote` is
    the socket of an engine that is a service of its own; without it one is started here. `calls`
    keeps what the next run has to end. LocalError for files that such an engine would have to play
    or record.
    """
    options = engine_options or EngineOptions(play=talk.play, record=talk.record)
    hears: _Hears = (
        lambda report: telephone.take_report(report),  # noqa: PLW0108  made below
        lambda reason: telephone.engine_lost(reason),  # noqa: PLW0108  made below
        lambda: telephone.engine_started(),  # noqa: PLW0108  made below
    )
    if remote is None:
        engine: EngineKeeper | EngineRemote = EngineKeeper(options, *hears)
    elif options.play is None and options.record is None:
        engine = EngineRemote(remote, Hello(options.card), *hears)
    else:
        raise LocalError("an engine that is a service plays and records no files")
    only = talk.account
    if only is None and not every:
        only = builder.settings.accounts[0].name
    telephone = Telephone(builder, engine, only, calls)
    await engine.start()
    try:
        async with _attended(telephone, console):
            yield telephone
    finally:
        await engine.close()


@asynccontextmanager
async def registering_telephone(builder: Builder, console: Console) -> AsyncIterator[Telephone]:
    """All accounts and no engine, for those who only register."""
    telephone = Telephone(builder, _NoEngine())
    async with _attended(telephone, console):
        yield telephone


class _NoEngine:
    """Stands where calls are neither made nor taken."""

    def post(self, command: Command) -> None:
        raise LocalError(f"there is no engine for {type(command).__name__}")


@asynccontextmanager
async def _attended(telephone: Telephone, console: Console) -> AsyncIterator[None]:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, telephone.interrupt)
    for runner in telephone.runners:
        runner.trace = console.trace
    telephone.start()
    try:
        yield
    finally:
        await telephone.stop()


def timing_of(runner: AccountRunner) -> Timing:
    """What the way to a registered flow took."""
    times, flow = runner.times, runner.last_flow
    return Timing(
        dns=round(times.dns_ms, 3),
        connect=None if flow is None else round(flow.connect_ms, 3),
        tls=None if flow is None else round(flow.handshake_ms, 3),
        register=None if times.register_ms is None else round(times.register_ms, 3),
        start_to_registered=None
        if times.start_to_registered_ms is None
        else round(times.start_to_registered_ms, 3),
    )


def account_status(
    runner: AccountRunner,
    flow: FlowReport | None,
    expires_s: float | None,
    failure: Failure | None,
) -> AccountStatus:
    """How the account stands: registered for `expires_s`, None: not; `flow` is told of it."""
    terms = runner.account.terms
    return AccountStatus(
        name=terms.name,
        address=f"sip:{terms.user}@{terms.domain}",
        registered=expires_s is not None,
        expires_s=expires_s,
        signalling=signalling_part(flow),
        timing_ms=timing_of(runner),
        failure=failure,
    )


def failure_of(runner: AccountRunner, event: Unregistered) -> Failure:
    """Why an account can't be used."""
    signalling = runner.last_flow is None
    return Failure(
        stage="signalling" if signalling else "registration",
        reason=event.reason,
        rule=runner.times.failed_rule,
    )


def loop_time() -> float:
    """Seconds on the running loop's clock."""
    return asyncio.get_running_loop().time()
