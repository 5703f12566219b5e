"""What the emulated phone says of itself, as the picture of a handset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from offhook.base.vocabulary import CallView, HandsetView, Lamp, LampLook
from offhook.phone.line import lamps

LOOKS: Final = {each.name: each for each in vars(lamps).values() if isinstance(each, LampLook)}


def view_of(status: Mapping[str, Any]) -> HandsetView:
    """A view of `status` as the control socket has it; of a phone that isn't there, if empty."""
    if not status:
        return HandsetView(
            off_hook=False,
            ringing=False,
            digits="",
            ear="",
            lamps=(),
            muted=False,
            account="the phone isn't there",
        )
    phone, account = status["phone"], status["accounts"][0]
    failure = account["failure"] or {}
    registered = f"registered as {account['address'].removeprefix('sip:')}"
    return HandsetView(
        off_hook=phone["lifted"],
        ringing=phone["line"] == "ringing",
        digits="",
        ear=phone["line"] if phone["lifted"] else "",
        lamps=tuple(
            (lamp, LOOKS[look])
            for lamp in Lamp
            if (look := phone["lamps"].get(lamp.value)) in LOOKS
        ),
        muted=phone["muted"],
        account=registered if account["registered"] else str(failure.get("reason", "starting")),
        calls=tuple(_call(each) for each in phone["calls"]),
        sound=str(phone["sound"]["reason"] or ""),
    )


def _call(call: Mapping[str, Any]) -> CallView:
    return CallView(
        peer=call["peer"],
        incoming=call["direction"] == "incoming",
        state=call["state"],
        trust=call["trust"],
        reason="; ".join(call["reasons"]),
        suite=call["suite"] or "",
        held=call["held"],
        talked_s=call["talked_s"],
    )
