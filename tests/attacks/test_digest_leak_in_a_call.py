"""The digest leak, through the phone's own call: a caller lets the phone hang up and answers its
BYE with a challenge of his own, to crack the answer at leisure (CVE-2021-41158).
"""

from __future__ import annotations

import pytest
from tests.phone.call.desk import DOMAIN, Desk

from offhook.phone.call import account as phone
from offhook.protocols.sip.message import Request, response_to
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.serialise import serialise
from offhook_practice.extensions import find_extension

CHALLENGES = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


def requests(desk: Desk, method: str) -> list[Request]:
    parsed = [parse_message(data) for data in desk.sent if b"CSeq:" in data]
    return [each for each in parsed if isinstance(each, Request) and each.method == method]


def challenge(desk: Desk, request: Request, status: int, realm: str) -> None:
    header, _ = CHALLENGES[status]
    value = f'Digest realm="{realm}", nonce="0123456789abcdef", algorithm=SHA-256, qop="auth"'
    response = response_to(request, status, headers=[(header, value)])
    desk.account.receive(serialise(response), desk.now)
    desk.settle()


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("realm", [DOMAIN, "evil.example"])
def test_a_callers_challenge_to_our_bye_gets_no_credentials(status: int, realm: str) -> None:
    desk = Desk()
    desk.start()
    extension = find_extension("echo")
    assert extension is not None
    desk.ring_phone(extension)
    (arrived,) = desk.told(phone.CallArrived)
    assert isinstance(arrived, phone.CallArrived)
    arrived.call.accept(desk.now)
    desk.settle()
    desk.linked = False
    arrived.call.hang_up(desk.now)
    desk.account.settle(desk.now)
    (bye,) = [
        each
        for each in map(parse_message, desk.account.data_to_send())
        if isinstance(each, Request) and each.method == "BYE"
    ]
    desk.linked = True
    challenge(desk, bye, status, realm)
    desk.wait(1.0)
    assert not [each for each in requests(desk, "BYE") if each.headers.get(CHALLENGES[status][1])]


def test_the_control_our_own_register_is_given_credentials() -> None:
    desk = Desk()
    desk.start()
    assert [each for each in requests(desk, "REGISTER") if each.headers.get("Authorization")]


@pytest.mark.parametrize("status", [401, 407])
def test_another_realm_gets_nothing_even_for_a_call_of_ours(status: int) -> None:
    desk = Desk()
    desk.start()
    desk.linked = False
    desk.account.dial("echo", desk.now)
    for command in desk.account.commands_to_send():
        desk.phone_engine.post(command)
    desk.phone_engine.work()
    (invite,) = [
        each
        for each in map(parse_message, desk.account.data_to_send())
        if isinstance(each, Request) and each.method == "INVITE"
    ]
    desk.linked = True
    challenge(desk, invite, status, "evil.example")
    _, header = CHALLENGES[status]
    assert not [each for each in requests(desk, "INVITE") if each.headers.get(header)]
