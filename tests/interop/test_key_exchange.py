"""The flow's key exchange with a real Kamailio: the best group that both have (RFC 8446 §4.2.7).

With OpenSSL 3.5, as Debian 13 has it on both sides, that is X25519MLKEM768: what is recorded today
can't be opened with a quantum computer of tomorrow.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from tests.interop.lab.laboratory import Laboratory

BEST_GROUP: Final = "X25519MLKEM768" if ssl.OPENSSL_VERSION_INFO >= (3, 5) else "x25519"


def test_status_tells_the_best_group_that_both_sides_openssl_has(
    registrars: None,  # noqa: ARG001 - skips
    lab_directory: Path,
) -> None:
    with (
        Laboratory(lab_directory) as lab,
        lab.desk().run("status", "--seconds", "5") as command,
    ):
        ended = command.end()
    (account,) = ended.report["accounts"]
    assert account["registered"], ended.printed
    told = account["signalling"]
    assert (told["tls_version"], told["group"]) == ("TLSv1.3", BEST_GROUP)
