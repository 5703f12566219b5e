"""JsSIP for the lab's page: fetched by npm as the lock has it, put into one script.

The lock names every package with its hash; what npm unpacks are CommonJS modules, which a browser
takes when each is a function of `module`, `exports` and `require`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

LOCK: Final = Path(__file__).parent / "browser" / "package-lock.json"
_REQUIRED: Final = re.compile(r"""\brequire\(\s*['"]([^'"]+)['"]\s*\)""")
_REMEDY: Final = (
    "JsSIP, by npm from the registry that it is set up with: needed once, then kept in ~/.cache;"
    " another is named by npm_config_registry, its certificate by npm_config_cafile"
)
_LOADER: Final = """
(() => {
  const sources = {%s};
  const loaded = {};
  function load(name) {
    if (!(name in loaded)) {
      const module = loaded[name] = { exports: {} };
      const [names, body] = sources[name];
      body(module, module.exports, (wanted) => load(names[wanted]));
    }
    return loaded[name].exports;
  }
  globalThis.process = { env: {} };
  globalThis.global = globalThis;
  globalThis.JsSIP = load(%s);
})();
"""


class NotFetched(OSError):
    """npm could not fetch what the lock names."""


def script() -> Path:
    """The script that defines `JsSIP`; fetched once and kept in ~/.cache. Raises NotFetched."""
    lock = LOCK.read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offhook"
    made = cache / f"jssip-{_digest(lock + Path(__file__).read_bytes())}.js"
    if not made.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="jssip-", dir=cache) as name:
            folder = Path(name)
            shutil.copy(LOCK, folder)
            shutil.copy(LOCK.with_name("package.json"), folder)
            ran = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=folder,
                check=False,
                capture_output=True,
                text=True,
            )
            if ran.returncode:
                raise NotFetched(f"{_REMEDY}\n{ran.stderr.strip()}")
            whole = folder / "jssip.js"
            whole.write_text(bundled("jssip", folder / "node_modules"), encoding="utf-8")
            whole.rename(made)
    return made


def bundled(package: str, modules: Path) -> str:
    """One script out of a CommonJS package and all that it requires below `modules`."""
    modules = modules.resolve()
    entry = _entry(modules / package)
    sources: dict[Path, dict[str, Path]] = {}
    waiting = [entry]
    while waiting:
        file = waiting.pop()
        if file in sources:
            continue
        text = "" if file.suffix == ".json" else file.read_text(encoding="utf-8")
        sources[file] = {name: _resolved(name, file, modules) for name in _REQUIRED.findall(text)}
        waiting += sources[file].values()

    def named(file: Path) -> str:
        return json.dumps(str(file.relative_to(modules)))

    def names(required: dict[str, Path]) -> str:
        return json.dumps({name: str(file.relative_to(modules)) for name, file in required.items()})

    defined = ",\n".join(
        f"{named(file)}: [{names(required)}, (module, exports, require) => {{\n{_body(file)}\n}}]"
        for file, required in sources.items()
    )
    return _LOADER % (defined, named(entry))


def _body(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    return f"module.exports = {text};" if file.suffix == ".json" else text


def _resolved(name: str, wanting: Path, modules: Path) -> Path:
    if not name.startswith("."):
        return _entry(modules / name)
    beside = (wanting.parent / name).resolve()
    for candidate in (beside, beside.with_name(f"{beside.name}.js"), beside / "index.js"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"{wanting} requires {name}")


def _entry(package: Path) -> Path:
    """The module that a package is, in a browser."""
    described = json.loads((package / "package.json").read_text(encoding="utf-8"))
    main = described.get("browser") or described.get("main") or "index.js"
    return _resolved(f"./{main}", package / "package.json", package.parent)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
