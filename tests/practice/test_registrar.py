from __future__ import annotations

import pytest

from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.uri import SipUri
from offhook_practice.registrar import Registrar

CONTACT = "<sip:desk@192.0.2.7:40001;transport=tls>"


def register(contact: str = CONTACT, expires: str = "600", user: str = "phone") -> Request:
    headers = Headers(
        [
            ("Via", "SIP/2.0/TLS 192.0.2.7:40001;branch=z9hG4bK1"),
            ("From", f"<sip:{user}@practice.example>;tag=1"),
            ("To", f"<sip:{user}@practice.example>"),
            ("Call-ID", "1"),
            ("CSeq", "1 REGISTER"),
            ("Contact", contact),
            ("Expires", expires),
        ]
    )
    return Request("REGISTER", SipUri("sip", None, "practice.example"), headers)


def test_a_phone_is_found_until_its_binding_runs_out() -> None:
    registrar = Registrar()
    assert registrar.register(register(), "phone", 1, 100.0).status == 200
    found = registrar.find("phone", 699.0)
    assert found is not None
    assert found.connection == 1
    assert registrar.find("phone", 701.0) is None


def test_the_answer_lists_the_binding_with_its_time() -> None:
    answer = Registrar().register(register(), "phone", 1, 100.0)
    assert answer.headers.get("Contact") == f"{CONTACT};expires=600"


@pytest.mark.parametrize(("contact", "expires"), [("*", "0"), (CONTACT, "0")])
def test_a_phone_that_unregisters_is_not_found(contact: str, expires: str) -> None:
    registrar = Registrar()
    registrar.register(register(), "phone", 1, 100.0)
    assert registrar.register(register(contact, expires), "phone", 1, 101.0).status == 200
    assert registrar.find("phone", 101.0) is None


def test_a_lost_connection_takes_its_bindings_along() -> None:
    registrar = Registrar()
    registrar.register(register(), "phone", 1, 100.0)
    registrar.drop_connection(2)
    assert registrar.find("phone", 101.0) is not None
    registrar.drop_connection(1)
    assert registrar.find("phone", 101.0) is None


def test_nobody_registers_for_another() -> None:
    assert Registrar().register(register(user="boss"), "phone", 1, 100.0).status == 403


def test_too_short_a_time_is_refused_with_the_least() -> None:
    answer = Registrar().register(register(expires="1"), "phone", 1, 100.0)
    assert answer.status == 423
    assert answer.headers.get("Min-Expires") == "10"
