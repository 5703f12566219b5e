from __future__ import annotations

import pytest

from offhook.phone.line.events import AccountDown, Trouble
from offhook.phone.line.troubles import account_down


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (401, Trouble.CREDENTIALS),
        (403, Trouble.CREDENTIALS),
        (407, Trouble.CREDENTIALS),
        (404, Trouble.REFUSED),
        (408, Trouble.NO_NETWORK),
        (503, Trouble.SERVER_FAULT),
        (600, Trouble.REFUSED),
    ],
)
def test_the_registrars_answer_names_the_trouble(status: int, trouble: Trouble) -> None:
    assert account_down(status) == AccountDown(trouble, status)


def test_without_an_answer_it_is_certificate_name_or_network() -> None:
    assert account_down(None, refused_rule="expired") == AccountDown(Trouble.UNTRUSTED)
    assert account_down(None, located=False) == AccountDown(Trouble.NO_SERVER)
    assert account_down(None) == AccountDown(Trouble.NO_NETWORK)
