"""PATCH on a relation: the same values for every row that the filters keep."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from wattline.contracts.flux.evaluate import sort
from wattline.contracts.flux.expression import Expression
from wattline.contracts.flux.relation import Edit, Relation
from wattline.contracts.flux.write import checks, grants, matched, rows
from wattline.contracts.flux.write.model import Request, Written
from wattline.contracts.flux.write.violations import Violations, first_moved


async def update(request: Request) -> Written:
    """Set what the first object of the payload has; of nothing, nothing changes.

    200 with the rows where they are asked for, otherwise 204. Raises `Refusal`.
    """
    sent = checks.payload_of(request)
    relation = checks.relation_of(request)
    given = rows.named(relation.type, sent.first)
    where = matched.condition(request, relation)
    terms = matched.order(request, relation)
    grants.require(request, relation, "update", *(("select",) if where is not None or request.returns_rows else ()))
    columns = await rows.typed(request, relation, given)
    async with relation.turn:
        old = await _matching(request, relation, where, bool(columns))
        new = _set(old, columns)
        await _check(request, relation, old, new, columns)
        if terms:
            places = sort.positions(new, terms)
            old, new = old.take(places), new.take(places)
        checks.single(request, new.num_rows)
        checks.few_enough(request, new.num_rows)
        representation = await checks.represented(request, new)
        await checks.commit(request, relation, Edit(old=old, new=new))
    return Written(
        status=200 if request.returns_rows else 204,
        rows=new,
        applied=checks.applied(request, "resolution"),
        content_range=_content_range(new.num_rows, request.preferences.count is not None),
        updated=new.num_rows,
        representation=representation,
    )


async def _matching(request: Request, relation: Relation, where: Expression | None, changes: bool) -> pa.Table:
    if not changes:
        return relation.type.schema.empty_table()
    return await matched.rows(request, relation, "update", where)


def _set(old: pa.Table, values: Mapping[str, pa.Array]) -> pa.Table:
    """The rows with one value for each of these columns."""
    if not old.num_rows:
        return old
    columns = [pa.repeat(values[name][0], old.num_rows) if name in values else old.column(name) for name in old.column_names]
    return pa.table(columns, schema=old.schema)


async def _check(request: Request, relation: Relation, old: pa.Table, new: pa.Table, values: Mapping[str, pa.Array]) -> None:
    if not old.num_rows:
        return
    violations = Violations(request, relation.type)
    violations.note_nulls(new)
    for unique in relation.type.uniques:
        if not values.keys().isdisjoint(unique.columns):
            violations.note_key(unique, new, await first_moved(request, relation, unique, old, new))
    violations.check()


def _content_range(rows: int, counted: bool) -> str:
    total = str(rows) if counted else "*"
    return f"0-{rows - 1}/{total}" if rows else f"*/{total}"
