"""Requests, challenges and a registrar for the tests of digest and registration."""

from __future__ import annotations

from collections.abc import Mapping

from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.sip.auth_values import Challenge, parse_credentials
from offhook.protocols.sip.digest import DigestClient
from offhook.protocols.sip.digest_server import DigestVerifier
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.uri import SipUri, Uri, parse_uri

USER = "alice"
PASSWORD = "Circle of Life"
REALM = "example.com"
AOR = SipUri("sip", USER, REALM)


def make_request(
    method: str = "REGISTER",
    *,
    cseq: int = 1,
    to_tag: str | None = None,
    from_tag: str = "ours",
    call_id: str = "call-1",
    body: bytes = b"",
    uri: str = "sip:example.com",
    via: bool = True,
) -> Request:
    headers = Headers([("Via", "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKone")] if via else [])
    headers.add("From", f"<{AOR}>;tag={from_tag}")
    headers.add("To", f"<{AOR}>" + (f";tag={to_tag}" if to_tag else ""))
    headers.add("Call-ID", call_id)
    headers.add("CSeq", f"{cseq} {method}")
    target: Uri = parse_uri(uri)
    return Request(method, target, headers, body)


def challenge(
    request: Request,
    status: int = 401,
    *,
    drop: tuple[str, ...] = (),
    more: Mapping[str, str] | None = None,
    **parameters: str,
) -> Response:
    """A 401 or 407 to `request` with one Digest challenge; keywords replace its parameters."""
    held = {
        "realm": REALM,
        "nonce": "nonce-1",
        "opaque": "opaque-1",
        "qop": "auth",
        "algorithm": "SHA-256",
    } | parameters
    held |= more or {}
    for name in drop:
        del held[name]
    return refusal(request, str(Challenge("Digest", held)), status=status)


def refusal(request: Request, *challenges: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return response_to(request, status, to_tag="theirs", headers=[(name, c) for c in challenges])


def make_client(
    realm: str | None = REALM, algorithms: tuple[str, ...] = ("SHA-256",), *, registers: bool = True
) -> DigestClient:
    """A client with a verified flow."""
    client = DigestClient(
        USER,
        Secret(PASSWORD),
        realm,
        algorithms,
        randomness=SeededRandomness("client"),
        registers=registers,
    )
    client.flow_opened()
    return client


def make_verifier(algorithms: tuple[str, ...] = ("SHA-256",), **options: float) -> DigestVerifier:
    return DigestVerifier(
        REALM,
        lambda name: Secret(PASSWORD) if name == USER else None,
        SeededRandomness("server"),
        algorithms,
        **options,  # type: ignore[arg-type]  # floats and ints alike
    )


def credentials(request: Request, header: str = "Authorization") -> dict[str, str]:
    """The parameters of the request's credentials."""
    value = request.headers.get(header)
    assert value is not None, f"no {header}"
    return parse_credentials(value).parameters


def credential_count(request: Request) -> int:
    return sum(name in {"Authorization", "Proxy-Authorization"} for name, _ in request.headers)
