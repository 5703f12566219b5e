"""A practice trunk and a telephone in this terminal: `python -m offhook_practice.desk`."""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from offhook.base.errors import OffhookError
from offhook.base.secret import Secret
from offhook_practice.cli import DOMAIN, USER
from offhook_practice.extensions import EXTENSIONS
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki
from offhook_practice.trunk import PracticeTrunk


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both until the person leaves; the phone's exit status. `arguments` are for the phone."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="offhook-desk-") as folder:
            return asyncio.run(_run(Path(folder), given))
    except OffhookError as error:
        sys.stderr.write(f"practice: {error}\n")
        return 1


async def _run(folder: Path, arguments: list[str]) -> int:
    files = make_practice_pki(folder, DOMAIN)
    password = Secret(secrets.token_urlsafe(18))
    trunk = PracticeTrunk(DOMAIN, {USER: password}, files.certificate, files.key)
    address = await trunk.start()
    access = PhoneAccess(DOMAIN, USER, password, address, files.ca)
    settings = write_phone_settings(folder, access)
    sys.stdout.write("Numbers to dial, each ended with #:\n")
    for each in EXTENSIONS:
        sys.stdout.write(f"  {each.number}  {each.told}\n")
    sys.stdout.flush()
    phone = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "offhook.app.cli", "run", "--handset", "terminal"),
        *("--settings", str(settings), *arguments),
    )
    try:
        return await phone.wait()
    finally:
        await trunk.stop()


if __name__ == "__main__":
    sys.exit(main())
