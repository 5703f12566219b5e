from __future__ import annotations

import json

import pytest

from offhook.base.errors import LocalError
from offhook.phone.call.history import History
from offhook.phone.line.memory import Memory


def test_memory_survives_its_document() -> None:
    memory = Memory(3, 0, History().with_dialled("030").with_missed("x", 1.7e9))
    assert Memory.from_document(json.loads(json.dumps(memory.to_document()))) == memory


def test_an_empty_document_is_a_new_telephone() -> None:
    assert Memory.from_document({}) == Memory()


@pytest.mark.parametrize(
    "document",
    [None, [], {"ear_step": 0}, {"ear_step": 11}, {"ring_step": -1}, {"ring_step": True}],
)
def test_another_document_is_refused(document: object) -> None:
    with pytest.raises(LocalError):
        Memory.from_document(document)
