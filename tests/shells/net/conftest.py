"""What the tests of the network's shell share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.shells.net.namespaces import Street, Wire, street, wire


@pytest.fixture
def lab() -> Iterator[Wire]:
    """Two namespaces and a wire; skipped without the rights to make them."""
    try:
        with wire() as made:
            yield made
    except PermissionError as error:
        pytest.skip(f"no network namespaces: {error}")


@pytest.fixture
def houses() -> Iterator[Street]:
    """Two houses with a middle between them; skipped without the rights to make them."""
    try:
        with street() as made:
            yield made
    except PermissionError as error:
        pytest.skip(f"no network namespaces: {error}")
