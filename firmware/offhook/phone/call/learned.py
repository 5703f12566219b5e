"""What calls have taught of trunks and peers: the form of offer that worked, suites that don't.

A machine: the wall clock and whoever writes it down are handed in. It only chooses between what the
account's policy allows anyway, so that what is lost or wrong in it costs an attempt and no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError

FORM_LASTS_S: Final = 90 * 86400.0
SUITE_LASTS_S: Final = 86400.0
"""A suite that was broken is tried again after a day."""
MOST_FORMS: Final = 64
MOST_SUITES: Final = 32
LONGEST: Final = 256
"""Characters of a name; what is longer isn't kept."""

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Form:
    form: str
    until: float


class Learned:
    """By account: which form of offer each peer took, and which suites proved to be broken.

    `wall` tells the time (Unix seconds); `keep` gets the whole document whenever it has changed,
    and raises nothing.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        keep: Callable[[dict[str, object]], None] = lambda _document: None,
    ) -> None:
        self._wall, self._keep = wall, keep
        self._forms: dict[_Key, _Form] = {}
        self._suites: dict[_Key, float] = {}

    def form(self, account: str, peer: str) -> str | None:
        """The form that `peer` took last, if that is not long ago."""
        known = self._forms.get((account, peer))
        return known.form if known is not None and self._lasts(known.until) else None

    def latest_form(self, account: str) -> str | None:
        """The form that anybody took last by this account."""
        forms = [
            each.form
            for (name, _), each in self._forms.items()
            if name == account and self._lasts(each.until)
        ]
        return forms[-1] if forms else None

    def worked(self, account: str, peer: str, form: str) -> None:
        """`peer` took this form."""
        before = self._forms.pop((account, peer), None)
        if len(peer) > LONGEST:
            return
        self._forms[account, peer] = _Form(form, self._wall() + FORM_LASTS_S)
        _shorten(self._forms, MOST_FORMS)
        if before is None or before.form != form or not self._lasts(before.until - 86400.0):
            self._write()

    def failed(self, account: str, peer: str) -> None:
        """It took what was remembered no more."""
        if self._forms.pop((account, peer), None) is not None:
            self._write()

    def broken_suites(self, account: str) -> frozenset[str]:
        """Suites under which nothing was authentic lately."""
        return frozenset(
            suite
            for (name, suite), until in self._suites.items()
            if name == account and self._wall() < until <= self._wall() + SUITE_LASTS_S
        )

    def broke(self, account: str, suite: str) -> None:
        """Nothing was authentic under this suite."""
        self._suites.pop((account, suite), None)
        self._suites[account, suite] = self._wall() + SUITE_LASTS_S
        _shorten(self._suites, MOST_SUITES)
        self._write()

    def erase(self) -> None:
        """Know nothing, as in the first run."""
        self._forms, self._suites = {}, {}

    def to_document(self) -> dict[str, object]:
        """Strings, numbers and lists, for a store."""
        return {
            "forms": [[*key, each.form, each.until] for key, each in self._forms.items()],
            "suites": [[*key, until] for key, until in self._suites.items()],
        }

    def read(self, document: object) -> None:
        """Go on with what was kept. Raises LocalError for anything else, and knows nothing then."""
        self.erase()
        if not isinstance(document, Mapping):
            raise LocalError("what was learned of peers is a table")
        forms = _rows(document.get("forms", []), 4, MOST_FORMS)
        suites = _rows(document.get("suites", []), 3, MOST_SUITES)
        self._forms = {(a, peer): _Form(form, until) for (a, peer, form), until in forms}
        self._suites = {(a, suite): until for (a, suite), until in suites}

    def _lasts(self, until: float) -> bool:
        """A time too far ahead is a clock's fault."""
        return self._wall() < until <= self._wall() + FORM_LASTS_S

    def _write(self) -> None:
        self._keep(self.to_document())


def _shorten(table: dict[_Key, _Form] | dict[_Key, float], most: int) -> None:
    while len(table) > most:
        del table[next(iter(table))]


def _rows(raw: object, width: int, most: int) -> list[tuple[tuple[str, ...], float]]:
    if not isinstance(raw, list) or len(raw) > most:
        raise LocalError(f"what was learned of peers are at most {most} rows")
    found = []
    for row in raw:
        if not isinstance(row, list) or len(row) != width:
            raise LocalError(f"a row of what was learned has {width} values")
        *names, until = row
        texts = tuple(each for each in names if isinstance(each, str) and len(each) <= LONGEST)
        if len(texts) < width - 1 or type(until) not in {int, float} or not math.isfinite(until):
            raise LocalError("a row of what was learned has names and a time")
        found.append((texts, float(until)))
    return found
