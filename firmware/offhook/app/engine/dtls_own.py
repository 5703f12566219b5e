"""The phone's own side of DTLS-SRTP: one certificate for as long as the engine runs (RFC 5763 §5).

OpenSSL's library for it is loaded when DTLS is first asked for: a phone that never does so goes
without its memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from offhook.protocols.keying.dtls.fingerprint import Fingerprint

if TYPE_CHECKING:
    from offhook.protocols.keying.dtls.identity import DtlsIdentity
    from offhook.protocols.keying.dtls.session import DtlsSession

BEFORE_S: Final = 86_400.0
"""The certificate begins this long ago: a peer that looks at it may have another clock."""
LASTS_S: Final = 3650 * 86_400.0


class DtlsOwn:
    """Makes the certificate and its key, which never leave this process."""

    def __init__(self, wall_time: Callable[[], float]) -> None:
        self.wall_time: Final = wall_time
        """s since 1970."""
        self._identity: DtlsIdentity | None = None

    def _own(self) -> DtlsIdentity:
        if self._identity is None:
            from offhook.protocols.keying.dtls.identity import (  # noqa: PLC0415  see above
                make_identity,
            )

            now = self.wall_time()
            self._identity = make_identity(now - BEFORE_S, now + LASTS_S)
        return self._identity

    def fingerprint(self) -> Fingerprint:
        """What the SDP says of the certificate."""
        return self._own().fingerprint()

    def session(self) -> DtlsSession:
        """A call's associations."""
        from offhook.protocols.keying.dtls.session import DtlsSession  # noqa: PLC0415  see above

        return DtlsSession(self._own())
