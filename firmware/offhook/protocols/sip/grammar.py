"""Tokens, quoted strings, lists and parameters (RFC 3261 §7.3.1, §25.1)."""

from __future__ import annotations

import re
from typing import Final

from offhook.base.errors import LocalError, PeerError

Parameters = tuple[tuple[str, str | None], ...]

# Possessive quantifiers keep every match linear. They stand on single characters and sets only:
# Python before 3.11.5 matches possessive groups wrongly.
IN_TOKEN: Final = r"\-\w.!%*+`'~"  # noqa: S105 — characters, not a password
TOKEN: Final = rf"[{IN_TOKEN}]++"
QUOTED: Final = r'"([^"\\]*+(?:\\.[^"\\]*+)*)"'
_BARE: Final = rf"[{IN_TOKEN}:/&=$\[\]]++"

_CONTROLS: Final = bytes([*range(9), *range(10, 32), 127])

_is_token = re.compile(TOKEN, re.ASCII).fullmatch
_is_bare = re.compile(_BARE, re.ASCII).fullmatch
_parameter = re.compile(
    rf"[ \t]*+;[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+(?:({_BARE})|{QUOTED}))?", re.ASCII
).match
_quoted_pair = re.compile(r"\\(.)", re.DOTALL)
_quoted_string = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*("?)')
_to_be_quoted = re.compile(r'["\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')
_list_part = re.compile(r'[^",<]++|"[^"\\]*+(?:\\.[^"\\]*+)*"|<[^<>]*+>').match
_comment_part = re.compile(r"[^()\\]++|\\.|[()\\]")


def is_token(text: str) -> bool:
    """Whether `text` is one token of RFC 3261 §25.1."""
    return _is_token(text) is not None


def unquote(inner: str) -> str:
    """The text between two quotation marks, its quoted pairs resolved."""
    return _quoted_pair.sub(r"\1", inner) if "\\" in inner else inner


def quote(text: str) -> str:
    """`text` as a quoted-string; CR and LF can't stand in one and raise LocalError."""
    if "\r" in text or "\n" in text:
        raise LocalError("a quoted string can't hold a line break")
    return '"' + _to_be_quoted.sub(lambda match: "\\" + match[0], text) + '"'


def decimal(text: str, what: str, highest: int) -> int:
    """A number of 1*DIGIT within 0..highest; PeerError 400 naming `what` otherwise."""
    if not text.isascii() or not text.isdigit():
        raise PeerError(f"{what} is not a number", 400)
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(highest)) or int(digits) > highest:
        raise PeerError(f"{what} is greater than {highest}", 400)
    return int(digits)


def count_controls(octets: bytes) -> int:
    """How many control characters other than TAB there are, CR and LF included."""
    return len(octets) - len(octets.translate(None, _CONTROLS))


def has_loose_control(line: str) -> bool:
    """Whether a control character other than TAB stands in `line` but in no quoted pair."""
    if not count_controls(line.encode()):
        return False
    if "\r" in line or "\n" in line:
        return True
    rest = _quoted_string.sub(lambda match: _loose(match[0], closed=bool(match[1])), line)
    return count_controls(rest.encode()) > 0


def _loose(text: str, *, closed: bool) -> str:
    return _quoted_pair.sub("", text) if closed else text


def parse_parameters(text: str, position: int = 0) -> Parameters:
    """`;name`, `;name=value` and `;name="value"` from `position` to the end of `text`.

    Raises PeerError 400 for what is no parameter and for a name that comes twice.
    """
    found: list[tuple[str, str | None]] = []
    end = len(text)
    while position < end:
        match = _parameter(text, position)
        if match is None:
            if text[position:].strip(" \t"):
                raise PeerError("a header parameter is malformed", 400)
            break
        name, value, quoted = match.groups()
        found.append((name, value if quoted is None else unquote(quoted)))
        position = match.end()
    if len(found) > 1 and len({name.lower() for name, _ in found}) < len(found):
        raise PeerError("a header parameter comes twice", 400)
    return tuple(found)


def format_parameters(parameters: Parameters) -> str:
    """The parameters as they stand in a header field; values are quoted where they must be.

    Raises LocalError for a name that is no token and for a line break in a value.
    """
    text = ""
    for name, value in parameters:
        if not is_token(name):
            raise LocalError("the name of a parameter is no token")
        text += f";{name}"
        if value is not None:
            text += "=" + (value if _is_bare(value) else quote(value))
    return text


def parameter(parameters: Parameters, name: str) -> str | None:
    """The value of the parameter `name` (any case); "" for one without a value, None if absent."""
    wanted = name.lower()
    for known, value in parameters:
        if known.lower() == wanted:
            return "" if value is None else value
    return None


def read_comment(text: str, position: int) -> tuple[str, int]:
    """The comment that begins at `position`, its quoted pairs resolved, and where it ends.

    "" and `position` if none begins there; PeerError 400 if it is not closed.
    """
    if not text.startswith("(", position):
        return "", position
    depth = 0
    for match in _comment_part.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return unquote(text[position + 1 : match.start()]), match.end()
    raise PeerError("a comment is not closed", 400)


def split_list(text: str) -> list[str]:
    """The elements of a comma-separated list, empty ones included; an empty text has none.

    Commas within quotation marks and angle brackets separate nothing. Raises PeerError 400 if
    a list has a quotation mark or bracket that is not closed.
    """
    text = text.strip(" \t")
    if "," not in text:
        return [text] if text else []
    if '"' not in text and "<" not in text:
        return [part.strip(" \t") for part in text.split(",")]
    elements: list[str] = []
    start = position = 0
    while position < len(text):
        if text[position] == ",":
            elements.append(text[start:position].strip(" \t"))
            start = position = position + 1
            continue
        match = _list_part(text, position)
        if match is None:
            raise PeerError("a quote or bracket is not closed", 400)
        position = match.end()
    elements.append(text[start:].strip(" \t"))
    return elements
