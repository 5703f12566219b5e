from __future__ import annotations

import pytest

from offhook.base.errors import PeerError
from offhook.protocols.sip.dialog import Dialog, DialogId
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.uri import SipUri, parse_uri


def invite(
    uri: str = "sip:bob@example.net", *extra: tuple[str, str], contact: str | None = None
) -> Request:
    headers = Headers(
        [
            ("Via", "SIP/2.0/TLS a;branch=z9hG4bK1"),
            ("From", '"Alice" <sip:alice@example.net>;tag=alice'),
            ("To", "<sip:bob@example.net>"),
            ("Call-ID", "call"),
            ("CSeq", "7 INVITE"),
            ("Contact", contact or "<sip:alice@192.0.2.1:40001>"),
            *extra,
        ]
    )
    return Request("INVITE", parse_uri(uri), headers)


def answer(request: Request, status: int = 200, *extra: tuple[str, str]) -> Response:
    contact = ("Contact", "<sip:bob@192.0.2.2:5061>")
    return response_to(request, status, to_tag="bob", headers=[contact, *extra])


def caller(*extra: tuple[str, str]) -> Dialog:
    return Dialog.from_uac(invite(), answer(invite(), 200, *extra))


ROUTES = ("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")


def test_the_two_ends_have_mirrored_identities() -> None:
    assert caller().id == DialogId("call", "alice", "bob")
    assert Dialog.from_uas(invite(), "bob").id == DialogId("call", "bob", "alice")


def test_the_caller_reverses_the_record_route_and_the_callee_does_not() -> None:
    request = caller(ROUTES).make_request("BYE")
    assert [str(route.uri) for route in request.routes] == ["sip:p1;lr", "sip:p2;lr"]
    dialog = Dialog.from_uas(invite("sip:bob@example.net", ROUTES), "bob")
    request = dialog.make_request("BYE")
    assert [str(route.uri) for route in request.routes] == ["sip:p2;lr", "sip:p1;lr"]


def test_a_request_goes_to_the_remote_target_with_the_next_number_and_both_tags() -> None:
    dialog = caller(ROUTES)
    requests = [dialog.make_request(method) for method in ("INFO", "BYE")]
    assert [str(request.uri) for request in requests] == ["sip:bob@192.0.2.2:5061"] * 2
    assert [str(request.cseq) for request in requests] == ["8 INFO", "9 BYE"]
    assert (requests[0].from_.tag, requests[0].to.tag) == ("alice", "bob")
    assert requests[0].from_.display_name == "Alice"
    assert requests[0].call_id == "call"


def test_a_strict_router_takes_the_request_uri() -> None:
    """RFC 3261 §12.2.1.1's own example."""
    routes = "<sip:proxy4>, <sip:proxy3;lr>, <sip:proxy2>, <sip:proxy1;method=BYE;a=1?Subject=x>"
    request = caller(("Record-Route", routes)).make_request("INFO")
    assert str(request.uri) == "sip:proxy1;a=1"
    assert [str(route.uri) for route in request.routes] == [
        "sip:proxy2",
        "sip:proxy3;lr",
        "sip:proxy4",
        "sip:bob@192.0.2.2:5061",
    ]


def test_the_ack_has_the_invites_number_and_credentials() -> None:
    asked = invite("sip:bob@example.net", ("Proxy-Authorization", "Digest x"), ("Subject", "no"))
    dialog = Dialog.from_uac(asked, answer(asked))
    ack = dialog.make_ack(asked)
    assert str(ack.cseq) == "7 ACK"
    assert ack.headers.get("Proxy-Authorization") == "Digest x"
    assert "Subject" not in ack.headers
    assert str(dialog.make_request("BYE").cseq) == "8 BYE"


def test_a_2xx_replaces_the_route_set_and_target_of_the_early_dialog() -> None:
    dialog = Dialog.from_uac(invite(), answer(invite(), 180, ("Record-Route", "<sip:old;lr>")))
    assert not dialog.confirmed
    final = answer(invite(), 200, ("Record-Route", "<sip:new;lr>"))
    final.headers.set("Contact", "<sip:bob@198.51.100.9>")
    dialog.confirm(final)
    request = dialog.make_request("BYE")
    assert dialog.confirmed
    assert [str(route.uri) for route in request.routes] == ["sip:new;lr"]
    assert str(request.uri) == "sip:bob@198.51.100.9"


def test_a_provisional_response_without_contact_leaves_the_request_uri_as_target() -> None:
    response = answer(invite(), 183)
    response.headers.remove("Contact")
    assert str(Dialog.from_uac(invite(), response).target) == "sip:bob@example.net"


@pytest.mark.parametrize(
    ("number", "admitted"), [(6, False), (7, False), (8, True), (2_000_000_000, True)]
)
def test_requests_must_come_in_the_order_of_their_numbers(number: int, admitted: bool) -> None:
    dialog = Dialog.from_uas(invite(), "bob")
    request = Request("INFO", SipUri("sip", "b", "h"), Headers([("CSeq", f"{number} INFO")]))
    if admitted:
        dialog.admit(request)
        assert dialog.remote_cseq == number
        return
    with pytest.raises(PeerError) as caught:
        dialog.admit(request)
    assert caught.value.status == 500
    assert dialog.remote_cseq == 7


def test_the_peers_first_request_may_have_any_number() -> None:
    dialog = caller()
    dialog.admit(Request("BYE", SipUri("sip", "a", "h"), Headers([("CSeq", "0 BYE")])))
    assert dialog.remote_cseq == 0


@pytest.mark.parametrize(
    ("call_id", "to_tag", "from_tag", "matches"),
    [
        ("call", "bob", "alice", True),
        ("call2", "bob", "alice", False),
        ("call", "bob2", "alice", False),
        ("call", "bob", "alice2", False),
        ("call", "alice", "bob", False),
        ("call", "BOB", "alice", False),
        ("CALL", "bob", "alice", False),
    ],
)
def test_only_the_whole_triple_matches(
    call_id: str, to_tag: str, from_tag: str, matches: bool
) -> None:
    dialog = Dialog.from_uas(invite(), "bob")
    request = Request(
        "BYE",
        SipUri("sip", "b", "h"),
        Headers(
            [
                ("Call-ID", call_id),
                ("To", f"<sip:b@h>;tag={to_tag}"),
                ("From", f"<sip:a@h>;tag={from_tag}"),
            ]
        ),
    )
    assert dialog.matches(request) is matches


def test_a_sips_request_uri_makes_a_secure_dialog() -> None:
    asked = invite("sips:bob@example.net")
    assert Dialog.from_uac(asked, answer(asked)).secure
    assert Dialog.from_uas(asked, "bob").secure
    assert not caller().secure


def test_an_invite_without_contact_makes_no_dialog() -> None:
    asked = invite()
    asked.headers.remove("Contact")
    with pytest.raises(PeerError) as caught:
        Dialog.from_uas(asked, "bob")
    assert caught.value.status == 400


def test_an_accepted_refresh_moves_the_target_and_a_missing_contact_does_not() -> None:
    dialog = Dialog.from_uas(invite(), "bob")
    moved = invite(contact="<sip:alice@198.51.100.1>")
    dialog.refresh(moved)
    assert str(dialog.target) == "sip:alice@198.51.100.1"
    moved.headers.remove("Contact")
    dialog.refresh(moved)
    assert str(dialog.target) == "sip:alice@198.51.100.1"
