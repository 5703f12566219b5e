"""Renders what the telephone says by espeak-ng: `python -m scripts.lib.render_prompts`.

The folder holds one WAV file per fragment, named by the hash of its text, voice, speed, the
synthesiser's version and this recipe's; and per language an index `en.json` that names them.
What is there already is not rendered again.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from offhook.base.schema.prompt_language import (
    PromptLanguage,
    prompt_language,
    prompt_languages,
    read_prompt_language,
)
from offhook.phone.prompts.fragments import texts, word_texts

FOLDER: Final = Path(__file__).parents[2] / ".cache" / "prompts"
SYNTHESISER: Final = "espeak-ng"
RECIPE: Final = 1
"""To be raised with every change of what is done to the synthesiser's samples."""
RATE: Final = 16000
LEVEL_DBOV: Final = -22.0
"""Mean power of what is spoken (ITU-T G.100.1's dBov); speech on a line has about this."""
PEAK: Final = 0.9
SILENT: Final = 0.01
"""Part of the peak below which begin and end are cut away."""
MARGIN_MS: Final = 10

Samples = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class NotRendered(Exception):
    """A fragment can't be rendered; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Work:
    """One fragment: its text, how it is spoken, and the file that it goes to."""

    text: str
    voice: str
    words_per_minute: int
    file: Path


def version() -> str:
    """The synthesiser's version. Raises NotRendered where there is none."""
    try:
        told = subprocess.run(
            [SYNTHESISER, "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotRendered(f"{SYNTHESISER} doesn't run ({error}): apt install espeak-ng") from None
    found = re.search(r"\d+(\.\d+)+\S*", told)
    return found[0] if found else told.strip()


def render(
    languages: Iterable[PromptLanguage],
    folder: Path = FOLDER,
    begun: Callable[[int], None] = lambda _count: None,
) -> int:
    """Render what is missing of `languages` and write their indexes; how many were rendered.

    `begun` is told how many there are to be before it begins.
    """
    folder.mkdir(parents=True, exist_ok=True)
    speaks, english = version(), prompt_language("en")
    missing: dict[Path, Work] = {}
    indexes: dict[str, dict[str, object]] = {}
    for language in languages:
        files = {}
        spoken = [(name, text, language) for name, text in texts(language).items()]
        spoken += [(name, text, english) for name, text in word_texts().items()]
        for name, text, speaker in spoken:
            work = _work(text, speaker, speaks, folder)
            files[name] = work.file.name
            if not work.file.is_file():
                missing[work.file] = work
        indexes[language.language] = {
            "language": language.language,
            "voice": language.voice,
            "synthesiser": f"{SYNTHESISER} {speaks}",
            "rate": RATE,
            "fragments": files,
        }
    begun(len(missing))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        for _ in workers.map(_render, missing.values()):
            pass
    for tag, index in indexes.items():
        text = json.dumps(index, indent=1, sort_keys=True) + "\n"
        _put(folder / f"{tag}.json", text.encode())
    return len(missing)


def prune(folder: Path = FOLDER) -> int:
    """Remove the sounds that no index names; how many they were."""
    named = {
        file
        for index in folder.glob("*.json")
        for file in json.loads(index.read_text())["fragments"].values()
    }
    stale = [each for each in folder.glob("*.wav") if each.name not in named]
    for each in stale:
        each.unlink()
    return len(stale)


def _work(text: str, language: PromptLanguage, speaks: str, folder: Path) -> Work:
    terms = (text, language.voice, language.words_per_minute, SYNTHESISER, speaks, RECIPE, RATE)
    digest = hashlib.sha256(json.dumps(terms).encode()).hexdigest()[:32]
    return Work(text, language.voice, language.words_per_minute, folder / f"{digest}.wav")


def _render(work: Work) -> None:
    speed = str(work.words_per_minute)
    done = subprocess.run(
        [SYNTHESISER, "-v", work.voice, "-s", speed, "--stdin", "--stdout"],
        input=work.text.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode or len(done.stdout) < 100:
        told = done.stderr.decode("utf-8", "replace").strip()
        raise NotRendered(f"{work.text!r} in {work.voice}: {told or done.returncode}")
    with wave.open(io.BytesIO(done.stdout)) as sound:
        rate = sound.getframerate()
        raw = np.frombuffer(done.stdout[44:], np.int16).astype(np.float64) / 32768
    spoken = _levelled(_cut(soxr.resample(raw, rate, RATE, "VHQ"), work.text))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((spoken * 32767).round().astype(np.int16).tobytes())
    _put(work.file, buffer.getvalue())


def _cut(samples: Samples, text: str) -> Samples:
    """Without the silence before and after; the ends fade over the margin that is left."""
    peak = float(np.abs(samples).max(initial=0.0))
    loud = np.flatnonzero(np.abs(samples) > SILENT * peak)
    if peak < 0.001 or not len(loud):
        raise NotRendered(f"{text!r} came out silent")
    margin = RATE * MARGIN_MS // 1000
    cut = np.pad(samples, margin)[loud[0] : loud[-1] + 2 * margin].copy()
    ramp = np.linspace(0, 1, margin)
    cut[:margin] *= ramp
    cut[-margin:] *= ramp[::-1]
    return cut


def _levelled(samples: Samples) -> Samples:
    """At LEVEL_DBOV over the windows of 20 ms in which something is said, below PEAK."""
    width = RATE // 50
    windows = np.pad(samples, (0, -len(samples) % width)).reshape(-1, width)
    powers = (windows**2).mean(axis=1)
    active = powers[powers > powers.max() / 1000].mean()
    gain = np.sqrt(10 ** (LEVEL_DBOV / 10) / active)
    levelled: Samples = samples * min(gain, PEAK / np.abs(samples).max())
    return levelled


def _put(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it finds all of it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _tell(count: int) -> None:
    if count:
        print(f"prompts: {count} to be rendered", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Render every language that comes with Offhook, or those of the files named."""
    parser = argparse.ArgumentParser("render_prompts", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--prune", action="store_true", help="remove sounds that no index names")
    parser.add_argument("files", nargs="*", type=Path, help="further languages as TOML files")
    chosen = parser.parse_args(arguments)
    languages = [prompt_language(tag) for tag in prompt_languages()]
    languages += [read_prompt_language(each.read_text("utf-8")) for each in chosen.files]
    try:
        rendered = render(languages, chosen.folder, _tell)
    except NotRendered as error:
        print(f"render_prompts: {error}", file=sys.stderr)
        return 1
    removed = prune(chosen.folder) if chosen.prune else 0
    tags = ", ".join(each.language for each in languages)
    print(f"prompts: {tags}: {rendered} rendered, {removed} removed in {chosen.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
