from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from offhook.base.errors import LocalError
from offhook.base.secret import SHOWN, Secret

PASSWORD = "correct horse"


def test_every_way_of_showing_a_secret_shows_dots() -> None:
    secret = Secret(PASSWORD)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", "%s %r" % (secret, secret)]  # noqa: UP031  the old way is a way too
    assert all(SHOWN in each and PASSWORD not in each for each in shown)


def test_a_secret_does_not_reach_json_pickle_or_a_copy() -> None:
    secret = Secret(PASSWORD)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(LocalError):
        pickle.dumps(secret)
    with pytest.raises(LocalError):
        copy.deepcopy(secret)


def refuse(secret: Secret) -> None:
    raise LocalError(f"can't log in with {secret}")


def test_a_secret_does_not_reach_a_traceback_even_one_with_locals() -> None:
    with pytest.raises(LocalError) as caught:
        refuse(Secret(PASSWORD))
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(told.format())
    assert f"secret = {SHOWN}" in text
    assert PASSWORD not in text


def test_reveal_gives_the_octets_and_equality_compares_them() -> None:
    assert Secret(PASSWORD).reveal() == PASSWORD.encode()
    assert Secret(b"a") == Secret("a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert len(Secret(b"abc")) == 3


def test_a_secret_can_not_be_hashed() -> None:
    with pytest.raises(TypeError):
        hash(Secret(b"a"))
