"""What hypothesis draws for SIP: tokens, URIs, addresses, whole messages."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.uri import OtherUri, SipUri, TelUri, Uri
from offhook.protocols.sip.values import CSeq, NameAddr, Via

TOKEN_CHARACTERS = string.ascii_letters + string.digits + "-.!%*_+`'~"

tokens = st.text(TOKEN_CHARACTERS, min_size=1, max_size=12)
unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
one_line = unicode_text.filter(lambda text: not set(text) & {"\r", "\n"})
field_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).map(
    lambda text: text.strip(" \t")
)
labels = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
host_names = st.lists(labels, min_size=1, max_size=4).map(".".join)
hosts = st.one_of(
    host_names,
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
ports = st.none() | st.integers(1, 65535)


def unique(
    names: st.SearchStrategy[str], values: st.SearchStrategy[str]
) -> st.SearchStrategy[tuple[tuple[str, str | None], ...]]:
    pairs = st.tuples(names, st.none() | values)
    return st.lists(pairs, max_size=4, unique_by=lambda pair: pair[0].lower()).map(tuple)


uri_text = unicode_text.filter(bool)
sip_uris = st.builds(
    SipUri,
    st.sampled_from(["sip", "sips"]),
    st.none() | uri_text,
    hosts,
    ports,
    unique(uri_text, uri_text),
    st.lists(st.tuples(uri_text, unicode_text), max_size=3).map(tuple),
)
tel_uris = st.builds(
    TelUri, st.from_regex(r"\+?[0-9][0-9.()-]{0,12}", fullmatch=True), unique(uri_text, uri_text)
)
other_uris = st.builds(
    OtherUri,
    st.sampled_from(["urn", "http", "mailto"]),
    st.from_regex("[a-z:/@.]+", fullmatch=True),
)
uris: st.SearchStrategy[Uri] = st.one_of(sip_uris, tel_uris, other_uris)
addresses = st.builds(NameAddr, one_line, uris, unique(tokens, one_line))
vias = st.builds(
    Via, st.sampled_from(["TLS", "TCP", "UDP", "WSS"]), hosts, ports, unique(tokens, one_line)
)
cseqs = st.builds(CSeq, st.integers(0, (1 << 31) - 1), tokens)

_names = st.sampled_from(["Subject", "X-Unknown", "Via", "m", "Route", "User-Agent"]) | tokens
_fields = st.lists(
    st.tuples(_names, field_text)
    | st.tuples(st.just("From"), addresses.map(str))
    | st.tuples(st.just("Via"), vias.map(str)),
    max_size=8,
).map(lambda items: [item for item in items if item[0].lower() not in {"l", "content-length"}])
_headers = _fields.map(Headers)
_bodies = st.binary(max_size=200)

requests = st.builds(
    Request,
    tokens.filter(lambda method: method.upper() != "SIP"),
    uris,
    _headers,
    _bodies,
)
responses = st.builds(Response, st.integers(100, 699), field_text, _headers, _bodies)
messages: st.SearchStrategy[Message] = st.one_of(requests, responses)
