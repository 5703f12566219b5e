from __future__ import annotations

from tests.phone.call.desk import DOMAIN, TRUNK, Desk

from offhook.base.vocabulary import PathAddress
from offhook.phone.call import account as phone
from offhook.phone.call.flow_states import TRANSITIONS, FlowState


def test_an_account_registers_over_its_verified_flow() -> None:
    desk = Desk()
    desk.start()
    assert desk.told(phone.Registered)
    assert desk.registrar.find("phone", desk.now) is not None


def test_nothing_is_sent_before_the_flow_is_verified() -> None:
    desk = Desk()
    desk.account.start(desk.now)
    assert desk.account.data_to_send() == []
    assert desk.account.actions() == [phone.OpenFlow(TRUNK)]


def test_a_wrong_password_leaves_the_account_unregistered_with_the_reason() -> None:
    desk = Desk(password="wrong")
    desk.start()
    assert not desk.told(phone.Registered)
    (failed, *_) = desk.told(phone.Unregistered)
    assert isinstance(failed, phone.Unregistered)
    assert failed.status == 401


def test_a_lost_flow_is_sought_anew_and_registered_again() -> None:
    desk = Desk()
    desk.start()
    desk.cut()
    assert desk.account.flow is None
    desk.wait(5.0)
    assert desk.account.flow_state is FlowState.OPEN
    assert len(desk.told(phone.Registered)) == 2


def test_a_server_that_refuses_is_tried_again_with_growing_waits() -> None:
    desk = Desk()
    desk.refuse.add(TRUNK.host)
    desk.start()
    desk.wait(600.0)
    waits = [each.retry_s for each in desk.events if isinstance(each, phone.Unregistered)]
    assert 6 <= len(waits) <= 60
    assert all(wait is not None and 0 < wait <= 120 for wait in waits)
    assert desk.opened == [PathAddress("192.0.2.1", 5061)] * len(waits)
    desk.refuse.clear()
    desk.wait(130.0)
    assert desk.told(phone.Registered)


def test_a_stopped_account_removes_its_registration_and_is_idle() -> None:
    desk = Desk()
    desk.start()
    assert not desk.account.idle
    desk.account.stop(desk.now)
    desk.settle()
    assert desk.account.idle
    assert desk.registrar.find("phone", desk.now) is None
    desk.account.close()
    desk.settle()
    assert desk.account.flow_state is FlowState.STOPPED
    desk.wait(3600.0)
    assert len(desk.opened) == 1


def test_an_account_that_does_not_register_can_call_at_once() -> None:
    desk = Desk(register=False)
    desk.start()
    assert not desk.told(phone.Registered)
    assert desk.told(phone.FlowReady)
    call = desk.account.dial("busy", desk.now)
    desk.settle()
    assert call.record.peer == f"sip:busy@{DOMAIN}"


def test_a_month_of_registrations_passes_without_a_gap() -> None:
    desk = Desk()
    desk.start()
    for _ in range(30 * 24):
        desk.wait(3600.0)
        assert desk.registrar.find("phone", desk.now) is not None
    assert not desk.told(phone.Unregistered)


def test_every_flow_state_can_be_reached_and_left() -> None:
    reached = set(TRANSITIONS.values())
    left = {source for source, _ in TRANSITIONS}
    assert reached == left == set(FlowState)


def test_a_server_that_can_not_serve_is_left_for_the_next_one_at_once() -> None:
    desk = Desk(hosts=("192.0.2.11", "192.0.2.12"))
    desk.sick.add("192.0.2.11")
    desk.start()
    assert [address.host for address in desk.opened] == ["192.0.2.11", "192.0.2.12"]
    assert desk.told(phone.Registered)
    assert desk.now == 1000.0


def test_when_no_server_can_serve_the_last_one_is_kept_and_asked_again_later() -> None:
    desk = Desk(hosts=("192.0.2.11", "192.0.2.12"))
    desk.sick |= {"192.0.2.11", "192.0.2.12"}
    desk.start()
    assert len(desk.opened) == 2
    desk.wait(3600.0)
    assert not desk.told(phone.Registered)
    assert all(wait is None or wait > 1 for wait in waits(desk)[2:])
    assert len(desk.opened) < 200


def test_a_server_that_refuses_the_connection_is_passed_over() -> None:
    desk = Desk(hosts=("192.0.2.11", "192.0.2.12"))
    desk.refuse.add("192.0.2.11")
    desk.start()
    assert desk.told(phone.Registered)


def waits(desk: Desk) -> list[float | None]:
    return [each.retry_s for each in desk.events if isinstance(each, phone.Unregistered)]


def test_a_server_that_opens_and_cuts_each_flow_is_not_stormed() -> None:
    desk = Desk()
    desk.dead = True
    desk.start()
    for _ in range(40):
        if desk.account.flow is not None:
            desk.cut()
        desk.wait(30.0)
    assert len(desk.opened) < 25, "in 20 minutes; a wait that never grows makes 40"
