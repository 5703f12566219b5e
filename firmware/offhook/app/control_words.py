"""Lines of the control socket for a person: one line of text for each."""

from __future__ import annotations

from offhook.app import control_events as on
from offhook.app.control_lines import ErrorLine, Line, StatusLine
from offhook.app.control_report import CallPart, EndedCall
from offhook.app.render import plain
from offhook.app.report import AccountStatus, StatusReport


def words(line: Line) -> str:
    """What a line says."""
    return plain(_words(line))


def _words(line: Line) -> str:  # noqa: C901, PLR0911  one case for each kind of line
    match line:
        case StatusLine(status=status):
            return _status(status)
        case ErrorLine(error=error):
            return f"error: {error}"
        case on.AccountRegistered() | on.AccountConnected() | on.AccountUnregistered():
            return _account(line.account)
        case on.AccountGone(name=name):
            return f"account {name} is gone"
        case on.LineChanged(line=name):
            return f"line: {name}"
        case on.CallOver(call=over):
            return _over(over)
        case on.TrustChanged(before=before, call=call):
            changed = f"{before} → {_trust(call)}" if before != call.trust else _trust(call)
            return f"trust of the call {_who(call)}: {changed}{_compare(call)}"
        case on.CallArrived(call=call):
            return f"call arrived: {_who(call)}"
        case on.CallPlaced(call=call):
            return f"call placed: {_who(call)}"
        case on.CallAnswered(call=call):
            return f"call answered: {_who(call)}, {call.suite or 'no suite'}, {call.codec or '?'}"
        case on.CallChanged(call=call):
            return f"call {_who(call)}: {_state(call)}"
        case _:
            return _aside(line)


def _aside(line: Line) -> str:
    match line:
        case on.MuteChanged(muted=muted):
            return "muted" if muted else "no longer muted"
        case on.VolumesChanged(volumes=volumes):
            return f"volume: ear {volumes.ear}, bell {volumes.ring}"
        case on.LampChanged(lamp=lamp, look=look):
            return f"lamp {lamp}: {look or 'none'}"
        case on.SoundFound(sound=sound):
            return f"sound card: {sound.name or sound.state}"
        case on.SoundLost(sound=sound):
            return f"sound card lost: {sound.reason or 'for no known reason'}"
        case on.MessagesChanged(messages=messages):
            return f"messages waiting: {'not known' if messages is None else messages}"
        case on.LevelsMeasured(mouth_db=mouth, ear_db=ear):
            return f"levels: mouth {mouth:.0f} dB, ear {ear:.0f} dB"
    return ""


def lasted(seconds: float) -> str:
    """A length of time: 0:07, 12:34, 1:02:03."""
    minutes, s = divmod(int(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


def _status(status: StatusReport) -> str:
    told = [_account(each) for each in status.accounts]
    phone = status.phone
    if phone is not None:
        told.append(f"line: {phone.line}")
        told += [
            f"call {_who(call)}: {_state(call)}, {_trust(call)}{_compare(call)}"
            for call in phone.calls
        ]
        if phone.muted:
            told.append("muted")
        if phone.sound.state == "lost":
            told.append("sound card lost")
    return "; ".join(told)


def _account(account: AccountStatus) -> str:
    if account.registered:
        flow = account.signalling
        over = "" if flow is None else f" ({flow.tls_version}, {flow.cipher}, {flow.peer_name})"
        return f"account {account.name}: registered as {account.address}{over}"
    if account.failure is not None:
        return f"account {account.name}: not registered: {account.failure.reason}"
    return f"account {account.name}: connected"


def _who(call: CallPart | EndedCall) -> str:
    return f"{'from' if call.direction == 'incoming' else 'to'} {call.peer}"


def _state(call: CallPart) -> str:
    return f"{call.state}{', held' if call.held else ''}"


def _trust(call: CallPart | EndedCall) -> str:
    return f"{call.trust} ({call.reasons[0]})" if call.reasons else call.trust


def _compare(call: CallPart) -> str:
    sas = call.sas
    return "" if sas is None or sas.verified else f"; compare {sas.text}"


def _over(call: EndedCall) -> str:
    outcome = call.outcome or "outcome not known"
    reason = f": {call.reason}" if call.reason else ""
    talked = f", {lasted(call.talked_s)}" if call.talked_s else ""
    return f"call over: {_who(call)}, {outcome}{reason}{talked}, trust {_trust(call)}"
