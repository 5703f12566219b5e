"""The command `offhook`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Final

import msgspec

from offhook import __version__
from offhook.app.commands.answer import AnswerOptions, answer
from offhook.app.commands.call import CallOptions, call
from offhook.app.commands.session import DEFAULT_SETTINGS, TalkOptions, read_builder
from offhook.app.commands.settings import show_settings
from offhook.app.commands.status import running_status, status
from offhook.app.commands.watch import WatchOptions, watch
from offhook.app.console import Console, complain, result
from offhook.app.exit_status import ExitStatus
from offhook.app.render import render
from offhook.app.report import as_json
from offhook.base.errors import OffhookError
from offhook.base.schema.dial_plan import country_names, country_plan

_EXITS: Final = """\
exit status:
  0  a completed, encrypted call (answer: all of them; status: all registered)
  1  the network or the media engine gave way
  2  wrong arguments or settings
  3  the server could not be trusted: TLS or its certificate was refused
  4  not registered: refused, or no answer
  5  the other side said no, or nobody answered
  6  refused by us: the call would not have been encrypted
  7  answered, but no authenticated speech came
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is `ExitStatus`."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        return int(options.run(options))
    except OffhookError as error:
        complain(str(error))
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        return ExitStatus.FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="offhook",
        description="A secure desk phone: SIP over verified TLS, SRTP, and nothing else.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"offhook {__version__}")
    parser.add_argument("--verbose", action="store_true", help="log what happens, never any key")
    words = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    word = words.add_parser("call", help="call somebody")
    word.add_argument("target", help="a number, a name, user@host or a sip: address")
    _add_common(word)
    _add_talk(word)
    word.add_argument(
        "--ring", type=_seconds, default=60.0, metavar="N", help="give up after N s (default: 60)"
    )
    word.set_defaults(run=_call)

    word = words.add_parser("answer", help="take calls as they come")
    _add_common(word)
    _add_talk(word)
    word.add_argument(
        "--calls", type=_count, default=1, metavar="N", help="end after N calls (default: 1)"
    )
    word.add_argument("--wait", type=_seconds, metavar="N", help="wait N s at most for each call")
    word.set_defaults(run=_answer)

    word = words.add_parser("run", help="be a telephone for a person")
    _add_common(word)
    _add_talk(word)
    word.add_argument(
        "--handset",
        choices=("terminal", "wired"),
        default="terminal",
        help="its keys: in this terminal, or wired to pins as the settings' profile says",
    )
    word.add_argument(
        "--prompts", type=Path, metavar="FOLDER", help="what it says, rendered beforehand"
    )
    word.add_argument(
        "--engine",
        type=_socket,
        metavar="SOCKET",
        help="a media engine that is a service of its own (default: one is started)",
    )
    _add_socket(word)
    word.set_defaults(run=_run_handset)

    word = words.add_parser("card", help="print the desk card: every code, as SVG")
    word.add_argument("--country", choices=country_names(), default="DE")
    word.add_argument("--language", choices=("en", "de"), default="en")
    word.add_argument("--number", default="", help="the telephone's own number")
    word.set_defaults(run=_card)

    word = words.add_parser(
        "status", help="ask the phone that runs here, or register every account once"
    )
    _add_common(word, account=False)
    word.add_argument(
        "--seconds", type=_seconds, default=10.0, metavar="N", help="wait N s (default: 10)"
    )
    _add_socket(word)
    word.add_argument("--once", action="store_true", help="register even if a phone runs here")
    word.set_defaults(run=_status)

    word = words.add_parser("watch", help="print what happens to the phone that runs here")
    _add_socket(word)
    word.add_argument("--json", action="store_true", help="print its lines of JSON")
    word.add_argument("--levels", action="store_true", help="print how loud it is, too")
    word.set_defaults(run=_watch)

    word = words.add_parser("settings", help="check the settings, or explain every key")
    _add_common(word, account=False)
    word.add_argument("--explain", action="store_true", help="explain every key that can be set")
    word.set_defaults(run=_settings)
    return parser


