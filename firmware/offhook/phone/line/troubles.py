"""RFC 3261 §21: why an account isn't registered, sorted into what a person can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from offhook.phone.line.events import AccountDown, Trouble

_BY_STATUS: Final[Mapping[int, Trouble]] = {
    401: Trouble.CREDENTIALS,
    403: Trouble.CREDENTIALS,
    407: Trouble.CREDENTIALS,
    408: Trouble.NO_NETWORK,
}


def account_down(
    status: int | None, *, located: bool = True, refused_rule: str | None = None
) -> AccountDown:
    """What the line is told of an account that isn't registered.

    `status` is the registrar's answer, if it gave one; `refused_rule` the rule by which the
    server's certificate was refused; `located` whether DNS named any server at all.
    """
    if status is not None:
        fault = Trouble.SERVER_FAULT if 500 <= status < 600 else Trouble.REFUSED
        return AccountDown(_BY_STATUS.get(status, fault), status)
    if refused_rule is not None:
        return AccountDown(Trouble.UNTRUSTED)
    return AccountDown(Trouble.NO_NETWORK if located else Trouble.NO_SERVER)
