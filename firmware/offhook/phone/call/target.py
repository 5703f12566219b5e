"""What a person dials becomes a URI (RFC 3261 §19.1.6, RFC 5630 §5.1.1.1)."""

from __future__ import annotations

import re
from typing import Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.uri import SipUri, Uri, parse_uri

_NUMBER: Final = re.compile(r"\+?[0-9*#A-Da-d().\- ]+\Z")
_SEPARATORS: Final = str.maketrans("", "", "().- ")
_NAME: Final = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/\-]+\Z")


def dialled_uri(target: str, domain: str) -> Uri:
    """A number or name of `domain`, `user@host`, or a sip:, sips: or tel: URI.

    A number's visual separators are dropped. `sips:` is used only where it is dialled so.
    Raises LocalError, naming what would do, for anything else.
    """
    wanted = target.strip()
    if wanted.lower().startswith(("sip:", "sips:", "tel:")):
        return _parsed(wanted)
    if _NUMBER.match(wanted):
        number = wanted.translate(_SEPARATORS)
        if number:
            return SipUri("sip", number, domain)
    elif "@" in wanted:
        return _parsed(f"sip:{wanted}")
    elif _NAME.match(wanted):
        return SipUri("sip", wanted, domain)
    raise LocalError(
        f"{target!r} can't be called: dial a number, a name, user@host or a sip: address"
    )


def _parsed(text: str) -> Uri:
    try:
        return parse_uri(text)
    except PeerError as error:
        raise LocalError(f"{text!r} can't be called: {error.reason}") from None
