"""Writes the schemas beside this file: `python -m offhook.app.schemas`."""

import json
from pathlib import Path

from offhook.app.control_lines import watch_schema
from offhook.app.report import REPORTS, schema

for name, made in {**{name: schema(name) for name in REPORTS}, "watch": watch_schema()}.items():
    path = Path(__file__).with_name(f"{name}.schema.json")
    path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
