"""[media] becomes what ICE may use, in the engine's words."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.fields import split_host_port
from offhook.base.schema.media_settings import STUN_PORT, TURNS_PORT, Media, Turn
from offhook.base.vocabulary import PathAddress
from offhook.protocols.media.path_messages import IceTerms, TurnTerms
from offhook.shells.store.settings_file import TrustFiles
from offhook.shells.store.vault import Vault

MOST_ANCHORS: Final = 8192
"""Octets of a relay's CA certificates: they go to the engine with every call."""


def ice_terms(media: Media, files: TrustFiles, vault: Vault) -> IceTerms | None:
    """What the settings let ICE use, None without ICE.

    Raises LocalError where the relay's password can't be had or its certificates are too many.
    """
    if not media.ice:
        return None
    stun, turn = media.stun_server, media.turn
    return IceTerms(
        stun_server=None if stun is None else _address(stun, STUN_PORT),
        turn_server=None if turn is None else _relay(turn, files, vault),
        local_names=media.local_names,
    )


def _relay(turn: Turn, files: TrustFiles, vault: Vault) -> TurnTerms:
    anchors = files.relay_anchors or files.anchors
    if sum(map(len, anchors)) > MOST_ANCHORS:
        raise LocalError(
            f"the CA certificates for the relay are more than {MOST_ANCHORS} octets: "
            "name the one of its own CA in media.turn.anchors"
        )
    return TurnTerms(
        address=_address(turn.server, TURNS_PORT),
        name=turn.name,
        anchors=anchors,
        user=turn.user,
        password=vault.fetch(turn.password),
    )


def _address(text: str, port: int) -> PathAddress:
    host, given = split_host_port(text)
    return PathAddress(host, given or port)
