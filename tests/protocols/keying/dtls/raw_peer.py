"""A peer made of pyOpenSSL alone, that can be as bad as a test wants it to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key
from OpenSSL import SSL
from tests.protocols.keying.dtls.pair import THEIRS

from offhook.protocols.keying.dtls.association import DtlsAssociation
from offhook.protocols.keying.dtls.identity import DtlsIdentity

DTLS_1_0, DTLS_1_2 = 0xFEFF, 0xFEFD
ALL_SRTP = b"SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"


def believe(*_: object) -> bool:
    return True


@dataclass
class RawPeer:
    """The other end. `died` is what OpenSSL had to say when its handshake failed."""

    server: bool
    identity: DtlsIdentity | None = THEIRS
    srtp: bytes | None = ALL_SRTP
    ciphers: bytes = b"ALL:@SECLEVEL=0"
    version: int = DTLS_1_2
    mtu: int = 1200
    asks: bool = True
    cookies: bool = False
    connection: SSL.Connection = field(init=False)
    finished: bool = False
    died: str = ""

    def __post_init__(self) -> None:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_min_proto_version(self.version)
        context.set_max_proto_version(self.version)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        context.set_cipher_list(self.ciphers)
        if self.srtp is not None:
            context.set_tlsext_use_srtp(self.srtp)
        context.set_verify(SSL.VERIFY_PEER if self.asks else SSL.VERIFY_NONE, believe)
        if self.identity is not None:
            key = load_der_private_key(self.identity.key.reveal(), None)
            context.use_certificate(x509.load_der_x509_certificate(self.identity.certificate))
            context.use_privatekey(key)  # type: ignore[arg-type]  # any kind will do
        if self.cookies:
            context.set_options(SSL.OP_COOKIE_EXCHANGE)
            context.set_cookie_generate_callback(lambda _: b"who are you?")
            context.set_cookie_verify_callback(lambda _, cookie: cookie == b"who are you?")
        self.connection = SSL.Connection(context, None)
        self.connection.set_ciphertext_mtu(self.mtu)
        if self.server:
            self.connection.set_accept_state()
        else:
            self.connection.set_connect_state()

    def work(self) -> None:
        try:
            if not self.finished:
                self.connection.do_handshake()
                self.finished = True
            while True:
                self.connection.recv(2000)
        except SSL.WantReadError:
            return
        except (SSL.ZeroReturnError, SSL.Error) as error:
            self.died = self.died or repr(error)

    def written(self) -> bytes:
        octets = b""
        while True:
            try:
                octets += self.connection.bio_read(65536)
            except SSL.WantReadError:
                return octets

    def meet(self, ours: DtlsAssociation, now: float) -> None:
        """Carry everything both ways until nothing moves, a record a datagram."""
        for _ in range(40):
            self.work()
            octets = self.written()
            moved = bool(octets)
            while octets:
                size = 13 + int.from_bytes(octets[11:13], "big")
                ours.receive_datagram(octets[:size], now)
                octets = octets[size:]
            for datagram in ours.datagrams_to_send():
                moved = True
                self.connection.bio_write(datagram)
                self.work()
            if not moved:
                return
