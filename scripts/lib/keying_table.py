"""The table of firmware/docs/trust.md out of what the real telephones agreed on.

    OFFHOOK_KEYING_TABLE=firmware/docs/data/keyings.json scripts/test interop
    python -m scripts.lib.keying_table

The interop stage writes its rows only where every test has passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).parents[2] / "firmware" / "docs"
ROWS: Final = DOCS / "data" / "keyings.json"
PAGE: Final = DOCS / "trust.md"
BEGINS, ENDS = "<!-- table begins -->", "<!-- table ends -->"

_HEAD: Final = (
    "| With | Who called | Keys by | Suite | Trust | Both send after, ms | Heard after, ms |",
    "|---|---|---|---|---|---|---|",
)
_KEYINGS: Final = {"dtls": "dtls-srtp"}
"""As Offhook calls what a peer's own calls are noted by."""


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as Markdown, in their order: times in ms after the 200.

    A peer's calls with its own kind have no trust that Offhook could state.
    """
    return "\n".join((*_HEAD, *map(_row, rows)))


def filled(page: str, content: str) -> str:
    """The page with `content` between its marks. ValueError where it has none."""
    before, after = page.index(BEGINS) + len(BEGINS), page.index(ENDS)
    return f"{page[:before]}\n\n{content}\n\n{page[after:]}"


def _row(row: Mapping[str, Any]) -> str:
    told = (
        row["peer"],
        row["direction"],
        _KEYINGS.get(row["keying"], row["keying"]),
        row["suite"],
        row.get("trust", ""),
        _ms(row["keyed_after_ms"]),
        _ms(row.get("answered_to_first_received_ms")),
    )
    return f"| {' | '.join(told)} |"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(), table(json.loads(ROWS.read_text()))))
