"""The command `offhook-practice-trunk`: a trunk to try a phone against."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from offhook.base.errors import OffhookError
from offhook.base.secret import Secret
from offhook_practice.extensions import EXTENSIONS
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki
from offhook_practice.trunk import PracticeTrunk

DOMAIN = "practice.example"
USER = "phone"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trunk until it is interrupted; the exit status is 0, or 1 with the reason."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except (OffhookError, OSError) as error:
        sys.stderr.write(f"offhook-practice-trunk: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    numbers = "\n".join(f"  {each.number}  {each.name:14} {each.told}" for each in EXTENSIONS)
    parser = argparse.ArgumentParser(
        prog="offhook-practice-trunk",
        description="A small registrar and answering machine over TLS and SRTP, for practice.\n"
        "It makes its own certificates, and settings for a phone, below --folder.",
        epilog=f"extensions:\n{numbers}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=5061, help="port to listen on; 0: a free one")
    parser.add_argument(
        "--folder", type=Path, default=Path("practice"), help="where certificates and settings go"
    )
    parser.add_argument("--quiet", action="store_true", help="do not say what happens")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    password = Secret(secrets.token_urlsafe(18))
    files = make_practice_pki(options.folder, DOMAIN)
    trunk = PracticeTrunk(
        DOMAIN,
        {USER: password},
        files.certificate,
        files.key,
        log=(lambda _line: None) if options.quiet else _say,
    )
    address = await trunk.start(options.host, options.port)
    settings = write_phone_settings(
        options.folder, PhoneAccess(DOMAIN, USER, password, address, files.ca)
    )
    _say(f"listening on {address.host}:{address.port} for {DOMAIN}")
    _say(f"try: offhook call 600 --settings {settings}")
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    await trunk.stop()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
