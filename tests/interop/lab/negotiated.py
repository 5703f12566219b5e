"""What a peer says that it has negotiated for a call's media, in RFC 4568's names of suites."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tests.interop.lab.processes import PeerFailed

Keying = Literal["sdes", "dtls", "zrtp"]


@dataclass(frozen=True, slots=True)
class Negotiated:
    """`sas` is ZRTP's short authentication string as the peer shows it, `detail` its own words."""

    keying: Keying
    suite: str
    sas: str = ""
    detail: str = ""


def last_suite(log: str) -> str:
    """The suite of the last answer in a log of SIP messages; raises PeerFailed if there is none.

    An answer has one line of keys, an offer may have more (RFC 4568 §5.1.3).
    """
    descriptions = re.findall(r"^v=0\r?\n(?:[a-z]=.*\n)+", log, re.MULTILINE)
    keyed = [found for each in descriptions if (found := re.findall(r"a=crypto:\d+ (\S+)", each))]
    if not keyed or len(keyed[-1]) != 1:
        raise PeerFailed(f"no answer with a key: {keyed[-1:]}")
    return str(keyed[-1][0])
