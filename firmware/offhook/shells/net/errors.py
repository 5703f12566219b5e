"""Why a flow did not come about: the peer was refused, or there was no connection at all."""

from __future__ import annotations

from offhook.base.errors import PeerError


class TlsRefused(PeerError):
    """The peer, or what we were given to judge it by, breaks `rule`; no SIP octet was sent.

    `rule` is a short name fit for a report, `detail` a sentence for a person.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.detail = detail


class ConnectionFailed(PeerError):
    """No TCP connection, or none that lived until the handshake's end; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class LookupFailed(PeerError):
    """The DNS gave no answer at all, which is not the same as the answer that there is none."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
