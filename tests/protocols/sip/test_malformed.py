"""Malformed messages, each a file named by its defect, and the exact error that it gives."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from offhook.base.errors import PeerError
from offhook.protocols.sip.framer import FramingLost, StreamFramer
from offhook.protocols.sip.parse import BadMessage, parse_message
from offhook.protocols.sip.validate import validate

DEFECTS = Path(__file__).parents[2] / "data" / "sip"
PARSE, VALIDATE = parse_message, validate

EXPECTED: Final = {
    "every-line-ends-in-lf": (PARSE, None, "the head has no end"),
    "lone-lf-in-a-field": (PARSE, None, "a line ends without CRLF"),
    "lone-cr-in-a-field": (PARSE, None, "a line ends without CRLF"),
    "head-without-end": (PARSE, 400, "the head has no end"),
    "empty-head": (PARSE, None, "the start line is malformed"),
    "nothing": (PARSE, None, "the head has no end"),
    "nul-in-the-user-of-from": (PARSE, None, "a control character stands in the head"),
    "nul-in-a-quoted-string": (PARSE, None, "a control character stands in the head"),
    "bell-outside-quotes": (PARSE, None, "a control character stands in the head"),
    "quoted-pair-of-lf": (PARSE, None, "a line ends without CRLF"),
    "control-in-the-reason-phrase": (PARSE, None, "a control character stands in the head"),
    "field-without-colon": (PARSE, 400, "a header field is malformed"),
    "field-without-name": (PARSE, 400, "a header field is malformed"),
    "space-in-the-name-of-a-field": (PARSE, 400, "a header field is malformed"),
    "name-of-a-field-not-ascii": (PARSE, 400, "a header field is malformed"),
    "fold-before-the-first-field": (PARSE, None, "the start line is malformed"),
    "start-line-of-8193-octets": (PARSE, 414, "the start line is too long"),
    "field-of-8193-octets": (PARSE, 400, "a header field is too long"),
    "folded-field-of-8193-octets": (PARSE, 400, "a header field is too long"),
    "101-fields": (PARSE, 400, "the message has too many header fields"),
    "message-of-65537-octets": (PARSE, 513, "the message is too large"),
    "http-request": (PARSE, 400, "the start line is malformed"),
    "method-with-a-parenthesis": (PARSE, 400, "the start line is malformed"),
    "request-uri-missing": (PARSE, 400, "the start line is malformed"),
    "tab-in-the-start-line": (PARSE, 400, "the start line is malformed"),
    "version-2.1": (PARSE, 505, "the SIP version is not 2.0"),
    "status-of-two-digits": (PARSE, None, "the start line is malformed"),
    "status-700": (PARSE, None, "the start line is malformed"),
    "status-in-foreign-digits": (PARSE, None, "the start line is malformed"),
    "response-of-sip-3": (PARSE, None, "the start line is malformed"),
    "content-length-empty": (PARSE, 400, "Content-Length: the value is not a number"),
    "content-length-with-plus": (PARSE, 400, "Content-Length: the value is not a number"),
    "content-length-in-hex": (PARSE, 400, "Content-Length: the value is not a number"),
    "content-length-in-foreign-digits": (PARSE, 400, "Content-Length: the value is not a number"),
    "content-length-as-a-list": (PARSE, 400, "Content-Length: the value is not a number"),
    "content-length-twice-the-same": (VALIDATE, 400, "Content-Length: the field comes twice"),
    "content-length-twice-different": (PARSE, 400, "Content-Length: there are two"),
    "content-length-of-2-to-the-64": (
        PARSE,
        400,
        "Content-Length: the value is greater than 4294967295",
    ),
    "content-length-of-one-gib": (PARSE, 513, "the message is too large"),
    "uri-escape-cut-short": (PARSE, 400, "Request-URI: an escape in a URI is malformed"),
    "uri-escape-not-hexadecimal": (PARSE, 400, "Request-URI: an escape in a URI is malformed"),
    "uri-escape-not-utf-8": (PARSE, 400, "Request-URI: the escapes of a URI are not UTF-8"),
    "uri-port-65536": (PARSE, 400, "Request-URI: a port is out of range"),
    "uri-port-0": (PARSE, 400, "Request-URI: a port is out of range"),
    "uri-port-empty": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-host-missing": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-user-empty": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-host-of-dots": (PARSE, 400, "Request-URI: a host is malformed"),
    "uri-host-of-256-octets": (PARSE, 400, "Request-URI: a host is malformed"),
    "uri-host-label-ends-in-hyphen": (PARSE, 400, "Request-URI: a host is malformed"),
    "uri-address-with-octet-256": (PARSE, 400, "Request-URI: a host is malformed"),
    "uri-address-with-leading-zero": (PARSE, 400, "Request-URI: a host is malformed"),
    "uri-ipv6-without-brackets": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-ipv6-not-closed": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-ipv6-with-zone": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-ipv6-of-nine-groups": (PARSE, 400, "Request-URI: an IPv6 address is malformed"),
    "uri-parameter-twice": (PARSE, 400, "Request-URI: a URI parameter comes twice"),
    "uri-parameter-without-name": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-not-ascii": (PARSE, 400, "Request-URI: a SIP URI is malformed"),
    "uri-in-quotes": (PARSE, 400, "Request-URI: a URI is malformed"),
    "tel-uri-without-digits": (PARSE, 400, "Request-URI: a tel URI is malformed"),
    "from-missing": (VALIDATE, 400, "From: the field is missing"),
    "from-empty": (VALIDATE, 400, "From: the field is missing"),
    "from-of-a-slash": (VALIDATE, 400, "From: a URI is malformed"),
    "to-of-a-slash": (VALIDATE, 400, "To: a URI is malformed"),
    "display-name-ends-in-a-backslash": (VALIDATE, 400, "From: an address is malformed"),
    "quotation-mark-not-closed": (VALIDATE, 400, "From: an address is malformed"),
    "angle-bracket-not-closed": (VALIDATE, 400, "From: an address is malformed"),
    "angle-bracket-twice": (VALIDATE, 400, "From: an address is malformed"),
    "two-addresses-in-from": (VALIDATE, 400, "From: a header parameter is malformed"),
    "text-after-the-address": (VALIDATE, 400, "From: a header parameter is malformed"),
    "tag-twice": (VALIDATE, 400, "From: a header parameter comes twice"),
    "tag-without-value": (VALIDATE, 400, "From: a header parameter is malformed"),
    "parameter-without-name": (VALIDATE, 400, "From: a header parameter is malformed"),
    "parameter-value-not-closed": (VALIDATE, 400, "From: a header parameter is malformed"),
    "semicolon-at-the-end": (VALIDATE, 400, "From: a header parameter is malformed"),
    "display-name-with-a-comma": (VALIDATE, 400, "From: an address is malformed"),
    "contact-host-of-dots": (VALIDATE, 400, "Contact: a host is malformed"),
    "record-route-host-of-dots": (VALIDATE, 400, "Record-Route: a host is malformed"),
    "record-route-not-closed": (VALIDATE, 400, "Record-Route: a quote or bracket is not closed"),
    "contact-missing": (VALIDATE, 400, "Contact: an INVITE has exactly one"),
    "contact-twice": (VALIDATE, 400, "Contact: an INVITE has exactly one"),
    "contact-star-in-invite": (VALIDATE, 400, "Contact: * unregisters only"),
    "contact-star-and-another": (VALIDATE, 400, "Contact: a URI is malformed"),
    "via-missing": (VALIDATE, 400, "Via: the field is missing"),
    "via-without-transport": (VALIDATE, 400, "Via: a Via is malformed"),
    "via-of-another-protocol": (VALIDATE, 400, "Via: a Via is malformed"),
    "via-without-host": (VALIDATE, 400, "Via: a Via is malformed"),
    "via-port-0": (VALIDATE, 400, "Via: a port is out of range"),
    "via-branch-twice": (VALIDATE, 400, "Via: a header parameter comes twice"),
    "via-list-ends-in-a-comma": (VALIDATE, 400, "Via: a Via is malformed"),
    "call-id-with-a-space": (VALIDATE, 400, "Call-ID: the value is malformed"),
    "call-id-not-ascii": (VALIDATE, 400, "Call-ID: the value is malformed"),
    "cseq-negative": (VALIDATE, 400, "CSeq: a sequence number and a method are missing"),
    "cseq-of-2-to-the-31": (VALIDATE, 400, "CSeq: the sequence number is greater than 2147483647"),
    "cseq-without-method": (VALIDATE, 400, "CSeq: a sequence number and a method are missing"),
    "cseq-of-another-method": (VALIDATE, 400, "CSeq: the method is another"),
    "cseq-in-lower-case": (VALIDATE, 400, "CSeq: the method is another"),
    "max-forwards-256": (VALIDATE, 400, "Max-Forwards: the value is greater than 255"),
    "max-forwards-negative": (VALIDATE, 400, "Max-Forwards: the value is not a number"),
    "content-type-without-subtype": (VALIDATE, 400, "Content-Type: a media type is malformed"),
    "from-twice": (VALIDATE, 400, "From: the field comes twice"),
    "response-without-cseq": (VALIDATE, None, "CSeq: the field is missing"),
    "response-with-two-vias": (VALIDATE, None, "Via: a response has only one"),
    "response-with-a-malformed-contact": (VALIDATE, None, "Contact: a URI is malformed"),
}

LOSES_THE_STREAM: Final = {
    "content-length-as-a-list",
    "content-length-empty",
    "content-length-in-foreign-digits",
    "content-length-in-hex",
    "content-length-of-2-to-the-64",
    "content-length-of-one-gib",
    "content-length-twice-different",
    "content-length-with-plus",
    "message-of-65537-octets",
}
RUNS_INTO_THE_NEXT: Final = {"every-line-ends-in-lf", "head-without-end"}


def octets(name: str) -> bytes:
    return (DEFECTS / f"{name}.sip").read_bytes()


def test_every_file_has_its_row_and_every_row_its_file() -> None:
    files = {path.stem for path in DEFECTS.glob("*.sip")}
    assert files == EXPECTED.keys() | {"sound-request", "sound-response"}


@pytest.mark.parametrize("name", ["sound-request", "sound-response"])
def test_without_a_defect_the_same_message_is_accepted(name: str) -> None:
    validate(parse_message(octets(name)))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_defect_is_named_exactly(name: str) -> None:
    stage, status, reason = EXPECTED[name]
    if stage is VALIDATE:
        message = parse_message(octets(name))
        with pytest.raises(PeerError) as caught:
            validate(message)
    else:
        with pytest.raises(BadMessage) as caught:
            parse_message(octets(name))
    assert (caught.value.status, caught.value.reason) == (status, reason)


@pytest.mark.parametrize("name", EXPECTED)
def test_no_defect_reaches_the_message_that_follows_unless_the_stream_is_lost(name: str) -> None:
    found = StreamFramer().receive(octets(name) + octets("sound-request"))
    assert isinstance(found[-1], FramingLost) == (name in LOSES_THE_STREAM)
    if name not in LOSES_THE_STREAM | RUNS_INTO_THE_NEXT:
        assert found[-1] == parse_message(octets("sound-request"))