def _add_common(word: argparse.ArgumentParser, *, account: bool = True) -> None:
    word.add_argument(
        "--settings",
        type=Path,
        default=DEFAULT_SETTINGS,
        metavar="FILE",
        help=f"the settings (default: {DEFAULT_SETTINGS})",
    )
    word.add_argument("--json", action="store_true", help="print the result as JSON")
    word.add_argument(
        "--trace", action="store_true", help="print SIP messages, without keys and credentials"
    )
    if account:
        word.add_argument("--account", metavar="NAME", help="which account (default: the first)")


def _add_socket(word: argparse.ArgumentParser) -> None:
    word.add_argument(
        "--socket", type=_socket, metavar="PATH", help="the control socket (default: the usual one)"
    )


def _add_talk(word: argparse.ArgumentParser) -> None:
    word.add_argument("--play", type=Path, metavar="IN.wav", help="speak this (mono, 16 bit)")
    word.add_argument("--record", type=Path, metavar="OUT.wav", help="write what is heard")
    word.add_argument("--seconds", type=_seconds, metavar="N", help="hang up N s after the answer")
    word.add_argument(
        "--digits", type=_digits, default="", metavar="D", help="press these keys: 0-9 * # A-D"
    )


def _call(options: argparse.Namespace) -> ExitStatus:
    wanted = CallOptions(options.target, _talk(options), options.ring)
    return _run(call(read_builder(options.settings), wanted, _console(options)), options)


def _answer(options: argparse.Namespace) -> ExitStatus:
    wanted = AnswerOptions(options.calls, _talk(options), options.wait)
    return _run(answer(read_builder(options.settings), wanted, _console(options)), options)


def _run_handset(options: argparse.Namespace) -> ExitStatus:
    # Imported when needed: nothing else draws.
    from offhook.app.commands.run import RunOptions, run  # noqa: PLC0415

    builder = read_builder(options.settings)
    wanted = RunOptions(
        _talk(options), options.handset, options.prompts, options.socket, options.engine
    )
    return asyncio.run(run(builder, wanted, _console(options)))


def _card(options: argparse.Namespace) -> ExitStatus:
    from offhook.app.card import CardTerms, render_card  # noqa: PLC0415  as above
    from offhook.base.schema.feature_codes import builtin_feature_codes  # noqa: PLC0415

    plan = country_plan(options.country)
    terms = CardTerms.for_plan(plan, options.language, options.number)
    result(render_card(builtin_feature_codes(), terms))
    return ExitStatus.DONE


def _status(options: argparse.Namespace) -> ExitStatus:
    if not options.once:
        found = running_status(options.socket, options.settings, _console(options))
        if found is not None:
            return _told(found, options)
    builder = read_builder(options.settings)
    return _run(status(builder, options.seconds, _console(options)), options)


def _watch(options: argparse.Namespace) -> ExitStatus:
    return watch(WatchOptions(options.socket, options.levels, options.json))


def _talk(options: argparse.Namespace) -> TalkOptions:
    return TalkOptions(
        options.account, options.play, options.record, options.seconds, options.digits
    )


def _console(options: argparse.Namespace) -> Console:
    return Console(options.trace)


def _run(
    work: Coroutine[None, None, tuple[msgspec.Struct, ExitStatus]], options: argparse.Namespace
) -> ExitStatus:
    return _told(asyncio.run(work), options)


def _told(made: tuple[msgspec.Struct, ExitStatus], options: argparse.Namespace) -> ExitStatus:
    report, exit_status = made
    result(as_json(report) if options.json else render(report))
    return exit_status


def _settings(options: argparse.Namespace) -> ExitStatus:
    return show_settings(options.settings, explained=options.explain, as_data=options.json)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError("seconds between 0 and 86400")
    return value


def _socket(text: str) -> Path:
    return Path(text).absolute()


def _count(text: str) -> int:
    value = int(text)
    if not 0 < value <= 10_000:
        raise argparse.ArgumentTypeError("a count between 1 and 10000")
    return value


def _digits(text: str) -> str:
    digits = text.upper()
    if set(digits) - set("0123456789*#ABCD"):
        raise argparse.ArgumentTypeError("keys are 0-9 * # A-D")
    return digits


if __name__ == "__main__":
    sys.exit(main())
