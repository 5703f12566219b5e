"""Header fields: an ordered multi-map (RFC 3261 §7.3, compact forms §7.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.protocols.sip.grammar import split_list
from offhook.protocols.sip.header_names import NAMES_OF_LISTS, canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Headers:
    """Header fields in their order. Names are case-insensitive and known in canonical form."""

    __slots__ = ("_fields",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(canonical_name(name), value) for name, value in items]

    @classmethod
    def of_canonical(cls, fields: list[tuple[str, str]]) -> Headers:
        """Headers that take over `fields`, whose names are canonical already."""
        headers = cls.__new__(cls)
        headers._fields = fields
        return headers

    def get(self, name: str) -> str | None:
        """The value of the first field `name`, or None."""
        wanted = canonical_name(name)
        for known, value in self._fields:
            if known == wanted:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """The value of each field `name`, in order, comma lists as they stand."""
        wanted = canonical_name(name)
        return [value for known, value in self._fields if known == wanted]

    def values(self, name: str) -> list[str]:
        """All values of `name`; comma lists are split for the names that are lists by grammar.

        Raises PeerError 400 for a list with an unclosed quotation mark or angle bracket.
        """
        fields = self.all(name)
        if canonical_name(name) not in NAMES_OF_LISTS:
            return fields
        return [element for field in fields for element in split_list(field)]

    def add(self, name: str, value: str) -> None:
        """Append a field after all others."""
        self._fields.append((canonical_name(name), value))

    def prepend(self, name: str, value: str) -> None:
        """Put a field before all others, as a Via or Record-Route is pushed."""
        self._fields.insert(0, (canonical_name(name), value))

    def set(self, name: str, value: str) -> None:
        """Make `value` the only field `name`, at the place of the first one if there was one."""
        wanted = canonical_name(name)
        for index, (known, _) in enumerate(self._fields):
            if known == wanted:
                rest = [field for field in self._fields[index + 1 :] if field[0] != wanted]
                self._fields[index:] = [(wanted, value), *rest]
                return
        self._fields.append((wanted, value))

    def remove(self, name: str) -> None:
        """Drop every field `name`; none is no error."""
        wanted = canonical_name(name)
        self._fields = [field for field in self._fields if field[0] != wanted]

    def remove_first(self, name: str) -> None:
        """Drop the first field `name`; none is no error."""
        wanted = canonical_name(name)
        for index, (known, _) in enumerate(self._fields):
            if known == wanted:
                del self._fields[index]
                return

    def copy(self) -> Headers:
        """A copy that can be changed on its own."""
        return Headers.of_canonical(self._fields.copy())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Headers({[name for name, _ in self._fields]})"
