"""What the image does when the network goes, or one of its two processes is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from board.emulator.machine import EmulationError
from tests.emulation.telephone import NUMBER, Event, Telephone
from tests.interop.lab.baresip import Baresip
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.processes import PeerFailed

SOON_S = 15.0
WATCHDOG_S = 60.0
"""Ours is 30 s; the start of a process on the emulated board takes longer than on a real one."""


@contextmanager
def talking(telephone: Telephone, lab: Laboratory) -> Iterator[tuple[Baresip, float]]:
    """A call that stands, and since when; the handset is laid down at the end."""
    with lab.telephone(lab.stock, "31", lab.french_wav) as caller:
        since = telephone.now
        caller.dial(f"sip:{NUMBER}@{lab.stock.domain.name}")
        telephone.until_line("ringing", SOON_S, since=since)
        telephone.lift()
        try:
            caller.wait_established(timeout_s=SOON_S)
            yield caller, telephone.until_line("talking", since=since)
        finally:
            telephone.lay_down()


def can_be_called(telephone: Telephone, lab: Laboratory, within_s: float = WATCHDOG_S) -> bool:
    """Whether a call of somebody else stands within that time; they call until one does."""
    end = telephone.now + within_s
    while telephone.now < end:
        try:
            with talking(telephone, lab):
                return True
        except (EmulationError, PeerFailed):
            continue
    return False


def process_of(telephone: Telephone, unit: str) -> int:
    told = telephone.hands.run("systemctl", "show", "--property=MainPID", "--value", unit)
    return int(told)


def registers_again(telephone: Telephone, since: float, within_s: float) -> None:
    def told(event: Event) -> bool:
        accounts = event.get("status", {}).get("accounts", ())
        return event["event"] == "registered" or any(each["registered"] for each in accounts)

    telephone.until(told, within_s, since=since)


def test_a_killed_engine_ends_the_call_with_a_reason_and_is_back(
    registered: Telephone, lab: Laboratory
) -> None:
    with talking(registered, lab) as (callee, since):
        engine = process_of(registered, "offhook-engine.service")
        registered.hands.run("kill", "-9", str(engine))
        _, over = registered.until(lambda event: event["event"] == "call over", since=since)
        callee.wait_closed(timeout_s=WATCHDOG_S)
        assert over["call"]["reason"]
    assert can_be_called(registered, lab)
    assert process_of(registered, "offhook-engine.service") not in {0, engine}


def test_a_killed_phone_ends_its_call_at_the_trunk_once_it_is_back(
    registered: Telephone, lab: Laboratory
) -> None:
    with talking(registered, lab) as (callee, _):
        killed = registered.now
        phone = process_of(registered, "offhook.service")
        registered.hands.run("kill", "-9", str(phone))
        registered.until(lambda event: event["event"] == "no phone", since=killed)
        registers_again(registered, killed, WATCHDOG_S)
        callee.wait_closed(timeout_s=WATCHDOG_S)
    assert process_of(registered, "offhook.service") not in {0, phone}


def test_a_phone_that_is_killed_while_idle_is_back_and_registered(registered: Telephone) -> None:
    killed = registered.now
    phone = process_of(registered, "offhook.service")
    registered.hands.run("kill", "-9", str(phone))
    registers_again(registered, killed, WATCHDOG_S)
    assert process_of(registered, "offhook.service") not in {0, phone}


def test_a_network_that_goes_in_a_call_ends_it_and_coming_back_registers_again(
    registered: Telephone, lab: Laboratory
) -> None:
    with talking(registered, lab) as (_, since):
        registered.machine.set_network(plugged=False)
        try:
            _, over = registered.until(
                lambda event: event["event"] == "call over", WATCHDOG_S, since=since
            )
        finally:
            registered.machine.set_network(plugged=True)
        assert over["call"]["reason"]
    assert can_be_called(registered, lab, 120)
