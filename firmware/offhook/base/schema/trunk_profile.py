"""What one trunk asks of the phone: a named set of terms, with an account's changes on top."""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Final, Literal

from offhook.base.schema.section import Defect, Section, key, table
from offhook.base.schema.walker import walk

DigestAlgorithm = Literal["SHA-512-256", "SHA-256", "MD5"]
SuiteName = Literal[
    "AEAD_AES_256_GCM",
    "AEAD_AES_128_GCM",
    "AES_256_CM_HMAC_SHA1_80",
    "AES_CM_128_HMAC_SHA1_80",
    "AES_256_CM_HMAC_SHA1_32",
    "AES_CM_128_HMAC_SHA1_32",
]
KeyingName = Literal["sdes", "dtls-srtp", "zrtp"]
MinimumName = Literal["hop by hop", "end to end"]
CodecName = Literal["opus", "G722", "PCMA", "PCMU"]
PacketTime = Literal[10, 20, 30, 40, 60]

GENERIC: Final = "generic"


class TrunkProfile(Section, frozen=True):
    """The terms of one trunk. An account names a profile, and may change single keys of it."""

    profile: Annotated[
        str,
        key(
            "The built-in profile that the other keys of this table change.",
            example="generic",
            expects="a built-in trunk profile's name",
        ),
    ] = GENERIC
    description: Annotated[
        str, key("What this trunk is, for a person.", example="House exchange, own CA")
    ] = ""
    digest: Annotated[
        tuple[DigestAlgorithm, ...],
        key(
            "Digest algorithms that may answer a challenge (RFC 8760); of those offered the "
            "strongest is taken. MD5 lets a recorded answer be guessed quickly: only where the "
            "trunk can do nothing else.",
            example=["SHA-256"],
            min_length=1,
        ),
    ] = ("SHA-512-256", "SHA-256")
    keyings: Annotated[
        tuple[KeyingName, ...],
        key(
            "How a call may get its keys: SDES (RFC 4568), DTLS-SRTP (RFC 5763), ZRTP (RFC 6189). "
            "All of them are offered at once; a trunk known to have SDES alone is asked for that "
            "alone.",
            example=["sdes"],
            min_length=1,
        ),
    ] = ("sdes", "dtls-srtp", "zrtp")
    minimum: Annotated[
        MinimumName,
        key(
            "What protects every call at the least. With SDES and DTLS-SRTP whoever carries the "
            "signalling could listen: that is hop by hop. End to end takes ZRTP, and a call to or "
            "from a telephone without it is refused; only an emergency call takes less.",
            example="end to end",
        ),
    ] = "hop by hop"
    suites: Annotated[
        tuple[SuiteName, ...],
        key(
            "SRTP suites that SDES offers and accepts, the preferred one first (RFC 4568, "
            "RFC 6188, RFC 7714).",
            example=["AES_CM_128_HMAC_SHA1_80"],
            min_length=1,
        ),
    ] = (
        "AEAD_AES_256_GCM",
        "AEAD_AES_128_GCM",
        "AES_256_CM_HMAC_SHA1_80",
        "AES_CM_128_HMAC_SHA1_80",
    )
    short_tags: Annotated[
        bool,
        key(
            "Let `suites` name those ending in _32: of their packets one forgery in 2^32 passes. "
            "Only where the trunk can do nothing else.",
            example=True,
        ),
    ] = False
    codecs: Annotated[
        tuple[CodecName, ...],
        key(
            "Voice codecs offered and accepted, the preferred one first; one whose library is "
            "not installed is left out.",
            example=["PCMA"],
            min_length=1,
        ),
    ] = ("opus", "G722", "PCMA", "PCMU")
    ptime_ms: Annotated[
        PacketTime,
        key(
            "Milliseconds of speech in one packet that we ask for, and send where the peer has no "
            "other wish (a=ptime). Opus has no packet of 30: it sends 20 then.",
            example=40,
        ),
    ] = 20
    opus_bitrate: Annotated[
        int,
        key(
            "Bits in a second of Opus speech, its forward error correction included (RFC 6716 "
            "§2.1.1); less where the peer asks for less.",
            example=24000,
            ge=6000,
            le=510_000,
        ),
    ] = 48_000
    opus_complexity: Annotated[
        int,
        key(
            "How much computing Opus may take for better sound, 0 to 10 (RFC 6716 §2.1.5).",
            example=3,
            ge=0,
            le=10,
        ),
    ] = 5
    rtcp_mux: Annotated[
        bool,
        key("Offer RTP and RTCP on one port (RFC 5761); a peer may decline.", example=False),
    ] = True
    wildcard_certificate: Annotated[
        bool,
        key(
            "Accept a certificate whose left-most label is a wildcard. RFC 5922 §7.2 forbids it; "
            "some large trunks have nothing else. Shown in every report.",
            example=True,
        ),
    ] = False
    register_expires_s: Annotated[
        int,
        key(
            "Seconds for which a registration is asked; the registrar may shorten it.",
            example=600,
            ge=60,
            le=86400,
        ),
    ] = 3600
    ping_interval_s: Annotated[
        int,
        key(
            "Longest time in seconds between two keep-alive pings on the TLS flow; each is drawn "
            "from 80 to 100 % of it (RFC 5626 §4.4.1).",
            example=30,
            ge=15,
            le=840,
        ),
    ] = 120

    pong_required: Annotated[
        bool,
        key(
            "Give a flow up at the first ping that is not answered (RFC 5626 §4.4.1). Left at "
            "false, a server is held to its pongs once it has sent one: some never do.",
            example=True,
        ),
    ] = False

    @classmethod
    def shape(cls, raw: object) -> object | Defect:
        """A name stands for the built-in profile; a table changes the profile that it names."""
        if isinstance(raw, str):
            return _terms("", raw)
        changes = table(raw)
        if changes is None:
            return Defect("", raw, "a profile's name or a table", 'Write trunk = "generic".')
        name = changes.get("profile", GENERIC)
        if not isinstance(name, str):
            return raw
        terms = _terms("profile", name)
        return terms if isinstance(terms, Defect) else {**terms, **changes}

    def check(self) -> Iterator[Defect]:
        """No list names a thing twice, and what is demanded can be had."""
        for name in ("digest", "keyings", "suites", "codecs"):
            listed = getattr(self, name)
            if len(set(listed)) < len(listed):
                yield Defect(name, listed, "each name once", "Take the second one out.")
        short = [name for name in self.suites if name.endswith("_32")]
        if short and not self.short_tags:
            yield Defect(
                "suites",
                self.suites,
                "suites with full tags",
                f"Take {short[0]} out, or write short_tags = true.",
            )
        if self.minimum == "end to end" and "zrtp" not in self.keyings:
            yield Defect(
                "minimum",
                self.minimum,
                "what the keyings can reach",
                'Only ZRTP is end to end: put "zrtp" into keyings.',
            )


def builtin_names() -> tuple[str, ...]:
    """The names of the profiles that come with Offhook, sorted."""
    folder = resources.files(__package__) / "trunks"
    return tuple(
        sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if "." in each.name)
    )


def builtin_profile(name: str) -> TrunkProfile:
    """The built-in profile `name`. Raises LocalError (DocumentInvalid) if there is none."""
    return walk(TrunkProfile, name)


@functools.cache
def _document(name: str) -> dict[str, object]:
    text = (resources.files(__package__) / "trunks" / f"{name}.toml").read_text("utf-8")
    return {"profile": name, **tomllib.loads(text)}


def _terms(where: str, name: str) -> dict[str, object] | Defect:
    known = builtin_names()
    if name in known:
        return _document(name)
    nearest = difflib.get_close_matches(name, known, n=1)
    remedy = f'Did you mean "{nearest[0]}"?' if nearest else f'Write for instance "{GENERIC}".'
    return Defect(where, name, f"one of the trunk profiles {', '.join(known)}", remedy)
