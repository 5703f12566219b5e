"""SIP messages parsed and written per second, beside the PyPI package sipmessage (0.7, BSD).

Three depths: "parse" is what each library does when given the bytes; "read" is that and the fields
that a UA reads of every message, as values; "validate" is what stands before every transaction here
and has no counterpart there.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from offhook.protocols.sip.framer import StreamFramer
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.serialise import serialise
from offhook.protocols.sip.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import sipmessage
except ImportError:
    sipmessage = None  # type: ignore[assignment]  # measured where it is installed

ROUNDS = 10

SDP = """\
v=0
o=- 3912345678 1 IN IP4 192.0.2.77
s=-
c=IN IP4 192.0.2.77
t=0 0
m=audio 40000 RTP/SAVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
a=sendrecv
"""
INVITE = f"""\
INVITE sip:phone@192.0.2.10:50612;transport=tls SIP/2.0
Via: SIP/2.0/TLS proxy.example.com:5061;branch=z9hG4bK776asdhds;rport
Via: SIP/2.0/TLS 192.0.2.77:50613;branch=z9hG4bKnashds8;received=192.0.2.77
Record-Route: <sip:proxy.example.com:5061;transport=tls;lr>
Max-Forwards: 69
From: "Alice Example" <sip:alice@example.com>;tag=1928301774
To: <sip:phone@example.com>
Call-ID: a84b4c76e66710@pc33.example.com
CSeq: 314159 INVITE
Contact: <sip:alice@192.0.2.77:50613;transport=tls>
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO
Supported: timer, outbound, path
User-Agent: Example Phone/1.0
Session-Expires: 1800;refresher=uac
Content-Type: application/sdp
Content-Length: {len(SDP) + SDP.count(chr(10))}

{SDP}"""
OK = """\
SIP/2.0 200 OK
Via: SIP/2.0/TLS 192.0.2.10:50612;branch=z9hG4bKnashds8;received=192.0.2.10
From: "Phone" <sip:phone@example.com>;tag=1928301774
To: <sip:phone@example.com>;tag=as6f4b9
Call-ID: a84b4c76e66710@192.0.2.10
CSeq: 314160 REGISTER
Contact: <sip:phone@192.0.2.10:50612;transport=tls>;expires=600
Date: Sat, 15 Oct 2005 04:44:56 GMT
Content-Length: 0

"""
MESSAGES = {
    "invite": INVITE.replace("\n", "\r\n").encode(),
    "ok": OK.replace("\n", "\r\n").encode(),
}


def per_second(works: dict[str, Callable[[], object]], seconds: float) -> dict[str, int]:
    """How often each of `works` is done in a second of CPU time, the best of its rounds.

    The rounds take turns, so that a busy machine does not favour one of them.
    """
    counts = {name: _count_within(work, seconds / ROUNDS) for name, work in works.items()}
    best = dict.fromkeys(works, 0.0)
    for _ in range(ROUNDS):
        for name, work in works.items():
            best[name] = max(best[name], counts[name] / _cpu_seconds(work, counts[name]))
    return {name: round(rate) for name, rate in best.items()}


def _count_within(work: Callable[[], object], seconds: float) -> int:
    count = 1
    while (spent := _cpu_seconds(work, count)) < seconds / 4:
        count *= 2
    return max(1, int(count * seconds / spent))


def _cpu_seconds(work: Callable[[], object], count: int) -> float:
    begun = time.process_time()
    for _ in range(count):
        work()
    return time.process_time() - begun


def parse_and_validate(data: bytes) -> None:
    """Parse, and check all that a UA checks before it acts."""
    validate(parse_message(data))


def frame_and_parse(data: bytes) -> object:
    """Cut out of a stream, and parse."""
    return StreamFramer().receive(data)


def read(data: bytes) -> object:
    """Parse, and read what a UA reads of every message."""
    message = parse_message(data)
    return (
        message.vias,
        message.from_,
        message.to,
        message.call_id,
        message.cseq,
        message.contacts,
        message.content_type,
    )


def read_by_sipmessage(data: bytes) -> object:
    """The same with sipmessage."""
    message = sipmessage.Message.parse(data)
    return (
        message.via,
        message.from_address,
        message.to_address,
        message.call_id,
        message.cseq,
        message.contact,
        message.content_type,
    )


def run(seconds: float = 1.0) -> dict[str, int]:
    """Messages per second of CPU time, by message, depth and library.

    `seconds` is about the CPU time that each figure takes. Figures of sipmessage are there only if
    it is installed.
    """
    works: dict[str, Callable[[], object]] = {}
    for name, data in MESSAGES.items():
        message = parse_message(data)
        works |= {
            f"{name}_parse": partial(parse_message, data),
            f"{name}_read": partial(read, data),
            f"{name}_parse_validate": partial(parse_and_validate, data),
            f"{name}_frame_parse": partial(frame_and_parse, data),
            f"{name}_serialise": partial(serialise, message),
        }
        if sipmessage is not None:
            theirs = sipmessage.Message.parse(data)
            works |= {
                f"{name}_parse_sipmessage": partial(sipmessage.Message.parse, data),
                f"{name}_read_sipmessage": partial(read_by_sipmessage, data),
                f"{name}_serialise_sipmessage": partial(bytes, theirs),
            }
    return {f"{name}_per_s": rate for name, rate in per_second(works, seconds).items()}


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=2)
    sys.stdout.write("\n")
