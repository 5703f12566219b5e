"""The one error tree. Any exception outside it is a bug."""

from __future__ import annotations


class OffhookError(Exception):
    """Root of every error that Offhook raises on purpose."""


class LocalError(OffhookError):
    """Our caller's fault: a wrong argument, a method called in a state that forbids it."""


class PeerError(OffhookError):
    """The peer's fault: bytes that can't be parsed, an answer that can't be accepted.

    `status` is the SIP status (RFC 3261 §21) with which a UAS would answer the request that
    carried the fault, or None where no answer is owed.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
