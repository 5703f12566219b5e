"""What we rely on inside of aioice: these fail when a release changes it."""

from __future__ import annotations

import ast
import asyncio
import inspect
import textwrap

import aioice
import pytest
from aioice import ice
from aioice.stun import Class, Message, Method, parse_message


def names_in(function: object) -> set[str]:
    """Every attribute that the function's source touches."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    return {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)}


def test_the_release_is_the_one_that_was_read() -> None:
    assert aioice.__version__.startswith("0.10.")


def test_a_connection_has_the_parts_that_we_reach_into() -> None:
    async def scene() -> None:
        connection = ice.Connection(ice_controlling=True)
        parts = vars(connection)
        assert parts["_protocols"] == parts["_local_candidates"] == parts["_remote_candidates"]
        assert parts["_check_list"] == []
        assert parts["_nominated"] == {}
        assert parts["_check_list_done"] is False
        assert parts["_query_consent_task"] is None
        assert isinstance(parts["_check_list_state"], asyncio.Queue)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("function", "touches"),
    [
        (ice.Connection.connect, {"check_periodic", "query_consent", "_local_candidates_end"}),
        (ice.Connection.connect, {"_early_checks_done", "_check_list_state", "can_pair_with"}),
        (ice.Connection.check_start, {"remote_is_lite", "build_request", "check_complete"}),
        (ice.Connection.check_complete, {"_nominated"}),
        (ice.Connection.check_incoming, {"_remote_candidates", "check_start_task"}),
        (ice.Connection.request_received, {"send_stun", "check_incoming"}),
        (ice.StunProtocol.datagram_received, {"data_received", "request_received", "transactions"}),
        (ice.StunProtocol.send_stun, {"transport", "sendto"}),
    ],
)
def test_what_we_override_or_set_is_what_it_calls_or_asks(
    function: object, touches: set[str]
) -> None:
    assert touches <= names_in(function)


def test_control_it_takes_a_request_without_any_proof_which_is_why_we_look_first() -> None:
    bare = bytes(Message(Method.BINDING, Class.REQUEST))
    assert parse_message(bare, integrity_key=b"key").attributes == {}
