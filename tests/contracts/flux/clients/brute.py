"""What a filter means, row by row in plain Python: three-valued logic over values as JSON brought them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import Any
from uuid import UUID

import numpy as np

Truth = bool | None


class Kind(Enum):
    """How the values of a column are compared."""

    FLOAT = auto()
    WHOLE = auto()
    TIME = auto()
    UUID = auto()
    TEXT = auto()
    TRUTH = auto()
    JSON = auto()


@dataclass(frozen=True)
class Operand:
    """A column, or what a path finds in a column of JSON."""

    name: str
    kind: Kind
    key: str | None = None

    @property
    def written(self) -> str:
        """As a query names it."""
        return self.name if self.key is None else f"{self.name}->{'>' if self.kind is Kind.TEXT else ''}{self.key}"

    def of(self, row: Mapping[str, Any]) -> Any:
        """Its value in a row, ready to be compared; None where there is none."""
        found = row[self.name]
        if found is None:
            return None
        if self.key is None:
            return VALUES[self.kind](found)
        if self.key not in found:
            return None
        found = found[self.key]
        if self.kind is Kind.JSON:
            return _document(found)
        return None if found is None else found if isinstance(found, str) else _printed(found)


@dataclass(frozen=True)
class Condition:
    """One comparison; `values` are literals as they are written, one for all operators but `in` and those with a modifier."""

    operand: Operand
    operator: str
    values: tuple[str, ...]
    modifier: str | None = None
    negated: bool = False

    def holds(self, row: Mapping[str, Any]) -> Truth:
        """Whether it is true of a row."""
        found = self._plain(self.operand.of(row))
        return _not(found) if self.negated else found

    def _plain(self, value: Any) -> Truth:
        if self.operator == "is":
            return _is(value, self.values[0])
        literals = [LITERALS[self.operand.kind](text) for text in self.values]
        if self.operator == "isdistinct":
            return value != literals[0]
        if self.operator == "in" and not literals:
            return False
        if value is None:
            return None
        test = OPERATORS["eq" if self.operator == "in" else self.operator]
        found = [test(value, literal) for literal in literals]
        return all(found) if self.modifier == "all" else any(found)


@dataclass(frozen=True)
class Group:
    """All or any of its parts."""

    any: bool
    parts: tuple[Condition | Group, ...]
    negated: bool = False

    def holds(self, row: Mapping[str, Any]) -> Truth:
        """Whether it is true of a row."""
        found = _either([part.holds(row) for part in self.parts], self.any)
        return _not(found) if self.negated else found


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _either(truths: Sequence[Truth], any_of: bool) -> Truth:
    if any_of in truths:
        return any_of
    return None if None in truths else not any_of


def _is(value: Any, word: str) -> bool:
    if word in ("null", "unknown"):
        return value is None
    return value is not None if word == "not_null" else value is (word == "true")


def _float(found: float | str) -> tuple[bool, float]:
    """A NaN is equal to itself and greater than every number."""
    value = float(np.float32(float(found)))
    return (True, 0.0) if math.isnan(value) else (False, value)


def _time(found: str) -> datetime:
    value = datetime.fromisoformat(found)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _truth(found: bool | str) -> bool:
    return found if isinstance(found, bool) else found.lower() in ("t", "true", "yes", "on", "1", "y")


def _document(found: Any) -> tuple[int, Any]:
    """A scalar of jsonb by its order: null, then texts, numbers and truths."""
    if found is None:
        return (0, 0)
    if isinstance(found, bool):
        return (3, found)
    return (1, found) if isinstance(found, str) else (2, Decimal(str(found)))


def _printed(found: Any) -> str:
    return str(found).lower() if isinstance(found, bool) else str(found)


def _literal_document(text: str) -> tuple[int, Any]:
    named = {"null": None, "true": True, "false": False}
    if text in named:
        return _document(named[text])
    return _document(text[1:-1] if text.startswith('"') else Decimal(text))


def _like(value: str, pattern: str, flags: int = 0) -> bool:
    """`*` stands for `%`; a backslash takes the meaning from what follows it."""
    found, escaped = "", False
    for letter in pattern.replace("*", "%"):
        if escaped or letter not in "%_\\":
            found, escaped = found + re.escape(letter), False
        elif letter == "\\":
            escaped = True
        else:
            found += ".*" if letter == "%" else "."
    return re.fullmatch(found, value, flags | re.DOTALL) is not None


VALUES: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.FLOAT: _float,
    Kind.WHOLE: int,
    Kind.TIME: _time,
    Kind.UUID: UUID,
    Kind.TEXT: str,
    Kind.TRUTH: _truth,
    Kind.JSON: _document,
}
LITERALS: Mapping[Kind, Callable[[str], Any]] = {**VALUES, Kind.JSON: _literal_document}
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, literal: value == literal,
    "neq": lambda value, literal: value != literal,
    "gt": lambda value, literal: value > literal,
    "gte": lambda value, literal: value >= literal,
    "lt": lambda value, literal: value < literal,
    "lte": lambda value, literal: value <= literal,
    "like": _like,
    "ilike": lambda value, literal: _like(value, literal, re.IGNORECASE),
    "match": lambda value, literal: re.search(literal, value) is not None,
    "imatch": lambda value, literal: re.search(literal, value, re.IGNORECASE) is not None,
}
