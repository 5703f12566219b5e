"""What baresip's SIP trace tells: messages, and the SRTP keys of RFC 4568 within their SDP."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from tests.interop.lab.processes import PeerFailed

_TRACED = re.compile(
    r"#\nTLS \S+:(?P<from>\d+) -> \S+:(?P<to>\d+)\n(?P<message>.*?)\n?\x1b\[;m", re.DOTALL
)
_CRYPTO = re.compile(r"^a=crypto:(?P<tag>\d+) (?P<suite>\S+) inline:(?P<key>[^|\s]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """One SIP message with lines that end in LF; `sent`: by the telephone that traced it."""

    sent: bool
    text: str

    @property
    def start_line(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def body(self) -> str:
        return self.text.partition("\n\n")[2]

    def header(self, name: str) -> str:
        """The first value of a header field, empty if there is none."""
        head = self.text.partition("\n\n")[0]
        match = re.search(rf"^{re.escape(name)}: *(.*)$", head, re.MULTILINE | re.IGNORECASE)
        return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class SdesKey:
    """One `a=crypto` line: master key and salt as they are concatenated in `inline:`."""

    tag: int
    suite: str
    key_and_salt: bytes


@dataclass(frozen=True, slots=True)
class CallKeys:
    """The keys of one SDES call, seen from the telephone that traced it."""

    sending: SdesKey
    receiving: SdesKey


def traced_messages(log: str, registrar_port: int) -> list[TracedMessage]:
    """The messages in baresip's log; those to `registrar_port` are its own."""
    return [
        TracedMessage(int(match["to"]) == registrar_port, match["message"])
        for match in _TRACED.finditer(log.replace("\r\n", "\n"))
    ]


def sdes_keys(messages: list[TracedMessage]) -> CallKeys:
    """The keys of the last call: the offer's line that the answer's tag chose, and the answer's.

    Raises PeerFailed when there was no offer and answer with keys.
    """
    described = [message for message in messages if "\nm=audio" in message.body]
    offers = [message for message in described if message.start_line.startswith("INVITE ")]
    answers = [message for message in described if message.start_line.startswith("SIP/2.0 ")]
    if not offers or not answers:
        raise PeerFailed("no offer and answer were traced")
    answered = _crypto_lines(answers[-1].body)
    if len(answered) != 1:
        raise PeerFailed(f"the answer has {len(answered)} crypto lines")
    offered = [key for key in _crypto_lines(offers[-1].body) if key.tag == answered[0].tag]
    if len(offered) != 1:
        raise PeerFailed(f"the offer has {len(offered)} lines with tag {answered[0].tag}")
    offer, answer = offered[0], answered[0]
    return CallKeys(offer, answer) if offers[-1].sent else CallKeys(answer, offer)


def _crypto_lines(body: str) -> list[SdesKey]:
    return [
        SdesKey(
            int(match["tag"]),
            match["suite"],
            # Some peers leave the padding out.
            base64.b64decode(match["key"] + "=" * (-len(match["key"]) % 4)),
        )
        for match in _CRYPTO.finditer(body)
    ]
