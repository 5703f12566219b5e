"""The text of Asterisk's configuration files: one TLS transport, one endpoint for each user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.ports import HOST

_ASTERISK = """[directories]
astetcdir => {directory}
astmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdbdir => {directory}/state
astkeydir => {directory}/state
astdatadir => /usr/share/asterisk
astspooldir => {directory}/spool
astrundir => {directory}/run
astlogdir => {directory}/state
[options]
nocolor = yes
dontwarn = yes
"""

_LOGGER = """[general]
dateformat = %T.%3q
[logfiles]
/dev/stdout => notice,warning,error,verbose(5),debug
"""

_TRANSPORT = """[global]
type = global
user_agent = Lab
default_auth_algorithms_uas = {algorithm}
[tls]
type = transport
protocol = tls
bind = {host}:{port}
cert_file = {certificate}
priv_key_file = {key}
method = tlsv1_3
verify_client = no
"""

_ENDPOINT = """[{user}]
type = endpoint
context = lab
disallow = all
allow = {codecs}
direct_media = no
rtp_symmetric = yes
rewrite_contact = yes
auth = {user}
aors = {user}
{keying}
[{user}]
type = aor
max_contacts = 1
remove_existing = yes
[{user}]
type = auth
auth_type = digest
username = {user}
password = {password}
"""

_KEYINGS = {
    "sdes": "media_encryption = sdes",
    "dtls": """media_encryption = dtls
dtls_auto_generate_cert = yes
dtls_verify = fingerprint
dtls_setup = actpass
rtcp_mux = yes""",
}

# Playback goes on for longer than any test: the file has its silence after the speech.
_EXTENSIONS = """[lab]
exten => {talk},1,Answer()
 same => n,Verbose(1,LAB secure ${{CHANNEL(rtp,secure,audio)}})
 same => n,Verbose(1,LAB talking)
 same => n,MixMonitor({mixed}-${{EPOCH}}.wav,r({heard}-${{EPOCH}}.wav))
 same => n,Playback({source})
 same => n,Hangup()
"""


def configuration(
    directory: Path,
    *,
    port: int,
    certificate: CertificateFiles,
    users: Mapping[str, str],
    keying: str,
    feedback: bool,
    algorithm: str,
    codecs: str,
    rtp_ports: range,
    talk: str,
    source: Path,
) -> dict[str, str]:
    """The files by name; users' passwords by their names."""
    how = f"{_KEYINGS[keying]}\nuse_avpf = {'yes' if feedback else 'no'}"
    endpoints = [
        _ENDPOINT.format(user=user, password=password, codecs=codecs, keying=how)
        for user, password in users.items()
    ]
    transport = _TRANSPORT.format(
        host=HOST,
        port=port,
        certificate=certificate.certificate,
        key=certificate.key,
        algorithm=algorithm,
    )
    return {
        "asterisk.conf": _ASTERISK.format(directory=directory),
        "modules.conf": "[modules]\nautoload = yes\n",
        "logger.conf": _LOGGER,
        "rtp.conf": f"[general]\nrtpstart = {rtp_ports.start}\nrtpend = {rtp_ports.stop - 1}\n",
        "pjsip.conf": "\n".join([transport, *endpoints]),
        "extensions.conf": _EXTENSIONS.format(
            talk=talk,
            mixed=directory / "spool" / "mixed",
            heard=directory / "spool" / "heard",
            source=source.with_suffix(""),
        ),
    }
