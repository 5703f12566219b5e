"""Which accounts run, and what is told of one that finds no way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.app.practice_desk import DOMAIN, PASSWORD, PATIENCE_S

from offhook.app.build import Builder
from offhook.app.commands import session
from offhook.app.commands.session import TalkOptions, read_builder, running_telephone
from offhook.app.console import Console
from offhook.app.runner import AccountRunner
from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.phone.call.account_events import AccountEvent, Unregistered
from offhook.shells.net.dns import Record, Resolver
from offhook.shells.net.errors import LookupFailed
from offhook.shells.net.sessions import SessionCache
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki


def builder_of(folder: Path, server: PathAddress) -> Builder:
    ca = make_practice_pki(folder, DOMAIN).ca
    access = PhoneAccess(DOMAIN, "phone", Secret(PASSWORD), server, ca)
    return read_builder(write_phone_settings(folder, access))


class NoDns(Resolver):
    """The network is gone."""

    async def lookup(self, kind: str, name: str) -> list[Record]:
        raise LookupFailed(f"no answer for {kind} {name}")


def test_a_certificate_that_was_refused_is_not_why_the_dns_fails_later(tmp_path: Path) -> None:
    builder = builder_of(tmp_path, PathAddress("sip.practice.example", 5061))
    (account,), (settings,) = (
        builder.accounts(builder.keepsakes().of_calls),
        builder.settings.accounts,
    )

    async def run() -> None:
        told: asyncio.Queue[AccountEvent] = asyncio.Queue()
        runner = AccountRunner(
            account, builder.tls(settings), NoDns(), SessionCache(), lambda _command: None
        )
        runner.on_event = told.put_nowait
        runner.times.failed_rule = "expired"
        runner.start()
        async with asyncio.timeout(PATIENCE_S):
            while not isinstance(await told.get(), Unregistered):
                pass
        assert runner.times.failed_rule is None
        await runner.stop()

    asyncio.run(run())


class NoEngine:
    def __init__(self, *_: object) -> None:
        pass

    def post(self, _: object) -> None:
        pass

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("account", "every", "run"),
    [
        (None, False, ["practice"]),
        (None, True, ["practice", "office"]),
        ("office", False, ["office"]),
        ("office", True, ["office"]),
    ],
)
def test_the_account_that_is_named_runs_else_the_first_or_all(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    account: str | None,
    every: bool,
    run: list[str],
) -> None:
    assert names(tmp_path, monkeypatch, account, every=every) == run


@pytest.mark.parametrize("every", [False, True])
def test_an_account_of_no_name_is_none_that_is_known(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    every: bool,
) -> None:
    with pytest.raises(LocalError, match="no account ''"):
        names(tmp_path, monkeypatch, "", every=every)


def names(
    folder: Path, monkeypatch: pytest.MonkeyPatch, account: str | None, *, every: bool
) -> list[str]:
    monkeypatch.setattr(session, "EngineKeeper", NoEngine)
    builder_of(folder, PathAddress("127.0.0.1", 9))
    path = folder / "settings.toml"
    own, rest = path.read_text().split("\n[trust]", 1)
    office = own.replace('name = "practice"', 'name = "office"')
    path.write_text(f"{own}\n{office}\n[trust]{rest}")
    talk = TalkOptions(account, None, None, None, "")

    async def run() -> list[str]:
        async with running_telephone(read_builder(path), talk, Console(), every=every) as telephone:
            return [each.account.terms.name for each in telephone.runners]

    return asyncio.run(run())
