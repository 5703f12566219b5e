from __future__ import annotations

import pytest

from offhook.base.errors import LocalError
from offhook.phone.call.target import dialled_uri


@pytest.mark.parametrize(
    ("dialled", "uri"),
    [
        ("600", "sip:600@trunk.example"),
        ("+49 (30) 12-34.5", "sip:+493012345@trunk.example"),
        ("*43#", "sip:*43%23@trunk.example"),
        ("echo", "sip:echo@trunk.example"),
        ("bob@other.example", "sip:bob@other.example"),
        ("sip:bob@other.example", "sip:bob@other.example"),
        ("sips:bob@other.example", "sips:bob@other.example"),
        ("tel:+4930123", "tel:+4930123"),
    ],
)
def test_what_is_dialled_becomes_a_uri(dialled: str, uri: str) -> None:
    assert str(dialled_uri(dialled, "trunk.example")) == uri


@pytest.mark.parametrize(
    "dialled", ["", "  ", "()", "bob@", "bob smith", "sip:", "a\r\nb", "http://x", "sip:a@b c"]
)
def test_what_can_not_be_called_is_said(dialled: str) -> None:
    with pytest.raises(LocalError, match="can't be called"):
        dialled_uri(dialled, "trunk.example")
