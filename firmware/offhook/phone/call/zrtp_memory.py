"""What this phone keeps for ZRTP: its ZID, and secrets by the ZID of each peer (RFC 6189 §4.9, §5).

A machine: the wall clock and whoever writes it down are handed in. All of it is one secret, since
with it somebody between the two phones could go on as the peer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.retained import Remembered
from offhook.protocols.media.keying_messages import ZrtpForget, ZrtpOwn, ZrtpRecall, ZrtpRetain

MOST_PEERS: Final = 100
"""The one who was met longest ago is forgotten first."""
ZID_OCTETS: Final = 12
_SECRET_OCTETS: Final = range(16, 129)


@dataclass(frozen=True, slots=True)
class _Peer:
    kept: Remembered
    met: float
    """Wall-clock time (s) of the last call with it."""


class ZrtpMemory:
    """The phone's own ZID and its peers, in the order in which they were met last.

    `wall` tells the time (Unix seconds); `keep` gets all of it whenever it has changed, and raises
    nothing. `words` and `keep_s` are as in ZrtpOwn.
    """

    def __init__(
        self,
        randomness: Randomness,
        wall: Callable[[], float],
        keep: Callable[[Secret], None] = lambda _all: None,
        *,
        words: bool = False,
        keep_s: int | None = None,
    ) -> None:
        self._randomness, self._wall, self._keep = randomness, wall, keep
        self._words, self._keep_s = words, keep_s
        self._zid = b""
        self._peers: dict[bytes, _Peer] = {}

    def read(self, kept: Secret | None) -> None:
        """Go on with what `keep` got in an earlier run; None: it is the first.

        Raises LocalError for anything else; it is then as in the first run.
        """
        self._zid, self._peers = b"", {}
        if kept is not None:
            self._zid, self._peers = _read(kept)

    @property
    def own(self) -> ZrtpOwn:
        """What the phone brings to a call; its ZID is made when it is asked for first."""
        if not self._zid:
            self._write()
        return ZrtpOwn(self._zid, self._words, self._keep_s)

    def recall(self, session: int, zid: bytes) -> ZrtpRecall:
        """The answer for ZrtpSecretsWanted: without what has expired."""
        peer = self._peers.pop(zid, None)
        if peer is None:
            return ZrtpRecall(session, zid)
        wall = self._wall()
        self._peers[zid] = replace(peer, met=wall)
        kept = peer.kept.at(wall)
        return ZrtpRecall(session, zid, kept.rs1, kept.rs2, kept.pbx, kept.verified)

    def retain(self, report: ZrtpRetain) -> None:
        """Keep it, in place of all but the PBX secret."""
        before = self._peers.pop(report.zid, None)
        wall = self._wall()
        kept = Remembered(
            report.rs1,
            report.rs2,
            None if before is None else before.kept.pbx,
            verified=report.verified,
            expires_at=None if report.lifetime_s is None else wall + report.lifetime_s,
        )
        self._peers[report.zid] = _Peer(kept, wall)
        while len(self._peers) > MOST_PEERS:
            del self._peers[next(iter(self._peers))]
        self._write()

    def forget(self, report: ZrtpForget) -> None:
        """Erase it, or let it be expired."""
        peer = self._peers.get(report.zid)
        if peer is None:
            return
        if report.expired:
            kept = replace(peer.kept, expires_at=self._wall())
            self._peers[report.zid] = replace(peer, kept=kept)
        else:
            del self._peers[report.zid]
        self._write()

    def erase(self) -> None:
        """Be as in the first run: nobody recognises this phone, nor does it recognise anybody."""
        self._zid, self._peers = b"", {}

    @property
    def peers(self) -> int:
        """How many are remembered."""
        return len(self._peers)

    def _write(self) -> None:
        if not self._zid:
            self._zid = self._randomness.octets(ZID_OCTETS)
        document = {
            "zid": self._zid.hex(),
            "peers": [_written(zid, peer) for zid, peer in self._peers.items()],
        }
        self._keep(Secret(json.dumps(document)))


def _written(zid: bytes, peer: _Peer) -> dict[str, object]:
    kept = peer.kept
    secrets = {"rs1": kept.rs1, "rs2": kept.rs2, "pbx": kept.pbx}
    return {
        "zid": zid.hex(),
        "met": peer.met,
        "verified": kept.verified,
        "expires_at": kept.expires_at,
        **{name: None if each is None else each.reveal().hex() for name, each in secrets.items()},
    }


def _read(kept: Secret) -> tuple[bytes, dict[bytes, _Peer]]:
    try:
        document = json.loads(kept.reveal())
        peers = [_peer(each) for each in document["peers"]][-MOST_PEERS:]
        return _octets(document["zid"], range(ZID_OCTETS, ZID_OCTETS + 1)), dict(peers)
    except (ValueError, KeyError, TypeError, RecursionError):
        # The text of the error may hold a secret.
        raise LocalError("what was kept of ZRTP peers can't be read") from None


def _peer(raw: Mapping[str, object]) -> tuple[bytes, _Peer]:
    expires_at = raw["expires_at"]
    kept = Remembered(
        _secret(raw["rs1"]),
        _secret(raw["rs2"]),
        _secret(raw["pbx"]),
        verified=raw["verified"] is True,
        expires_at=None if expires_at is None else _time(expires_at),
    )
    zid = _octets(raw["zid"], range(ZID_OCTETS, ZID_OCTETS + 1))
    return zid, _Peer(kept, _time(raw["met"]))


def _secret(raw: object) -> Secret | None:
    return None if raw is None else Secret(_octets(raw, _SECRET_OCTETS))


def _octets(raw: object, lengths: range) -> bytes:
    if not isinstance(raw, str):
        raise TypeError
    octets = bytes.fromhex(raw)
    if len(octets) not in lengths:
        raise ValueError
    return octets


def _time(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw < 1e11:
        raise ValueError
    return float(raw)
