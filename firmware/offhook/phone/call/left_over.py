"""What has to outlive a crash of ours so that no call goes on without us (RFC 3261 §12, §15.1.1).

A call of ours that rings is in it too: its callee may answer while we are away, and a BYE in the
early dialog ends either (§15). Only what a BYE is made of: no key, no credential, nothing of what
was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.dialog import Dialog, DialogId
from offhook.protocols.sip.grammar import has_loose_control
from offhook.protocols.sip.uri import parse_uri
from offhook.protocols.sip.values import NameAddr

MOST: Final = 16
"""Dialogs of one account, and routes of a dialog, that are taken up again."""
LONGEST: Final = 8192
"""Characters of a value: a line of a SIP message has no more octets."""
HIGHEST_CSEQ: Final = 2**31 - 2


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A dialog as it is written down. All but the number are header field values."""

    call_id: str
    local: str
    """Our address with our tag."""
    remote: str
    """The peer's, with its tag if it has one."""
    target: str
    """The remote target: the Request-URI."""
    routes: tuple[str, ...]
    cseq: int
    """The number of our last request in it, 0 before the first."""
    secure: bool
    authorized: bool = False
    """Whether the INVITE had credentials of ours: else a challenge to the BYE is not answered."""

    @classmethod
    def of(cls, dialog: Dialog) -> LeftOver:
        """`dialog` as it stands now."""
        return cls(
            dialog.id.call_id,
            str(dialog.local),
            str(dialog.remote),
            str(dialog.target),
            tuple(str(each) for each in dialog.route_set),
            dialog.local_cseq,
            dialog.secure,
            dialog.authorized,
        )

    def dialog(self) -> Dialog:
        """The dialog that was written down. Raises LocalError where it can't be one."""
        try:
            local, remote = NameAddr.parse(self.local), NameAddr.parse(self.remote)
            return Dialog(
                id=DialogId(self.call_id, local.tag or "", remote.tag or ""),
                local=local,
                remote=remote,
                local_cseq=self.cseq,
                remote_cseq=None,
                target=parse_uri(self.target),
                route_set=tuple(NameAddr.parse(each) for each in self.routes),
                secure=self.secure,
                peer_allows=frozenset(),
                confirmed=True,
                authorized=self.authorized,
            )
        except PeerError as error:
            raise LocalError(f"a dialog that was kept can't be read: {error.reason}") from None

    def to_document(self) -> dict[str, object]:
        """Strings, numbers and lists, for a store."""
        return {
            "call_id": self.call_id,
            "local": self.local,
            "remote": self.remote,
            "target": self.target,
            "routes": list(self.routes),
            "cseq": self.cseq,
            "secure": self.secure,
            "authorized": self.authorized,
        }

    @classmethod
    def from_document(cls, document: object) -> LeftOver:
        """The reverse of `to_document`, a dialog for certain. Raises LocalError otherwise."""
        if not isinstance(document, Mapping):
            raise LocalError("a dialog that was kept is a table")
        routes, cseq = document.get("routes"), document.get("cseq")
        if not isinstance(routes, list) or len(routes) > MOST:
            raise LocalError(f"the routes of a dialog are a list of at most {MOST}")
        if not isinstance(cseq, int) or not 0 <= cseq <= HIGHEST_CSEQ:
            raise LocalError("the number of a request is between 0 and 2**31")
        made = cls(
            _text(document.get("call_id")),
            _text(document.get("local")),
            _text(document.get("remote")),
            _text(document.get("target")),
            tuple(_text(each) for each in routes),
            cseq,
            document.get("secure") is True,
            document.get("authorized") is True,
        )
        made.dialog()
        return made


def _text(raw: object) -> str:
    """A header field's value: what could end its line is none."""
    if isinstance(raw, str) and 0 < len(raw) <= LONGEST:
        try:
            if not has_loose_control(raw):
                return raw
        except UnicodeEncodeError:
            pass
    raise LocalError("a dialog that was kept has values of one line each")
