from __future__ import annotations

import pytest
from tests.protocols.sip.link import ANSWER, OFFER, Solo, methods
from tests.protocols.sip.raw import raw_request

from offhook.protocols.sip.agent_events import IncomingCall


@pytest.mark.parametrize("method", ["REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH", "PRACK"])
@pytest.mark.parametrize("tag", ["", ";tag=dialog"])
def test_a_method_that_we_do_not_take_gets_405_with_allow(method: str, tag: str) -> None:
    solo = Solo()
    (response,) = solo.feed(raw_request(method, fields={"To": f"<sip:alice@example.net>{tag}"}))
    assert methods([response]) == [405]
    assert response.allow == ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE"]
    assert solo.events == []


def test_a_method_that_nobody_knows_gets_501() -> None:
    (response,) = Solo().feed(raw_request("DANCE"))
    assert methods([response]) == [501]
    assert "INVITE" in response.allow


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE"])
@pytest.mark.parametrize("tag", ["", ";tag=dialog"])
def test_a_request_for_a_dialog_that_is_none_gets_481(method: str, tag: str) -> None:
    fields = {"To": f"<sip:alice@example.net>{tag}"}
    assert methods(Solo().feed(raw_request(method, fields=fields))) == [481]


def test_an_invite_for_a_dialog_that_is_none_gets_481_and_does_not_ring() -> None:
    solo = Solo()
    data = raw_request(fields={"To": "<sip:alice@example.net>;tag=dialog"}, body=OFFER)
    assert methods(solo.feed(data)) == [481]
    assert solo.of(IncomingCall) == []


def test_options_tells_what_we_can_do() -> None:
    (response,) = Solo().feed(raw_request("OPTIONS"))
    assert methods([response]) == [200]
    assert "INVITE" in response.allow
    assert response.headers.get("Accept") == "application/sdp"
    assert response.headers.get("Supported") == ""
    assert response.to.tag


@pytest.mark.parametrize(
    ("extra", "body", "status", "field"),
    [
        (["Require: 100rel, path"], OFFER, 420, ("Unsupported", "100rel, path")),
        (["Content-Type: text/plain"], b"hi", 415, ("Accept", "application/sdp")),
        (["Content-Type: application/sdp", "Content-Encoding: gzip"], b"x", 415, None),
        (["Content-Type: multipart/mixed;boundary=x"], b"x", 400, None),
        (["Content-Type: ;"], b"x", 400, None),
        (["Require: "], OFFER, None, None),
        (["Proxy-Require: nothing-of-ours"], OFFER, None, None),
        (
            ["Content-Type: text/plain", "Content-Disposition: x;handling=optional"],
            b"x",
            None,
            None,
        ),
    ],
)
def test_an_invite_is_held_to_what_we_understand(
    extra: list[str], body: bytes, status: int | None, field: tuple[str, str] | None
) -> None:
    solo = Solo()
    said = solo.feed(raw_request(body=body, extra=extra))
    assert methods(said) == ([] if status is None else [status])
    assert len(solo.of(IncomingCall)) == (status is None)
    if field is not None:
        assert said[0].headers.get(field[0]) == field[1]


def test_a_cancels_require_is_ignored() -> None:
    solo = Solo()
    invite = raw_request()
    solo.feed(invite)
    cancel = invite.replace(b"INVITE", b"CANCEL").replace(b"Contact", b"Require: x\r\nContact")
    assert methods(solo.feed(cancel)) == [200, 487]


def test_sips_with_a_sip_contact_is_refused_and_with_a_sips_one_is_not() -> None:
    solo = Solo()
    uri = "sips:alice-device@192.0.2.1:40001"
    assert methods(solo.feed(raw_request(uri=uri))) == [400]
    contact = {"Contact": "<sips:mallory@192.0.2.2>"}
    assert methods(solo.feed(raw_request(uri=uri, fields=contact))) == []
    solo.incoming().accept(ANSWER, solo.now)
    (ok,) = solo.drain()
    assert ok.headers.get("Contact") == "<sips:alice-device@192.0.2.1:40001>"


def test_a_third_call_is_busy_while_two_are_pending() -> None:
    solo = Solo()
    assert [methods(solo.feed(raw_request())) for _ in range(3)] == [[], [], [486]]
    assert len(solo.of(IncomingCall)) == 2
