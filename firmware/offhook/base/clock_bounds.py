"""Between which dates a clock can be right, for all who are told the time."""

from __future__ import annotations

from typing import Final

RELEASED: Final = 1_793_491_200.0
"""Unix time (2026-11-01): it can't be earlier than this version of the code."""

LATEST: Final = 4_102_444_800.0
"""Unix time (2100-01-01): beyond it is damage, and would expire every certificate."""
