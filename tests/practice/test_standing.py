"""A call whose connection is gone stands at the practice trunk, until a BYE comes."""

from __future__ import annotations

import pytest
from tests.phone.call.desk import Desk
from tests.phone.call.test_left_over import from_peer, killed, talking, written

from offhook.phone.call.left_over import LeftOver
from offhook_practice.connection import Trunk, TrunkConnection

NOW = 2000.0


def bye(left: LeftOver) -> bytes:
    """The telephone's own words in its dialog."""
    turned = LeftOver(
        left.call_id, left.remote, left.local, left.target, left.routes, left.cseq, left.secure
    )
    return from_peer(turned, "BYE")


def standing() -> tuple[Trunk, LeftOver, TrunkConnection]:
    """A trunk with such a call, what the telephone kept of it, and its next connection."""
    before = Desk()
    talking(before)
    (left,) = written(before)
    after = killed(before)
    after.start()
    assert isinstance(after.connection, TrunkConnection)
    return before.trunk, left, after.connection


@pytest.mark.parametrize(
    ("before", "behind"), [(b"", b"\r\n\r\n"), (b"\r\n\r\n", b"")], ids=["behind it", "before it"]
)
def test_a_bye_ends_it_with_a_ping(before: bytes, behind: bytes) -> None:
    trunk, left, connection = standing()
    connection.receive(before + bye(left) + behind, NOW)
    assert trunk.standing == []
    pong, answer = sorted(connection.data_to_send())
    assert pong == b"\r\n"
    assert answer.startswith(b"SIP/2.0 200 ")


def test_another_dialog_s_bye_ends_nothing() -> None:
    trunk, left, connection = standing()
    connection.receive(bye(left).replace(left.call_id.encode(), b"another"), NOW)
    assert len(trunk.standing) == 1
    assert connection.data_to_send()[0].startswith(b"SIP/2.0 481 ")
