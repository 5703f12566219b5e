"""A relay as the phone names it becomes one that the path can open (RFC 8656 §2.1)."""

from __future__ import annotations

from collections.abc import Callable

from offhook.protocols.media.path_messages import TurnTerms
from offhook.protocols.trust.peer_identity import PeerPolicy, make_judge, policy_id
from offhook.shells.net.path import TurnServer
from offhook.shells.net.tls_context import TlsSettings


def turn_server(terms: TurnTerms, wall_time: Callable[[], float]) -> TurnServer:
    """The relay, judged as a SIP server is: by the anchors given and by its name."""
    policy = PeerPolicy(wildcard_allowed=terms.wildcard_allowed)
    return TurnServer(
        terms.address,
        TlsSettings(
            service_name=terms.name,
            anchors=terms.anchors,
            judge=make_judge(policy),
            policy_id=policy_id(policy, terms.anchors),
            wall_time=wall_time,
        ),
        terms.user,
        terms.password,
    )
