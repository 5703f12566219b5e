"""The demonstration's report for people."""

from __future__ import annotations

from typing import Any

from offhook_practice.speech import AUDIBLE, Likeness


def render(call: dict[str, Any], likeness: Likeness | None, reason: str) -> str:
    """What was secured and how, what it took, and whether the speech came back."""
    rows = [
        *_signalling(call.get("signalling")),
        *_media(call),
        *_times(call.get("timing_ms") or {}),
    ]
    if likeness is not None and likeness.correlation >= AUDIBLE:
        rows.append(("round trip", f"{likeness.delay_ms:.0f} ms from mouth to ear by the echo"))
        rows.append(("correlation", f"{likeness.correlation:.4f} of speech played and heard"))
    wide = max((len(name) for name, _ in rows), default=0)
    lines = [f"  {name:<{wide}}  {value}" for name, value in rows]
    if reason:
        lines.append(f"\nFAILED: {reason}")
    else:
        lines.append("\nOK: the speech went out and came back over an encrypted path.")
    return "\n".join(lines)


def _signalling(flow: dict[str, Any] | None) -> list[tuple[str, str]]:
    if flow is None:
        return [("signalling", "no verified connection")]
    resumed = ", resumed" if flow["resumed"] else ""
    return [
        ("handshake", f"{flow['tls_version']}{resumed}"),
        ("cipher", flow["cipher"]),
        ("group", flow["group"]),
        ("peer", f"{flow['peer_name']}, verified by its certificate ({flow['rule']})"),
    ]


def _media(call: dict[str, Any]) -> list[tuple[str, str]]:
    media, quality = call.get("media") or {}, call.get("quality") or {}
    rows = []
    if media.get("suite"):
        rows.append(("SRTP", f"{media['suite']}, keyed by {media['keying'].upper()}"))
        rows.append(("codec", media["codec"]))
        rows.append(("trust", f"{media['trust']}: {media['reasons'][0]}"))
    if quality:
        counts = ("sent", "received", "lost", "late", "rejected")
        rows.append(("packets", ", ".join(f"{quality[name]} {name}" for name in counts)))
    return rows


def _times(timing: dict[str, Any]) -> list[tuple[str, str]]:
    named = (
        ("TLS handshake", "tls"),
        ("registered after", "start_to_registered"),
        ("INVITE to 180", "invite_to_180"),
        ("INVITE to 200", "invite_to_200"),
        ("first voice sent", "answered_to_first_sent"),
        ("first voice heard", "answered_to_first_received"),
    )
    return [(name, f"{timing[key]:.1f} ms") for name, key in named if timing.get(key) is not None]
