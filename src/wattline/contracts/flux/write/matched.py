"""The rows that PATCH and DELETE are about."""

from __future__ import annotations

import pyarrow as pa

from wattline.contracts.flux import binding
from wattline.contracts.flux.caller import Verb
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate.filter import check, keep
from wattline.contracts.flux.evaluate.sort import positions
from wattline.contracts.flux.expression import Both, Expression, Sort
from wattline.contracts.flux.relation import Need, Relation
from wattline.contracts.flux.write import grants
from wattline.contracts.flux.write.model import Request


def condition(request: Request, relation: Relation) -> Expression | None:
    """The filters of the relation's own columns, bound; None where every row is meant. Raises `Refusal`."""
    trees = [tree for path, tree in request.query.filters if not path]
    parts = tuple(binding.condition(relation.type, tree, request.now, request.zone) for tree in trees)
    for part in parts:
        check(part)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Both(parts)


def order(request: Request, relation: Relation) -> tuple[Sort, ...]:
    """The order of the affected rows, as far as it is one of the relation's own columns. Raises `Refusal`."""
    terms = next((terms for path, terms in request.query.orders if not path), ())
    if any(term.relation is not None for term in terms):
        return ()
    return tuple(binding.sort(relation.type, term) for term in terms)


async def rows(request: Request, relation: Relation, verb: Verb, where: Expression | None) -> pa.Table:
    """The rows that the filters keep and the caller may touch, with every column.

    Raises `Refusal` PT413 where they are more than one request may change.
    """
    looks = where is not None or request.returns_rows
    if not grants.visible(request, relation, verb, *(("select",) if looks else ())):
        return relation.type.schema.empty_table()
    names = relation.type.schema.names
    found = [relation.type.schema.empty_table()]
    count = 0
    tables = relation.scan(request.caller.tenant, Need(frozenset(names), where)).tables
    try:
        async for part in tables:
            kept = keep(part, where)
            count += kept.num_rows
            if count > request.options.most_rows:
                raise _too_many(request.options.most_rows)
            if kept.num_rows:
                found.append(kept.select(names))
    finally:
        # A scan that is left halfway holds what it reads from.
        close = getattr(tables, "aclose", None)
        if close is not None:
            await close()
    return pa.concat_tables(found).combine_chunks()


def ordered(rows: pa.Table, terms: tuple[Sort, ...]) -> pa.Table:
    """The rows in an order."""
    return rows.take(positions(rows, terms)) if terms else rows


def _too_many(most: int) -> Refusal:
    hint = "Narrow the filter, and change the rows in several requests."
    return Refusal(413, "PT413", f"The request would change more than {most} rows", hint=hint)
