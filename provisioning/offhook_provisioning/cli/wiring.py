"""offhook-provision wiring: how a telephone is wired by its hardware profile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from offhook.base.schema.hardware_profile import read_hardware_profile
from offhook_provisioning.cli.command import Anywhere
from offhook_provisioning.fleet.outcome import Outcome
from offhook_provisioning.wiring import plan
from offhook_provisioning.wiring.drawing import draw
from offhook_provisioning.workspace.disk import Disk, read


def wiring(
    ask: Anywhere,  # noqa: ARG001  its options
    profile: Annotated[
        Path, typer.Argument(help="A hardware profile, such as board/profiles/keypad-3x4.toml.")
    ],
    svg: Annotated[Path | None, typer.Option(help="Write the diagram to this file.")] = None,
) -> Outcome:
    """Wiring diagram, pin table, parts and warnings of a hardware profile."""
    outcome = Outcome()
    found = read_hardware_profile(read(profile))
    outcome.say(f"{found.name}: {found.description}")
    rows = plan.pin_table(found)
    outcome.say("\nPin  GPIO  Wire")
    for row in rows:
        way = f" through {row['through']}" if row["through"] else ""
        outcome.say(
            f"{row['position']:>3}  {row['gpio']:>4}  {row['part']}, {row['wire']}{way}"
            f" → {row['to']}"
        )
    bill = plan.bill_of_materials(found)
    outcome.say("\nParts")
    for count, what in bill:
        outcome.say(f"{count:>3}  {what}")
    for each in plan.warnings(found):
        outcome.warn(each)
    if svg is not None:
        changed = Disk().write(svg, draw(found).encode())
        outcome.say(f"\ndiagram {'written to' if changed else 'is in'} {svg}", changed=changed)
    outcome.data["pins"] = rows
    outcome.data["parts"] = [{"count": count, "what": what} for count, what in bill]
    return outcome
