from __future__ import annotations

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema.fields import split_host_port


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("sip.example.com", "sip.example.com", None),
        ("sip.example.com:5061", "sip.example.com", 5061),
        ("192.0.2.1:1", "192.0.2.1", 1),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:65535", "2001:db8::1", 65535),
        ("2001:db8::1", "2001:db8::1", None),
    ],
)
def test_host_and_port_are_taken_apart(text: str, host: str, port: int | None) -> None:
    assert split_host_port(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":5061",
        "a:",
        "a:0",
        "a:65536",
        "a:+1",
        "a:\uff15061",
        "a b",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[a]",
        "a:b:c",
        "sip:a",
        "a:9999999999",
        "-a",
        "a..b",
    ],
)
def test_what_is_no_host_with_a_port_is_refused(text: str) -> None:
    with pytest.raises(LocalError):
        split_host_port(text)
