"""New rows and the rows that are there: which are inserted, which change, which are left alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import sql
from wattline.contracts.flux.relation import Edit, Relation
from wattline.contracts.flux.write import keys
from wattline.contracts.flux.write.model import Request
from wattline.contracts.flux.write.violations import Violations, first_met, first_taken, stored


@dataclass(frozen=True, slots=True)
class Decision:
    """`rows` are those inserted or changed, as they become, in the order of the payload."""

    rows: pa.Table
    edit: Edit

    @property
    def inserted(self) -> int:
        """How many are new."""
        return 0 if self.edit.inserted is None else int(self.edit.inserted.num_rows)


def arbiter(request: Request, relation: RelationType) -> Unique | None:
    """The unique index whose conflicts are to be resolved; None where every conflict is refused.

    Without `on_conflict` it is the primary key. Raises `Refusal` 42703 for a column that is not there, 42P10 where no unique
    index has these columns.
    """
    if request.preferences.resolution is None:
        return None
    if request.query.on_conflict is None:
        return relation.primary
    for name in request.query.on_conflict:
        if name not in relation.by_name:
            raise sql(400, "42703", f'column "{name}" does not exist')
    named = {relation.by_name[name].name for name in request.query.on_conflict}
    for unique in relation.uniques:
        if named == set(unique.columns):
            return unique
    message = "there is no unique or exclusion constraint matching the ON CONFLICT specification"
    raise sql(400, "42P10", message)


async def insert_all(request: Request, relation: Relation, rows: pa.Table) -> Decision:
    """Every row is new. Raises `Refusal` 23502 and 23505."""
    violations = Violations(request, relation.type)
    violations.note_nulls(rows)
    for unique in relation.type.uniques:
        violations.note_key(unique, rows, await first_taken(request, relation, unique, rows))
    violations.check()
    return Decision(rows, Edit(inserted=rows))


async def ignore(request: Request, relation: Relation, unique: Unique, rows: pa.Table) -> Decision:
    """Rows whose key is taken are left out; of several with one key the first is kept. Raises `Refusal` 23502 and 23505."""
    violations = Violations(request, relation.type)
    violations.note_nulls(rows)
    there = (await stored(request, relation, unique, rows)).select(unique.columns)
    mine = rows.select(unique.columns)
    fresh: NDArray[np.bool_] = ~keys.repeated(mine) & (keys.places(mine, there) < 0)
    kept = rows if fresh.all() else rows.filter(pa.array(fresh))
    place = np.flatnonzero(fresh)
    for other in relation.type.uniques:
        if other is not unique:
            row = await first_taken(request, relation, other, kept)
            violations.note_key(other, rows, None if row is None else int(place[row]))
    violations.check()
    return Decision(kept, Edit(inserted=kept))


async def merge(request: Request, relation: Relation, unique: Unique, rows: pa.Table, sent: Collection[str]) -> Decision:
    """Rows whose key is taken change the row that has it, in the columns that were sent.

    Raises `Refusal` 23502, 23505, and 21000 where two rows have one key. As in PostgreSQL a row must be fit to be inserted,
    also where it changes another.
    """
    violations = Violations(request, relation.type)
    violations.note_nulls(rows)
    mine = rows.select(unique.columns)
    violations.note_twice(keys.first(keys.repeated(mine)))
    there = await stored(request, relation, unique, rows)
    place = keys.places(mine, there.select(unique.columns))
    updated = np.flatnonzero(place >= 0)
    if not len(updated):
        old, new, inserted, result = None, None, rows, rows
    else:
        old = there.take(pa.array(place[updated]))
        new = _changed(old, rows.take(pa.array(updated)), sent)
        inserted = rows.filter(pa.array(place < 0))
        order = np.empty(len(place), np.int64)
        order[np.concatenate([np.flatnonzero(place < 0), updated])] = np.arange(len(place))
        result = pa.concat_tables([inserted, new]).take(pa.array(order))
    for other in relation.type.uniques:
        if other is not unique:
            before = result.slice(0, 0) if old is None else old
            met = await first_met(request, relation, other, unique, result, before, updated.tolist())
            violations.note_key(other, result, met)
    violations.check()
    return Decision(result, Edit(inserted=inserted, old=old, new=new))


def _changed(old: pa.Table, proposed: pa.Table, sent: Collection[str]) -> pa.Table:
    return pa.table([(proposed if name in sent else old).column(name) for name in old.column_names], schema=old.schema)
