"""`python -m tests.phone.line.redraw` (with firmware/ on the path) draws firmware/docs/line.md."""

from __future__ import annotations

from pathlib import Path

from offhook.phone.line.drawing import redrawn

PAGE = Path(__file__).parents[3] / "firmware" / "docs" / "line.md"

if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text()))
