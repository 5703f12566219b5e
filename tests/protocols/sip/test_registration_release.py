"""RFC 3261 §10.2.2: giving a binding up, and changing one's mind."""

from __future__ import annotations

import pytest
from tests.protocols.sip.account_kit import (
    challenge,
    make_client,
    make_verifier,
)
from tests.protocols.sip.registrar_kit import (
    Life,
    Registrar,
    contact,
    events,
    live,
    make_registration,
    refuse,
)

from offhook.protocols.sip.registration import (
    RegistrationState,
    Unregistered,
)


class TestUnregister:
    def test_the_binding_is_removed(self) -> None:
        registrar = Registrar()
        life = live(registrar)
        assert registrar.bindings
        life.registration.unregister(life.now)
        life.settle()
        assert registrar.bindings == {}
        assert registrar.requests[-1].expires == 0
        assert life.kinds() == ["Registered", "Unregistered"]
        assert life.registration.deadline() is None
        assert not life.registration.registered

    @pytest.mark.parametrize("status", [403, 423, 481, 503])
    def test_a_refusal_ends_it_too(self, status: int) -> None:
        life = live(Registrar())
        life.answer = refuse(status)
        life.registration.unregister(life.now)
        life.settle()
        assert life.registration.state is RegistrationState.RELEASED
        assert life.kinds()[-1] == "Unregistered"

    def test_credentials_are_given(self) -> None:
        registrar = Registrar(verifier=make_verifier(nonce_lifetime_s=0.01))
        life = Life(make_registration(make_client()), registrar)
        life.round_trip_s = 0.001
        life.flow()
        life.until(10.0)
        life.registration.unregister(life.now)
        life.settle()
        assert registrar.bindings == {}

    def test_it_waits_for_the_answer_to_a_register(self) -> None:
        registrar = Registrar()
        registration = make_registration()
        registration.flow_opened(contact(), 0.0)
        request = registration.next_request(0.0)
        assert request is not None
        registration.unregister(0.0)
        registration.response(registrar(request, 0.0), 0.1)
        release = registration.next_request(0.1)
        assert release is not None
        assert release.expires == 0
        registration.response(registrar(release, 0.1), 0.2)
        assert registrar.bindings == {}
        assert [type(event) for event in events(registration)] == [Unregistered]

    def test_credentials_for_a_register_are_dropped_by_a_change_of_mind(self) -> None:
        registration = make_registration(make_client())
        registration.flow_opened(contact(), 0.0)
        request = registration.next_request(0.0)
        assert request is not None
        registration.unregister(0.0)
        registration.response(challenge(request), 0.0)
        release = registration.next_request(0.0)
        assert release is not None
        assert release.expires == 0

    def test_a_new_flow_does_not_register_again(self) -> None:
        life = live(Registrar())
        life.registration.unregister(life.now)
        life.settle()
        life.registration.flow_lost("gone", life.now)
        life.flow(40002)
        assert life.registration.state is RegistrationState.RELEASED
        assert len(life.sent) == 2
        life.registration.register(life.now)
        life.settle()
        assert life.registration.registered

    def test_a_change_of_mind_while_it_goes_out_registers_again(self) -> None:
        registrar = Registrar()
        life = live(registrar)
        life.registration.unregister(life.now)
        release = life.registration.next_request(life.now)
        assert release is not None
        life.registration.register(life.now)
        assert life.registration.next_request(life.now) is None
        life.registration.response(registrar(release, life.now), life.now)
        life.settle()
        assert life.registration.registered
        assert life.kinds() == ["Registered", "Unregistered", "Registered"]
