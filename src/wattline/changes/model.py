"""What became of the rows of a table in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from wattline.model.errors import WattlineError

Kind = Literal["insert", "old", "new", "delete"]
"""`old` and `new` are the two sides of an update, row by row."""
Row: TypeAlias = tuple[Any, ...]
"""The values of a row in the order of its subject's columns: text, whole numbers, floats, truth values, None."""


@dataclass(frozen=True, slots=True)
class Change:
    """One commit to one table of one tenant. `subject` names the table; `position` (us) is greater than any before it."""

    tenant: str
    subject: str
    position: int
    inserted: Sequence[Row] = ()
    old: Sequence[Row] = ()
    new: Sequence[Row] = ()
    deleted: Sequence[Row] = ()

    @property
    def sides(self) -> tuple[tuple[Kind, Sequence[Row]], ...]:
        """The rows by kind, in the order in which they are written down."""
        return ("delete", self.deleted), ("old", self.old), ("new", self.new), ("insert", self.inserted)


class TooOld(WattlineError):
    """Changes after the given position have been forgotten; the present state has to be read instead."""
