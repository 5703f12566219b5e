"""An operator, a CA and a phone in memory: every document as it should be, for tests to spoil."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from offhook.base.schema.bundle import BUNDLE, Bundle, Holder, Means, accept_bundle, header_content
from offhook.base.schema.bundle_content import Binding, content_document
from offhook.base.schema.ticket import TICKET, Ticket, TicketBody, ticket_content
from offhook.base.secret import Secret
from offhook_provisioning.crypto.authority import (
    Authority,
    load_key,
    new_key,
    public_octets,
    self_signed,
)
from offhook_provisioning.crypto.device_certificate import judge_own_certificate
from offhook_provisioning.crypto.sealing import Identity, seal
from offhook_provisioning.crypto.signing import SigningKey, encode, signed, verify

NOW = 1_780_000_000.0
DAY = 86_400
SETTINGS = """\
[[accounts]]
name = "home"
user = "+4930123456"
domain = "sip.example.com"
password = { file = "secrets/home" }

[trust]
anchors = ["trust/anchors.pem"]
client_certificate = "trust/device.pem"
client_key = { file = "secrets/device.key" }
"""
PASSWORD = "correct horse battery staple"


@functools.cache
def authority(name: str = "Example CA") -> Authority:
    key = new_key()
    return Authority(key, (self_signed(name, key, NOW),))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


@dataclass
class Phone:
    """Keys that were made on the device."""

    device: str = "desk-007"
    key: Secret = field(default_factory=new_key)
    identity: Identity = field(default_factory=Identity.generate)

    @property
    def csr(self) -> x509.CertificateSigningRequest:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anything")])
        builder = x509.CertificateSigningRequestBuilder().subject_name(name)
        return builder.sign(load_key(self.key), hashes.SHA256())

    @property
    def csr_der(self) -> bytes:
        return self.csr.public_bytes(serialization.Encoding.DER)

    def holder(self, operator: SigningKey, counter: int = 0) -> Holder:
        spki = public_octets(load_key(self.key).public_key())
        return Holder(self.device, (operator.public,), self.identity.recipient, spki, counter)

    @property
    def means(self) -> Means:
        return Means(verify, self.identity.unseal, judge_own_certificate)

    def accept(
        self, octets: bytes, operator: SigningKey, *, counter: int = 0, now: float = NOW
    ) -> Bundle:
        return accept_bundle(octets, self.holder(operator, counter), self.means, now)


@dataclass
class Scene:
    """One operator and one phone; `bundle` writes what the operator would send."""

    operator: SigningKey = field(default_factory=SigningKey.generate)
    phone: Phone = field(default_factory=Phone)
    settings: str = SETTINGS
    secrets: dict[str, Secret] = field(default_factory=lambda: {"home": Secret(PASSWORD)})
    files: dict[str, bytes] = field(default_factory=lambda: {"trust/anchors.pem": b"anchors"})
    chain: list[bytes] | None = None

    def content(self) -> dict[str, Any]:
        ca = authority()
        chain = self.chain or ca.issue(self.phone.device, self.phone.csr, NOW)
        binding = Binding((self.operator.public,), (der(ca.chain[-1]),))
        return content_document(self.settings, self.secrets, self.files, tuple(chain), binding)

    def bundle(self, **header: Any) -> bytes:
        recipient = self.phone.identity.recipient
        told = {
            "device": self.phone.device,
            "recipient": recipient,
            "counter": 1,
            "issued": int(NOW),
            "expires": int(NOW) + 365 * DAY,
            "sealed": seal(encode(self.content()), recipient),
            **header,
        }
        return signed(BUNDLE, header_content(**told), [self.operator])

    def ticket(self, **changed: Any) -> Ticket:
        body: dict[str, Any] = {
            "format": 1,
            "device": self.phone.device,
            "issued": int(NOW),
            "expires": int(NOW) + 14 * DAY,
            "operator": (b64(self.operator.public),),
            "anchors": (b64(der(authority().chain[-1])),),
            **changed,
        }
        return Ticket(TicketBody(**body), Secret(b"0123456789abcdef"), {}, (), ())

    def ticket_octets(self, **changed: Any) -> bytes:
        return signed(TICKET, ticket_content(self.ticket(**changed)), [self.operator])


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
