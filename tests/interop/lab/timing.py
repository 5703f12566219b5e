"""Set-up times as a registrar saw them: the same instrument for every telephone."""

from __future__ import annotations

from dataclasses import dataclass

from tests.interop.lab.kamailio import Kamailio
from tests.interop.lab.processes import PeerProcess, wait_until


@dataclass(frozen=True, slots=True)
class CallSetup:
    """One call's set-up in ms, from the caller's registrar receiving one message to another.

    `first_invite_to_200` holds the digest challenge; the others start at the INVITE with
    credentials. `invite_to_180` is None when the callee answered at once.
    """

    first_invite_to_200: float
    invite_to_180: float | None
    invite_to_200: float


def call_setups(registrar: Kamailio) -> list[CallSetup]:
    """The answered calls of the registrar's own users, in the order of their first INVITE."""
    invites: dict[str, list[float]] = {}
    for line in registrar.log("invite"):
        invites.setdefault(line.words[0], []).append(float(line.words[1]))
    replies: dict[tuple[str, str], float] = {}
    for line in registrar.log("reply"):
        replies.setdefault((line.words[0], line.words[2]), float(line.words[1]))
    setups = []
    for call_id, sent in invites.items():
        answered, rang = replies.get((call_id, "200")), replies.get((call_id, "180"))
        if answered is None:
            continue
        # In-dialog INVITEs are not noted: the last one is that with credentials.
        setups.append(
            CallSetup(
                (answered - sent[0]) * 1000,
                None if rang is None else (rang - sent[-1]) * 1000,
                (answered - sent[-1]) * 1000,
            )
        )
    return setups


def start_to_registered_ms(
    process: PeerProcess, registrar: Kamailio, user: str, timeout_s: float = 15.0
) -> float:
    """From the start of `process` to the registrar's having stored the user's contact."""

    def stored() -> float | None:
        times = (
            float(line.words[1]) for line in registrar.log("registered") if line.words[0] == user
        )
        return next((at for at in times if at >= process.started_at), None)

    at = wait_until(stored, timeout_s, lambda: f"{user} never registered\n{process.tail()}")
    return (at - process.started_at) * 1000
