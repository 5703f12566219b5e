from __future__ import annotations

from base64 import b64encode

import pytest

from offhook.protocols.sip.trace import FlowTrace

KEY = b64encode(bytes(range(30)))
INVITE = (
    b"INVITE sip:bob@x.example SIP/2.0\r\n"
    b"Via: SIP/2.0/TLS 192.0.2.7:40001;branch=z9hG4bK1\r\n"
    b"From: <sip:alice@x.example>;tag=1\r\nTo: <sip:bob@x.example>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
    b'Proxy-Authorization: Digest username="alice",\r\n response="6629fae49393a053"\r\n'
    b'AUTHORIZATION: Digest response="0f1e2d3c"\r\n'
    b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n"
)
SDP = (
    b"v=0\r\nk=clear:topsecret\r\nm=audio 4000 RTP/SAVP 8\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY + b"|2^31\r\n"
    b"a=crypto:2 AES_CM_128_HMAC_SHA1_80 INLINE:" + KEY + b";inline:" + KEY + b"\r\n"
)
MESSAGE = INVITE % len(SDP) + SDP


def secrets_in(text: str) -> list[str]:
    secrets = (KEY.decode(), "6629fae49393a053", "0f1e2d3c", "topsecret")
    return [secret for secret in secrets if secret in text]


@pytest.mark.parametrize("cut", [1, 7, 64, 4096])
def test_no_key_and_no_credential_is_shown_however_the_octets_arrive(cut: int) -> None:
    trace = FlowTrace()
    shown = [
        text
        for start in range(0, len(MESSAGE), cut)
        for text in trace.receive(MESSAGE[start : start + cut])
    ]
    (text,) = shown
    assert secrets_in(text) == []
    assert "INVITE sip:bob@x.example SIP/2.0" in text
    assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:•••" in text
    assert "Proxy-Authorization: •••" in text
    assert secrets_in(MESSAGE.decode()), "the control: they were there"


def test_other_bodies_are_told_by_their_length() -> None:
    body = b"--x\r\nContent-Type: application/sdp\r\n\r\na=crypto:1 X inline:" + KEY
    message = MESSAGE.replace(b"application/sdp", b"multipart/mixed;boundary=x", 1)
    message = message.replace(b"%d" % len(SDP), b"%d" % len(body)).replace(SDP, body)
    (text,) = FlowTrace().receive(message)
    assert f"({len(body)} octets of multipart/mixed)" in text
    assert KEY.decode() not in text


def test_octets_that_are_no_message_are_not_shown() -> None:
    shown = FlowTrace().receive(b"a=crypto:1 X inline:" + KEY + b"\r\n\r\n")
    assert secrets_in("".join(shown)) == []
    assert shown


def test_pings_are_shown_as_such() -> None:
    assert FlowTrace().receive(b"\r\n\r\n") == ["(ping)"]
