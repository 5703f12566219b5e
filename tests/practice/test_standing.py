"""A call whose connection is gone stands at the practice trunk, until a BYE comes."""

from __future__ import annotations

from tests.phone.call.desk import Desk
from tests.phone.call.test_left_over import from_peer, killed, talking, written

from offhook.phone.call.left_over import LeftOver


def bye(left: LeftOver) -> bytes:
    """The telephone's own words in its dialog."""
    turned = LeftOver(
        left.call_id, left.remote, left.local, left.target, left.routes, left.cseq, left.secure
    )
    return from_peer(turned, "BYE")


def test_a_bye_with_a_ping_behind_it_ends_it_and_the_ping_is_answered() -> None:
    before = Desk()
    talking(before)
    (left,) = written(before)
    after = killed(before)
    after.start()
    assert after.connection is not None
    after.connection.receive(bye(left) + b"\r\n\r\n", after.now)
    assert before.trunk.standing == []
    answers = sorted(after.connection.data_to_send())
    assert answers[0] == b"\r\n"
    assert answers[1].startswith(b"SIP/2.0 200 ")


def test_a_bye_behind_a_ping_ends_it_too() -> None:
    before = Desk()
    talking(before)
    (left,) = written(before)
    after = killed(before)
    after.start()
    assert after.connection is not None
    after.connection.receive(b"\r\n\r\n" + bye(left), after.now)
    assert before.trunk.standing == []
    answers = after.connection.data_to_send()
    assert answers[0] == b"\r\n"
    assert answers[1].startswith(b"SIP/2.0 200 ")


def test_another_dialog_s_bye_ends_nothing() -> None:
    before = Desk()
    talking(before)
    (left,) = written(before)
    after = killed(before)
    after.start()
    assert after.connection is not None
    after.connection.receive(bye(left).replace(left.call_id.encode(), b"another"), after.now)
    assert len(before.trunk.standing) == 1
    assert after.connection.data_to_send()[0].startswith(b"SIP/2.0 481 ")
