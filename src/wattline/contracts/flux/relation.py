"""What every relation can do, whatever it is made of. The implementations are in `relations`."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.expression import Expression, Sort

ALIKE = 0.75
"""How like a name must be to be hinted at, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a reader wants of a relation.

    `columns` are the names it will look at; others need not come. `where` is the whole filter (None: every row): a relation may
    use any part of it to read less, and the reader applies it in full. Rows come in the order of `order` where the relation can
    (`Scan.ordered`). `most` rows that match are enough, where they come in order.
    """

    columns: frozenset[str]
    where: Expression | None = None
    order: tuple[Sort, ...] = ()
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """Tables with at least the needed columns, which are read as they are asked for. `ordered`: they follow `Need.order`."""

    tables: AsyncIterator[pa.Table]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to become of a relation, all of it or nothing. Tables have every column; `old` and `new` go row by row."""

    inserted: pa.Table | None = None
    old: pa.Table | None = None
    new: pa.Table | None = None
    deleted: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class TableChange:
    """What was committed, told on the bus as "flux" in the order of the commits.

    `position` (us) is that of the commit: greater than that of every commit before it.
    """

    tenant: str
    relation: str
    position: int
    edit: Edit


class Relation(Protocol):
    """One relation of every tenant.

    Who writes holds `turn` from the first look at what is there to the end of `commit`, so that no two decisions cross.
    """

    type: RelationType
    turn: asyncio.Lock

    def scan(self, tenant: str, need: Need) -> Scan:
        """The rows of the tenant, as far as `need` wants them."""
        ...

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """The rows, with every column, whose key is among `keys` (a table of the key's columns)."""
        ...

    async def commit(self, tenant: str, edit: Edit) -> None:
        """Do all of it; on return it is durable and will be seen by the next read. Then it is published."""
        ...

    def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        """What was committed after a position, oldest first: of a row that changed several times at least its newest state.

        Raises `Refusal` where the past is not kept that far back.
        """
        ...


@runtime_checkable
class Numbered(Protocol):
    """A relation with a column whose default is a sequence."""

    async def next_values(self, tenant: str, count: int) -> Sequence[int]:
        """Numbers that nobody was given before; they are not given out again, whatever becomes of the rows they are for.

        Raises `Refusal` 2200H where the sequence has come to its end.
        """
        ...


@dataclass(frozen=True, slots=True)
class Relations:
    """The relations of the contract by name."""

    by_name: dict[str, Relation] = field(default_factory=dict)

    def names(self) -> Sequence[str]:
        """All of them."""
        return sorted(self.by_name)

    def named(self, name: str) -> Relation:
        """The one of a name. Raises `Refusal` PGRST205, with the name that is most like it as a hint."""
        found = self.by_name.get(name)
        if found is None:
            close = difflib.get_close_matches(name, self.names(), 1, ALIKE)
            hint = f"Perhaps you meant the table 'flux.{close[0]}'" if close else None
            raise Refusal(404, "PGRST205", f"Could not find the table 'flux.{name}' in the schema cache", hint=hint)
        return found
