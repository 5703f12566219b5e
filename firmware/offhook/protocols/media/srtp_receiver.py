"""Receiving SRTP without the library: index, replay, identifier (RFC 3711 §3.3, RFC 4568 §6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from offhook.base.errors import PeerError
from offhook.protocols.keying.srtp_keys import MOST_PACKETS, CryptoLine
from offhook.protocols.media.srtp_index import ReplayWindow, estimate_index
from offhook.protocols.media.srtp_transform import RTCP_HEADER, RTP_HEADER, Transform

REPLAYED: Final = "replay check failed"


class TransformReceiver:
    """Checks and decrypts under one key, by the transform of our own.

    A source that was heard under an earlier key is first taken to go on from there with its
    roll-over counter (RFC 3711 §3.3.1), then to have begun anew (RFC 4568 §7.1.4): whichever
    authenticates holds. Likewise a key's identifier: peers were seen that announce one and
    don't send it, so the first authentic packet settles whether it is there.
    """

    __slots__ = ("_earlier", "_identified", "_keys", "_reports", "_sources", "_transform")

    def __init__(
        self,
        keys: CryptoLine,
        transform: Transform,
        earlier: Mapping[bytes, int] | None = None,
    ) -> None:
        self._keys = keys
        self._transform = transform
        self._earlier = dict(earlier or {})
        self._sources: dict[bytes, ReplayWindow] = {}
        self._reports: dict[bytes, ReplayWindow] = {}
        self._identified: bool | None = None if keys.mki else False

    def unprotect(self, datagram: bytes) -> bytes:
        """The RTP packet inside."""
        source = datagram[8:RTP_HEADER]
        sequence = datagram[2] << 8 | datagram[3]
        window = self._sources.get(source)
        if window is not None and self._identified is False:
            return self._open(datagram, estimate_index(window.highest, sequence), window)
        if window is None:
            window = ReplayWindow()
            indices = self._first_indices(source, sequence)
        else:
            indices = [estimate_index(window.highest, sequence)]
        refusal = PeerError("SRTP: the packet lacks its master key identifier")
        for form, identified in self._forms(datagram, self._keys.suite.tag_length):
            for index in indices:
                try:
                    packet = self._open(form, index, window)
                except PeerError as why:
                    refusal = why
                    continue
                self._sources[source] = window
                self._identified = identified
                return packet
        raise refusal

    def _first_indices(self, source: bytes, sequence: int) -> list[int]:
        """What the first packet's index may be: gone on from the key before, or begun anew."""
        continued = estimate_index(self._earlier.get(source, -1), sequence)
        return [continued] if continued == sequence else [continued, sequence]

    def _open(self, datagram: bytes, index: int, window: ReplayWindow) -> bytes:
        if index >= MOST_PACKETS or not window.is_new(index):
            raise PeerError(f"SRTP: {REPLAYED}")
        packet = self._transform.unprotect(datagram, index)
        window.add(index)
        return packet

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The compound RTCP packet inside."""
        source = datagram[4:RTCP_HEADER]
        window = self._reports.get(source) or ReplayWindow()
        refusal = PeerError("SRTCP: the packet lacks its master key identifier")
        for form, identified in self._forms(datagram, self._keys.suite.rtcp_tag_length):
            try:
                index = self._transform.rtcp_index(form)
                if not window.is_new(index):
                    raise PeerError(f"SRTCP: {REPLAYED}")  # noqa: TRY301  told as the other one
                packet = self._transform.unprotect_rtcp(form)
            except PeerError as why:
                refusal = why
                continue
            window.add(index)
            self._reports[source] = window
            self._identified = identified
            return packet
        raise refusal

    def _forms(self, datagram: bytes, tag: int) -> list[tuple[bytes, bool]]:
        """The packet as it may be without its identifier, and whether one was taken from it."""
        mki = self._keys.mki
        forms = []
        if self._identified is not False:
            end = len(datagram) - (0 if self._keys.suite.aead else tag)
            if datagram[end - len(mki) : end] == mki:
                forms.append((datagram[: end - len(mki)] + datagram[end:], True))
        if not self._identified:
            forms.append((datagram, False))
        return forms

    def highest(self) -> dict[bytes, int]:
        """The highest index of each source so far."""
        return {source: window.highest for source, window in self._sources.items()}
