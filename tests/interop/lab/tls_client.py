"""A bare TLS client for SIP: one request, one answer, to see what a registrar demands."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.ports import HOST

_TIMEOUT_S = 5.0


def ask(
    port: int,
    domain: str,
    method: str,
    *,
    root: Path,
    certificate: CertificateFiles | None = None,
) -> str:
    """The response's head to one request for `domain`; raises OSError when TLS is refused."""
    context = ssl.create_default_context(cafile=str(root))
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    with (
        socket.create_connection((HOST, port), _TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=domain) as flow,
    ):
        host, local_port = flow.getsockname()
        flow.sendall(
            (
                f"{method} sip:{domain} SIP/2.0\r\n"
                f"Via: SIP/2.0/TLS {host}:{local_port};branch=z9hG4bKask{local_port}\r\n"
                f"From: <sip:alice@{domain}>;tag=ask\r\n"
                f"To: <sip:alice@{domain}>\r\n"
                f"Call-ID: ask-{local_port}\r\n"
                f"CSeq: 1 {method}\r\n"
                f"Contact: <sip:alice@{host}:{local_port};transport=tls>\r\n"
                "Max-Forwards: 70\r\n"
                "Content-Length: 0\r\n\r\n"
            ).encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = flow.recv(65536)
            if not data:
                raise ConnectionResetError("closed without an answer")
            answer += data
    return answer.partition(b"\r\n\r\n")[0].decode()
