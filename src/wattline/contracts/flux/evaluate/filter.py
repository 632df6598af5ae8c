"""Which rows of a table a filter keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.evaluate import documents, effort, search
from wattline.contracts.flux.evaluate.compare import always, among, compare
from wattline.contracts.flux.evaluate.pattern import compiled, match
from wattline.contracts.flux.evaluate.reference import resolve
from wattline.contracts.flux.expression import (
    Among,
    Both,
    Compare,
    Contains,
    Either,
    Embedded,
    Expression,
    Is,
    Match,
    Not,
    Search,
)

NONE: Mapping[str, pa.BooleanArray] = {}


def keep(table: pa.Table, expression: Expression | None, embedded: Mapping[str, pa.BooleanArray] = NONE) -> pa.Table:
    """The rows of which the whole is true. `embedded`: by an embedded relation, whether it has a row for each of these."""
    if expression is None or not table.num_rows:
        return table
    found = mask(table, expression, embedded)
    if found.null_count == 0 and found.true_count == table.num_rows:
        return table
    return table.filter(found)


def mask(table: pa.Table, expression: Expression, embedded: Mapping[str, pa.BooleanArray] = NONE) -> pa.BooleanArray:
    """True, false or null for each row. Refuses what would take far too long."""
    try:
        effort.check(table, expression)
        return _mask(table, expression, embedded)
    except RecursionError:
        raise _too_deep() from None


def check(expression: Expression) -> None:
    """Refuse what can be seen to be wrong without a row: patterns and full-text queries."""
    if isinstance(expression, Match):
        for pattern in expression.patterns:
            compiled(expression.operator, pattern)
    elif isinstance(expression, Search):
        search.parse(expression.kind, expression.query, expression.language)
    elif isinstance(expression, Not):
        check(expression.part)
    elif isinstance(expression, Both | Either):
        for part in expression.parts:
            check(part)


def _too_deep() -> Refusal:
    return sql(400, "54001", "stack depth limit exceeded", hint="Nest filters and JSON documents less deeply.")


def _mask(  # noqa: PLR0911 - one return a kind of expression
    table: pa.Table, expression: Expression, embedded: Mapping[str, pa.BooleanArray]
) -> pa.BooleanArray:
    match expression:
        case Compare(ref, operator, value):
            return compare(resolve(table, ref), ref.type, operator, value)
        case Among(ref, operator, values, every):
            return among(resolve(table, ref), ref.type, operator, values, every)
        case Match(ref, operator, patterns, every):
            return match(resolve(table, ref), operator, patterns, every)
        case Is(ref, what):
            return _is(resolve(table, ref), what)
        case Search(ref, kind, query, language):
            return search.search(resolve(table, ref), search.parse(kind, query, language))
        case Contains(ref, operator, value):
            return _contains(resolve(table, ref), operator, value)
        case Embedded(name):
            return embedded[name]
        case Not(part):
            return pc.invert(_mask(table, part, embedded))
        case Both(parts):
            return _joined(table, (_mask(table, part, embedded) for part in parts), every=True)
        case Either(parts):
            return _joined(table, (_mask(table, part, embedded) for part in parts), every=False)


def _joined(table: pa.Table, masks: Iterable[pa.BooleanArray], every: bool) -> pa.BooleanArray:
    join = pc.and_kleene if every else pc.or_kleene
    whole = None
    for mine in masks:
        whole = mine if whole is None else join(whole, mine)
    return always(table.num_rows, every) if whole is None else whole


def _is(column: pa.Array, what: str) -> pa.BooleanArray:
    match what:
        case "null" | "unknown":
            return pc.is_null(column)
        case "not_null":
            return pc.is_valid(column)
        case _:
            return pc.fill_null(pc.equal(column, pa.scalar(what == "true")), False)


def _contains(column: pa.Array, operator: str, value: str) -> pa.BooleanArray:
    wanted = documents.parse(value)

    def holds(text: str) -> bool:
        mine = documents.parse(text)
        return documents.contains(mine, wanted) if operator == "cs" else documents.contains(wanted, mine)

    return documents.distinct(column, holds, pa.bool_())
