"""linphonec 5.1 of Debian 12 as the other telephone, on a terminal of its own, file to file.

Its settings are those of liblinphone's `linphonerc`; it can't be steered but by typing.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.interop.lab.kamailio import Kamailio
from tests.interop.lab.negotiated import Negotiated, last_suite
from tests.interop.lab.ports import HOST, free_ports
from tests.interop.lab.processes import Peer, PeerFailed, wait_until

_START_S = 20.0
_QUIT_S = 5.0
_PAUSE_S = 0.3
_RTP_PORTS = 2
_CODECS = (
    *("opus/48000/2", "G722/8000/1", "PCMU/8000/1", "PCMA/8000/1", "speex/8000/1"),
    *("speex/16000/1", "speex/32000/1", "GSM/8000/1", "iLBC/8000/1", "BV16/8000/1"),
    *("L16/44100/1", "L16/44100/2"),
)
_ZRTP_SUITES: Final = {
    ("AES-128", "HMAC-SHA1-80"): "AES_CM_128_HMAC_SHA1_80",
    ("AES-128", "HMAC-SHA1-32"): "AES_CM_128_HMAC_SHA1_32",
    ("AES-256", "HMAC-SHA1-80"): "AES_256_CM_HMAC_SHA1_80",
    ("AES-256", "HMAC-SHA1-32"): "AES_256_CM_HMAC_SHA1_32",
}
_PROFILES: Final = {"1": "AES_CM_128_HMAC_SHA1_80", "2": "AES_CM_128_HMAC_SHA1_32"}
"""RFC 5764 §4.1.2."""
STRONG_ZRTP: Final = {
    "zrtp_key_agreements_suites": "MS_ZRTP_KEY_AGREEMENT_X255",
    "zrtp_cipher_suites": "MS_ZRTP_CIPHER_AES3",
}
"""X25519 and AES-256 instead of its defaults, DH3k and AES-128."""

_SETTINGS = """[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
default_proxy=0
media_encryption={keying}
media_encryption_mandatory=1
verify_server_certs=1
verify_server_cn=0
root_ca={root}
{more}
[rtp]
audio_rtp_port={rtp}
[sound]
echocancellation=0
[misc]
auto_net_state_mon=0
[auth_info_0]
username={user}
passwd={password}
realm={domain}
domain={domain}
[proxy_0]
reg_proxy=<sip:{host}:{port};transport=tls>
reg_route=<sip:{host}:{port};transport=tls;lr>
reg_identity=sip:{user}@{domain}
reg_expires=600
reg_sendregister=1
publish=0
"""


@dataclass(frozen=True, slots=True)
class Softphone:
    """An account: `keying` is "srtp", "dtls" or "zrtp", always mandatory.

    `codec` as liblinphone names it; it plays the WAV `source` and writes what it hears to `sink`;
    `more` are further keys of its section `[sip]`; `detailed`: it keeps a debug log.
    """

    user: str
    password: str
    registrar: Kamailio
    root: Path
    source: Path
    sink: Path
    keying: str = "srtp"
    codec: str = "PCMU/8000/1"
    answers: bool = True
    more: Mapping[str, str] = field(default_factory=dict)
    detailed: bool = True


class Linphone(Peer):
    """One running telephone; registered when entered, gone when left."""

    def __init__(self, account: Softphone, directory: Path) -> None:
        self.account = account
        self.directory = directory
        self.rtp_ports = free_ports(_RTP_PORTS, aligned=2)
        # Without this folder it has no data base, and ends.
        (directory / ".local/share/linphone").mkdir(parents=True)
        self._settings = directory / "linphonerc"
        self._settings.touch(mode=0o600)
        self._settings.write_text(self._configuration())
        self._log = directory / "linphonec.log"
        self._details = directory / "details.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._terminal = -1
        self._reader = threading.Thread(target=self._read, daemon=True)

    @staticmethod
    def version() -> str:
        query = ["dpkg-query", "--show", "--showformat=${Version}", "linphone-cli"]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout

    @property
    def pid(self) -> int:
        if self._process is None:
            raise PeerFailed("linphonec was not started")
        return self._process.pid

    def start(self) -> None:
        """Runs it until it is registered; raises PeerFailed if it is refused or too slow."""
        self._terminal, inside = pty.openpty()
        account = self.account
        details = ["-d", "6", "-l", str(self._details)] if account.detailed else []
        answering = ["-a"] if account.answers else []
        self._process = subprocess.Popen(
            ["linphonec", "-c", str(self._settings), *details, *answering],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={**os.environ, "HOME": str(self.directory), "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(inside)
        self._reader.start()
        account.registrar.wait_for("registered", account.user, timeout_s=_START_S)
        for line in ("soundcard use files", f"record {account.sink}", f"play {account.source}"):
            self._type(line)

    def stop(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            # After some calls it asks for a password first, whoever's it may be.
            self._type("quit")
            self._type("quit")
        try:
            self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_QUIT_S)
        os.close(self._terminal)

    def dial(self, uri: str) -> None:
        self._type(f"call {uri}")

    def hang_up(self) -> None:
        self._type("terminate")

    def text(self) -> str:
        """What it has shown on its terminal so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def details(self) -> str:
        """Its own debug log so far, SIP messages and media in it."""
        return self._details.read_text(errors="replace")

    def wait_established(self, timeout_s: float = 30.0) -> None:
        self._wait_for(r"Media streams established|Call \d+ .*connected", timeout_s)

    def wait_closed(self, timeout_s: float = 15.0) -> None:
        self._wait_for(r"Call \d+ .*ended", timeout_s)

    def token(self, timeout_s: float = 10.0) -> str:
        """The short authentication string of its last ZRTP call, as it shows it."""
        return self._wait_for(r"auth token is (\w+:?\w*)\.", timeout_s)[-1]

    def negotiated(self) -> Negotiated:
        """Its last call's keying; raises PeerFailed where its log names none."""
        log = self.details()
        # Where it runs inside SDES or DTLS-SRTP, the log names those too; ZRTP's keys come last.
        by_zrtp = re.findall(r"ZRTP algo used during negotiation: (.*)", log)
        if by_zrtp:
            parts = dict(re.findall(r"(\w+): (\S+)", by_zrtp[-1]))
            suite = _ZRTP_SUITES[parts["Cipher"], parts["AuthTag"]]
            return Negotiated("zrtp", suite, self.token(), by_zrtp[-1].strip())
        by_dtls = re.findall(r"RTP channel successful, srtp protection profile (\d+)", log)
        if by_dtls:
            return Negotiated("dtls", _PROFILES[by_dtls[-1]])
        if "Negotiated media encryption is LinphoneMediaEncryptionSRTP" not in log:
            raise PeerFailed(f"nothing keyed\n{log[-3000:]}")
        return Negotiated("sdes", last_suite(log))

    def _wait_for(self, pattern: str, timeout_s: float) -> list[str]:
        return wait_until(
            lambda: re.findall(pattern, self.text()) or None,
            timeout_s,
            lambda: f"{self.account.user} never showed {pattern!r}\n{self.text()[-3000:]}",
        )

    def _configuration(self) -> str:
        account = self.account
        domain = account.registrar.domain
        text = _SETTINGS.format(
            keying=account.keying,
            root=account.root,
            more="\n".join(f"{name}={value}" for name, value in account.more.items()),
            rtp=self.rtp_ports.start,
            user=account.user,
            password=account.password,
            domain=domain.name,
            host=HOST,
            port=domain.port,
        )
        for number, codec in enumerate(_CODECS):
            name, rate, channels = codec.split("/")
            text += f"[audio_codec_{number}]\nmime={name}\nrate={rate}\nchannels={channels}\n"
            text += f"enabled={int(codec == account.codec)}\n"
        return text

    def _read(self) -> None:
        with self._log.open("ab") as log, contextlib.suppress(OSError):
            while True:  # until the terminal's other end is closed
                log.write(os.read(self._terminal, 65536))
                log.flush()

    def _type(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")
        time.sleep(_PAUSE_S)  # a line that comes while another is carried out is lost
