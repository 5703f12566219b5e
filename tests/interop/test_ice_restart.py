"""A browser looks for the way of its call anew: it goes on, by other credentials and as safe."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.interop.lab import parties
from tests.interop.lab.conversation import DIRECTIONS, Conversation, converse
from tests.interop.lab.correlation import share_heard
from tests.interop.lab.network import own_network
from tests.interop.lab.overheard import plain_rtp
from tests.interop.test_keyings import CHROMIUM, HEARD

CASE: Final = replace(CHROMIUM, lead_s=6.0)
"""The words come when the new way stands."""


def restart(party: parties.Party) -> None:
    assert party.browser is not None
    party.browser.restart_ice()


def said(talked: Conversation, arrow: str) -> list[str]:
    """The credentials for ICE in the messages of one side, each once."""
    return list(
        dict.fromkeys(re.findall(rf"^{arrow} a=ice-ufrag:(\S+)", talked.traced, re.MULTILINE))
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_call_goes_on_when_a_browser_begins_ice_anew(
    more_peers: None,  # noqa: ARG001 - skips
    tmp_path: Path,
    direction: str,
) -> None:
    with own_network():
        talked = converse(CASE, direction, tmp_path, restart)
    assert talked.status == 0, talked.report
    assert len(said(talked, "<")) == 2
    assert len(said(talked, ">")) == 2
    media = talked.report["media"]
    assert (media["keying"], media["trust"]) == (CASE.keying, CASE.trust)
    assert media["suite"] in talked.expected
    assert share_heard(talked.french, talked.heard_by_offhook) >= HEARD
    assert share_heard(talked.english, talked.heard_by_peer) >= HEARD
    assert plain_rtp(talked.packets) == []
