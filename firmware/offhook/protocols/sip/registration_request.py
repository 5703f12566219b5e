"""The REGISTER requests of one boot (RFC 3261 §10.2): one Call-ID, one From, CSeq counting up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.base.randomness import Randomness, token
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.uri import SipUri
from offhook.protocols.sip.values import CSeq, NameAddr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class RegisterRequests:
    """Builds REGISTERs of `aor` at `registrar` (by default the domain of `aor`).

    `headers` go into each: User-Agent, Supported, Allow.
    """

    def __init__(
        self,
        aor: SipUri,
        randomness: Randomness,
        *,
        registrar: SipUri | None,
        display_name: str,
        headers: Iterable[tuple[str, str]],
    ) -> None:
        self.call_id = token(randomness, 16)
        self._registrar = registrar or SipUri(aor.scheme, None, aor.host, aor.port)
        self._to = NameAddr(display_name, aor)
        self._from = self._to.with_tag(token(randomness))
        self._headers = tuple(headers)
        self._cseq = 0

    def sent(self, request: Request) -> None:
        """`request` is handed out: its CSeq number is used."""
        self._cseq = request.cseq.number

    def build(self, contacts: Sequence[NameAddr], expires_s: int) -> Request:
        """A REGISTER for `contacts`, each of which may carry an `expires` of its own."""
        headers = Headers(
            [
                ("Max-Forwards", "70"),
                ("From", str(self._from)),
                ("To", str(self._to)),
                ("Call-ID", self.call_id),
                ("CSeq", str(CSeq(self._cseq + 1, "REGISTER"))),
                *(("Contact", str(contact)) for contact in contacts),
                ("Expires", str(expires_s)),
                *self._headers,
            ]
        )
        return Request("REGISTER", self._registrar, headers)
