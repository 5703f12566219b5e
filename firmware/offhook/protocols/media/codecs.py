"""Which voice codecs there are, which of them work here, and how one is made of what was agreed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from offhook.base.errors import LocalError
from offhook.base.vocabulary import AudioCodec, PcmFormat
from offhook.protocols.media import g722, opus
from offhook.protocols.media.codec import Codec
from offhook.protocols.media.g711 import G711

PERIOD_MS: Final = 20
"""Of capture and playout, whatever the packets hold."""


_OPUS: Final = opus.OpusTerms()


class Kind(NamedTuple):
    """One codec: its terms in `a=rtpmap`, how it is made for a peer's `a=fmtp`, what it lacks."""

    name: str
    clock_rate: int
    channels: int
    pcm_rate: int
    make: Callable[[str | None, opus.OpusTerms], Codec]
    missing: Callable[[], str | None] = lambda: None


KINDS: Final = {
    kind.name.upper(): kind
    for kind in (
        Kind(
            "opus",
            48000,
            2,
            48000,
            lambda parameters, terms: opus.Opus(terms.wished(parameters)),
            opus.missing,
        ),
        Kind("G722", 8000, 1, 16000, lambda *_: g722.G722Codec(), g722.missing),
        Kind("PCMA", 8000, 1, 8000, lambda *_: G711("PCMA")),
        Kind("PCMU", 8000, 1, 8000, lambda *_: G711("PCMU")),
    )
}
"""By name in capitals, for names are compared in any case (RFC 4855 §3)."""


def available_codecs() -> dict[str, str | None]:
    """Every codec that the phone knows: None where it works here, else what is missing."""
    return {kind.name: kind.missing() for kind in KINDS.values()}


def playable(names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that can be offered here, in their order."""
    return tuple(name for name in names if KINDS[name.upper()].missing() is None)


def kind_of(codec: AudioCodec) -> Kind:
    """LocalError where it is none of ours, or its library is missing."""
    kind = KINDS.get(codec.encoding.upper())
    if kind is None or (kind.clock_rate, kind.channels) != (codec.clock_rate, codec.channels):
        raise LocalError(f"{codec.encoding}/{codec.clock_rate} is not a codec of this phone")
    reason = kind.missing()
    if reason is not None:
        raise LocalError(f"{kind.name} can't be used: {reason}")
    return kind


def make_codec(
    codec: AudioCodec,
    parameters: str | None = None,
    opus_terms: opus.OpusTerms = _OPUS,
) -> Codec:
    """A codec with a fresh state; `parameters` is the peer's `a=fmtp` value, None if not known.

    `opus_terms` is what we like, within which its wishes are met. LocalError as `kind_of`.
    """
    return kind_of(codec).make(parameters, opus_terms)


def pcm_format(codec: AudioCodec) -> PcmFormat:
    """What capture takes and playout gives with this codec. LocalError as `kind_of`."""
    return PcmFormat(rate=kind_of(codec).pcm_rate, period_ms=PERIOD_MS)
