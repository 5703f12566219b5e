"""Writes the schemas beside this file: `python -m offhook.app.schemas`."""

import json
from pathlib import Path

from offhook.app.report import REPORTS, schema

for name in REPORTS:
    path = Path(__file__).with_name(f"{name}.schema.json")
    path.write_text(json.dumps(schema(name), indent=2) + "\n", encoding="utf-8")
