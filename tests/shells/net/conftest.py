"""What the tests of the network's shell share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest
from tests.shells.net.namespaces import Street, Wire, street, wire

Made = TypeVar("Made")


@pytest.fixture(scope="session")
def lab() -> Iterator[Wire]:
    """Two namespaces and a wire; skipped without the rights to make them."""
    yield from _made(wire())


@pytest.fixture(scope="session")
def houses() -> Iterator[Street]:
    """Two houses with a middle between them that forwards nothing; skipped as above."""
    yield from _made(street())


@pytest.fixture
def translated() -> Iterator[Street]:
    """Two houses, the phone's behind a NAT; skipped as above."""
    for made in _made(street()):
        made.translate()
        yield made


def _made(network: AbstractContextManager[Made]) -> Iterator[Made]:
    try:
        with network as made:
            yield made
    except PermissionError as error:
        pytest.skip(f"no network namespaces: {error}")
