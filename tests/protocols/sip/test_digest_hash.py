"""RFC 7616 §3.9, RFC 2617 §3.5: the digest itself against published values."""

from __future__ import annotations

import hashlib

import pytest

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.protocols.sip.digest_hash import DigestInput, request_digest

SDP = (
    b"v=0\r\no=bob 2890844526 2890844526 IN IP4 media.biloxi.com\r\ns=-\r\n"
    b"c=IN IP4 media.biloxi.com\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    b"m=video 51372 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\nm=video 53000 RTP/AVP 32\r\n"
    b"a=rtpmap:32 MPV/90000\r\n"
)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_section_3_9_1(algorithm: str, expected: str) -> None:
    values = DigestInput(
        algorithm=algorithm,
        username="Mufasa",
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        method="GET",
        uri="/dir/index.html",
        qop="auth",
        nc="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert request_digest(values, Secret("Circle of Life")) == expected


def test_rfc_7616_section_3_9_2_as_corrected_by_erratum_4897() -> None:
    values = DigestInput(
        algorithm="SHA-512-256",
        username="J\u00e4s\u00f8n Doe",
        realm="api@example.org",
        nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        method="GET",
        uri="/doe.json",
        qop="auth",
        nc="00000001",
        cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    )
    digest = request_digest(values, Secret("Secret, or not?"))
    assert digest == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"

    def cut(text: str) -> str:
        return hashlib.sha512(text.encode()).hexdigest()[:64]

    secret = cut("J\u00e4s\u00f8n Doe:api@example.org:Secret, or not?")
    printed = cut(f"{secret}:{values.nonce}:00000001:{values.cnonce}:auth:{cut('GET:/doe.json')}")
    assert printed == "ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd", (
        "the value printed in the RFC is a cut SHA-512, which is another function"
    )


def test_rfc_2617_section_3_5() -> None:
    values = DigestInput(
        algorithm="MD5",
        username="Mufasa",
        realm="testrealm@host.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        method="GET",
        uri="/dir/index.html",
        qop="auth",
        nc="00000001",
        cnonce="0a4f113b",
    )
    assert request_digest(values, Secret("Circle Of Life")) == ("6629fae49393a05397450978507c4ef1")


@pytest.mark.parametrize(
    ("algorithm", "qop", "expected"),
    [
        ("MD5", None, "bf57e4e0d0bffc0fbaedce64d59add5e"),
        ("MD5", "auth", "89eb0059246c02b2f6ee02c7961d5ea3"),
        ("MD5-sess", "auth", "e4e4ea61d186d07a92c9e1f6919902e9"),
        ("MD5", "auth-int", "bdbeebb2da6adb6bca02599c2239e192"),
        ("MD5-sess", "auth-int", "91984da2d8663716e91554859c22ca70"),
    ],
)
def test_sip_authentication_examples(algorithm: str, qop: str | None, expected: str) -> None:
    values = DigestInput(
        algorithm=algorithm,
        username="bob",
        realm="biloxi.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        method="INVITE",
        uri="sip:bob@biloxi.com",
        qop=qop,
        nc="00000001",
        cnonce="0a4f113b",
        body=SDP,
    )
    assert request_digest(values, Secret("zanzibar")) == expected


def test_an_unknown_algorithm_is_our_own_fault() -> None:
    values = DigestInput("SHA-1", "a", "r", "n", "GET", "/")
    with pytest.raises(LocalError):
        request_digest(values, Secret("p"))
