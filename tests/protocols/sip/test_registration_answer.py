"""RFC 3261 §10.2.4: our binding among what the registrar lists."""

from __future__ import annotations

import pytest
from tests.protocols.sip.registrar_kit import (
    contact,
    events,
    make_registration,
)

from offhook.protocols.sip.message import response_to
from offhook.protocols.sip.registration import (
    Registered,
    Registration,
    RegistrationFailed,
)
from offhook.protocols.sip.values import NameAddr


class TestBinding:
    def answer(self, registration: Registration, *fields: tuple[str, str]) -> list[object]:
        registration.flow_opened(contact(), 0.0)
        request = registration.next_request(0.0)
        assert request is not None
        registration.response(response_to(request, 200, headers=fields), 0.0)
        return list(events(registration))

    @pytest.mark.parametrize(
        ("fields", "expires_s"),
        [
            ([("Contact", f"{contact()};expires=600")], 600),
            ([("Contact", f"{contact()}"), ("Expires", "700")], 700),
            ([("Contact", f"{contact()}")], 3600),
            ([("Contact", f"{contact()};expires=600"), ("Expires", "10")], 600),
            ([("Contact", f"{contact()};expires=soon")], 3600),
            ([("Contact", f"{contact()};expires")], 3600),
            ([("Contact", f"{contact()}"), ("Expires", "soon")], 3600),
            ([("Contact", "<sip:u7f3a@192.0.2.7:40001;transport=TLS>;expires=60")], 60),
            ([("Contact", "<sip:u7f3a@192.0.2.7:40001;transport=tls;ob>;expires=60")], 60),
            ([("Contact", "<sip:u7f3a@192.0.2.7:40001>;expires=60")], 60),
            ([("Contact", "<sip:u7f3a@203.0.113.9:61234;transport=tls>;expires=60")], 60),
            ([("Contact", f"<sip:x@y>;expires=9, {contact()};expires=60")], 60),
            ([("Contact", "<<>>"), ("Contact", f"{contact()};expires=60")], 60),
            (
                [
                    ("Contact", "<sip:u7f3a@192.0.2.7:39999;transport=tls>;expires=9"),
                    ("Contact", f"{contact()};expires=60"),
                ],
                60,
            ),
            ([("Expires", "500")], 500),
        ],
    )
    def test_its_interval_is_found(self, fields: list[tuple[str, str]], expires_s: int) -> None:
        (event,) = self.answer(make_registration(), *fields)
        assert isinstance(event, Registered)
        assert event.expires_s == expires_s

    @pytest.mark.parametrize(
        "fields",
        [
            [],
            [("Expires", "0")],
            [("Contact", f"{contact()};expires=0")],
            [("Contact", "<sip:bob@192.0.2.7:40001;transport=tls>;expires=60")],
            [("Contact", "<tel:+123>;expires=60")],
            [("Contact", "<sip:192.0.2.7:40001>;expires=60")],
            [("Contact", "*")],
            [("Contact", '"')],
        ],
        ids=str,
    )
    def test_an_answer_without_it_is_a_failure_with_back_off(
        self, fields: list[tuple[str, str]]
    ) -> None:
        registration = make_registration()
        (event,) = self.answer(registration, *fields)
        assert isinstance(event, RegistrationFailed)
        assert event.status == 200
        assert "binding" in event.reason
        assert event.retry_at is not None
        assert 30.0 <= event.retry_at <= 60.0
        assert not registration.registered

    def test_a_contact_without_a_user_is_found_by_its_address_alone(self) -> None:
        for listed, found in (("192.0.2.7:40001", True), ("198.51.100.1:5061", False)):
            registration = make_registration()
            registration.flow_opened(NameAddr.parse("<sip:192.0.2.7:40001;ob>"), 0.0)
            request = registration.next_request(0.0)
            assert request is not None
            fields = [("Contact", f"<sip:{listed};transport=tls>;expires=60")]
            registration.response(response_to(request, 200, headers=fields), 0.0)
            assert registration.registered is found

    def test_what_the_registrar_tells_beside_it_is_reported(self) -> None:
        fields = [
            ("Contact", f"{contact()};expires=60"),
            ("Contact", "<sip:other@h>;expires=5"),
            ("Flow-Timer", "25"),
            ("Require", "outbound"),
        ]
        (event,) = self.answer(make_registration(), *fields)
        assert isinstance(event, Registered)
        assert (event.bindings, event.flow_timer_s, event.outbound) == (2, 25, True)

    @pytest.mark.parametrize("field", ["Flow-Timer", "Require"])
    @pytest.mark.parametrize("value", ["", '"', "soon", "1" * 99])
    def test_nonsense_beside_it_is_passed_over(self, field: str, value: str) -> None:
        (event,) = self.answer(
            make_registration(), ("Contact", f"{contact()};expires=60"), (field, value)
        )
        assert isinstance(event, Registered)
        assert event.flow_timer_s is None
        assert not event.outbound
