"""Constraints that rows break, and which of them PostgreSQL tells of: the first row's, nulls before keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.evaluate.reference import whole
from wattline.contracts.flux.relation import Relation
from wattline.contracts.flux.values import constraint
from wattline.contracts.flux.write import keys
from wattline.contracts.flux.write.model import Request


@dataclass(slots=True)
class Violations:
    """What is wrong with rows. It is noted in the order in which PostgreSQL checks one row; `check` raises the first row's."""

    request: Request
    relation: RelationType
    _found: list[tuple[int, Callable[[], Refusal | None]]] = field(default_factory=list)

    def note_nulls(self, rows: pa.Table) -> None:
        """23502: nulls where none may be."""
        first = min(_first_nulls(self.relation, rows), default=None)
        if first is not None:
            self._found.append(
                (first, lambda: constraint.null_violation(self.relation, rows.slice(first, 1), self.request.zone))
            )

    def note_key(self, unique: Unique, rows: pa.Table, row: int | None) -> None:
        """23505: a row whose key is taken."""
        if row is not None:
            self._found.append((row, lambda: constraint.duplicate(unique, rows, self.relation, row, self.request.zone)))

    def note_twice(self, row: int | None) -> None:
        """21000: a row that changes what another one has inserted or changed."""
        if row is not None:
            self._found.append((row, _twice))

    def check(self) -> None:
        """Raise `Refusal` for the first row with something wrong, if there is one."""
        if self._found:
            _, tell = min(self._found, key=itemgetter(0))
            refusal = tell()
            if refusal is not None:
                raise refusal


def _first_nulls(relation: RelationType, rows: pa.Table) -> Iterable[int]:
    for column in relation.columns:
        held = rows.column(column.name)
        if not column.nullable and held.null_count:
            yield int(whole(held).is_null().index(True).as_py())


def _twice() -> Refusal:
    return sql(
        500,
        "21000",
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
        hint="Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
    )


async def stored(request: Request, relation: Relation, unique: Unique, rows: pa.Table) -> pa.Table:
    """The rows that are there under the keys of these."""
    wanted = rows.select(unique.columns)
    if any(column.null_count for column in wanted.columns):
        wanted = wanted.drop_null()
    if not wanted.num_rows:
        return relation.type.schema.empty_table()
    found = await relation.find(request.caller.tenant, unique, wanted)
    return found.select(relation.type.schema.names)


async def first_taken(request: Request, relation: Relation, unique: Unique, rows: pa.Table) -> int | None:
    """The first new row whose key an earlier one has, or one that is there."""
    mine = rows.select(unique.columns)
    there = await stored(request, relation, unique, rows)
    return keys.first(keys.repeated(mine) | (keys.places(mine, there.select(unique.columns)) >= 0))


async def first_moved(request: Request, relation: Relation, unique: Unique, old: pa.Table, new: pa.Table) -> int | None:
    """The first of changed rows whose new key another one has, of these or of those that stay as they are.

    All rows are given the same values, so a key that one of them leaves is never one that another comes to.
    """
    mine = new.select(unique.columns)
    there = (await stored(request, relation, unique, new)).select(unique.columns)
    stays = keys.places(there, old.select(unique.columns)) < 0
    return keys.first(keys.repeated(mine) | (keys.places(mine, there.filter(pa.array(stays))) >= 0))


async def first_met(
    request: Request,
    relation: Relation,
    unique: Unique,
    arbiter: Unique,
    rows: pa.Table,
    before: pa.Table,
    updated: Sequence[int],
) -> int | None:
    """The first row of an upsert that takes a key from another: one row after the other, as they free and take keys.

    `rows` are as they are to become; `before` are, for each of the places `updated`, as they were.
    """
    there = await stored(request, relation, unique, rows)
    owners = dict(zip(_tuples(there, unique), _owners(there, arbiter, "held"), strict=True))
    left = dict(zip(updated, _tuples(before, unique), strict=True))
    for row, (key, owner) in enumerate(zip(_tuples(rows, unique), _owners(rows, arbiter, "sent"), strict=True)):
        if None in key:
            continue
        if owners.get(key, owner) != owner:
            return row
        if row in left:
            owners.pop(left[row], None)
        owners[key] = owner
    return None


def _owners(rows: pa.Table, arbiter: Unique, kind: str) -> list[tuple[object, ...]]:
    """What tells rows apart: the arbiter's key, or where there is a null in it, which row of which kind it is."""
    return [(None, kind, row) if None in key else key for row, key in enumerate(_tuples(rows, arbiter))]


def _tuples(rows: pa.Table, unique: Unique) -> list[tuple[object, ...]]:
    return list(zip(*(rows.column(name).to_pylist() for name in unique.columns), strict=True))
