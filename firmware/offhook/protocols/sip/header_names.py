"""Names of header fields, their compact forms and how often they may stand (RFC 3261 §7.3, §20)."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple


class Form(Enum):
    """How the values of a header field stand in a message."""

    LIST = auto()
    """Several values, separated by commas or in fields of their own (§7.3.1)."""
    ONCE = auto()
    """One value; a UA could take either of two for the true one, so two are refused."""
    TEXT = auto()
    """One value per field; commas separate nothing."""


class _Field(NamedTuple):
    name: str
    form: Form
    compact: str | None = None


LIST, ONCE, TEXT = Form.LIST, Form.ONCE, Form.TEXT

_FIELDS: Final = (
    _Field("a", TEXT),
    _Field("Accept", LIST),
    _Field("Accept-Contact", LIST, "a"),
    _Field("Accept-Encoding", LIST),
    _Field("Accept-Language", LIST),
    _Field("Alert-Info", LIST),
    _Field("Allow", LIST),
    _Field("Allow-Events", LIST, "u"),
    _Field("Authentication-Info", LIST),
    _Field("Authorization", TEXT),
    _Field("b", TEXT),
    _Field("c", TEXT),
    _Field("Call-ID", ONCE, "i"),
    _Field("Call-Info", LIST),
    _Field("Contact", LIST, "m"),
    _Field("Content-Disposition", ONCE),
    _Field("Content-Encoding", LIST, "e"),
    _Field("Content-ID", TEXT),
    _Field("Content-Language", LIST),
    _Field("Content-Length", ONCE, "l"),
    _Field("Content-Type", ONCE, "c"),
    _Field("CSeq", ONCE),
    _Field("d", TEXT),
    _Field("Date", TEXT),
    _Field("Diversion", LIST),
    _Field("e", TEXT),
    _Field("Error-Info", LIST),
    _Field("Event", ONCE, "o"),
    _Field("Expires", ONCE),
    _Field("f", TEXT),
    _Field("Flow-Timer", TEXT),
    _Field("From", ONCE, "f"),
    _Field("Geolocation", LIST),
    _Field("History-Info", LIST),
    _Field("i", TEXT),
    _Field("Identity", TEXT, "y"),
    _Field("In-Reply-To", LIST),
    _Field("j", TEXT),
    _Field("Join", TEXT),
    _Field("k", TEXT),
    _Field("l", TEXT),
    _Field("m", TEXT),
    _Field("Max-Breadth", TEXT),
    _Field("Max-Forwards", ONCE),
    _Field("MIME-Version", TEXT),
    _Field("Min-Expires", ONCE),
    _Field("Min-SE", ONCE),
    _Field("n", TEXT),
    _Field("o", TEXT),
    _Field("Organization", TEXT),
    _Field("P-Access-Network-Info", TEXT),
    _Field("P-Asserted-Identity", LIST),
    _Field("P-Associated-URI", LIST),
    _Field("P-Called-Party-ID", TEXT),
    _Field("P-Early-Media", LIST),
    _Field("P-Preferred-Identity", LIST),
    _Field("Path", LIST),
    _Field("Priority", TEXT),
    _Field("Privacy", TEXT),
    _Field("Proxy-Authenticate", TEXT),
    _Field("Proxy-Authentication-Info", LIST),
    _Field("Proxy-Authorization", TEXT),
    _Field("Proxy-Require", LIST),
    _Field("r", TEXT),
    _Field("RAck", ONCE),
    _Field("Reason", LIST),
    _Field("Record-Route", LIST),
    _Field("Recv-Info", LIST),
    _Field("Refer-To", ONCE, "r"),
    _Field("Referred-By", ONCE, "b"),
    _Field("Reject-Contact", LIST, "j"),
    _Field("Remote-Party-ID", LIST),
    _Field("Replaces", ONCE),
    _Field("Reply-To", TEXT),
    _Field("Request-Disposition", LIST, "d"),
    _Field("Require", LIST),
    _Field("Retry-After", ONCE),
    _Field("Route", LIST),
    _Field("RSeq", ONCE),
    _Field("s", TEXT),
    _Field("Security-Client", LIST),
    _Field("Security-Server", LIST),
    _Field("Security-Verify", LIST),
    _Field("Server", TEXT),
    _Field("Service-Route", LIST),
    _Field("Session-Expires", ONCE, "x"),
    _Field("SIP-ETag", ONCE),
    _Field("SIP-If-Match", ONCE),
    _Field("Subject", TEXT, "s"),
    _Field("Subscription-State", ONCE),
    _Field("Supported", LIST, "k"),
    _Field("t", TEXT),
    _Field("Target-Dialog", ONCE),
    _Field("Timestamp", ONCE),
    _Field("To", ONCE, "t"),
    _Field("u", TEXT),
    _Field("Unsupported", LIST),
    _Field("User-Agent", TEXT),
    _Field("v", TEXT),
    _Field("Via", LIST, "v"),
    _Field("Warning", LIST),
    _Field("WWW-Authenticate", TEXT),
    _Field("x", TEXT),
    _Field("y", TEXT),
)

_CANONICAL: Final = (
    {field.name: field.name for field in _FIELDS}
    | {field.name.lower(): field.name for field in _FIELDS}
    | {field.compact: field.name for field in _FIELDS if field.compact}
    | {field.compact.upper(): field.name for field in _FIELDS if field.compact}
)

NAMES_OF_LISTS: Final = frozenset(field.name for field in _FIELDS if field.form is LIST)
NAMES_OF_ONCE: Final = frozenset(field.name for field in _FIELDS if field.form is ONCE)

known_name: Final = _CANONICAL.get
"""The canonical form of a name in a usual spelling; None for any other."""


def canonical_name(name: str) -> str:
    """The header field name as the standards write it; compact forms are expanded."""
    known = known_name(name)
    if known is not None:
        return known
    lower = name.lower()
    return known_name(lower) or "-".join(part.capitalize() for part in lower.split("-"))
