"""The service may not have memory that is written and executed (MemoryDenyWriteExecute)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
NO_MDWE = 77

CONFINED = """
import ctypes, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
    sys.exit(77)
"""

HANDSHAKE = """
from tests.protocols.keying.dtls.pair import met
from offhook.protocols.keying.dtls.setup import Role
pair = met()
assert pair.keys(Role.ACTIVE).send == pair.keys(Role.PASSIVE).receive
pair.active.close(pair.now)
pair.run()
print("done")
"""

CALLBACK = """
from OpenSSL import SSL
context = SSL.Context(SSL.DTLS_METHOD)
context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
"""

KNOWS_NO_OPENSSL = """
import sys
import offhook.protocols.keying.demultiplex
import offhook.protocols.keying.dtls.fingerprint
import offhook.protocols.keying.dtls.setup
assert not any(name.split(".")[0] in ("OpenSSL", "cryptography") for name in sys.modules)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'firmware'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode == NO_MDWE:
        pytest.skip("this kernel has no PR_SET_MDWE")
    return done


def test_a_whole_association_needs_no_executable_memory() -> None:
    done = run(CONFINED + HANDSHAKE)
    assert done.stdout == "done\n", done.stderr


def test_control_a_callback_of_cffi_would_need_it() -> None:
    done = run(CONFINED + CALLBACK)
    assert done.returncode == 1
    assert "Cannot allocate write+execute memory for ffi.callback()" in done.stderr


def test_what_signalling_needs_of_this_room_brings_no_openssl_along() -> None:
    assert run(KNOWS_NO_OPENSSL).returncode == 0
