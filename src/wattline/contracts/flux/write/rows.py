"""From a payload to rows of a relation: names to columns, values to their types, defaults where nothing was sent."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Column, Default, RelationType
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.relation import Numbered, Relation
from wattline.contracts.flux.values import payload as values
from wattline.contracts.flux.write.identifiers import random_uuids
from wattline.contracts.flux.write.model import Request
from wattline.contracts.flux.write.payload import Payload, Values
from wattline.contracts.flux.write.plain import MISSING


def named(relation: RelationType, payload: Payload) -> Payload:
    """The payload by the columns' own names.

    Raises `Refusal` PGRST204 for a key that is no column, 42701 where two keys are names of one column.
    """
    unknown = min((key for key in payload.values if key not in relation.by_name), default=None)
    if unknown is not None:
        message = f"Could not find the '{unknown}' column of '{relation.name}' in the schema cache"
        raise Refusal(400, "PGRST204", message)
    names = {key: relation.by_name[key].name for key in payload.values}
    found: dict[str, Values] = {}
    for key, given in payload.values.items():
        if names[key] in found:
            raise sql(400, "42701", f'column "{names[key]}" specified more than once')
        found[names[key]] = given
    return Payload(payload.count, found, frozenset(names[key] for key in payload.partial))


async def typed(request: Request, relation: Relation, payload: Payload) -> dict[str, pa.Array]:
    """The columns of a payload, as they are held.

    An object that lacks a key has null there, or with `missing=default` the column's default.
    Raises `Refusal` 22xxx for the first object with a value that is none of its column's type.
    """
    found: dict[str, pa.Array] = {}
    for name, given in payload.values.items():
        column = relation.type.by_name[name]
        try:
            array = _read(request, column, given, name in payload.partial)
        except Refusal as refusal:
            raise _first_refused(request, relation.type, payload) or refusal from None
        if name in payload.partial and request.preferences.missing == "default":
            missing = pa.array([value is MISSING for value in given])
            array = pc.replace_with_mask(array, missing, await default(request, relation, column, missing.true_count))
        found[name] = array
    return found


def _read(request: Request, column: Column, given: Values, partial: bool) -> pa.Array:
    if isinstance(given, pa.Array):
        return given
    sent = [None if value is MISSING else value for value in given] if partial else given
    return values.column(column, sent, request.now, request.zone)


def _first_refused(request: Request, relation: RelationType, payload: Payload) -> Refusal | None:
    """What is wrong with the first object with a wrong value: PostgreSQL reads object by object, and we by column."""
    first: Refusal | None = None
    rows = payload.count
    for column in relation.columns:
        given = payload.values.get(column.name, ())[:rows]
        partial = column.name in payload.partial
        if _refusal(request, column, given, partial) is not None:
            rows = 0
            while len(given) > 1:
                half = len(given) // 2
                if _refusal(request, column, given[:half], partial) is None:
                    rows += half
                    given = given[half:]
                else:
                    given = given[:half]
            first = _refusal(request, column, given, partial)
    return first


def _refusal(request: Request, column: Column, given: Values, partial: bool) -> Refusal | None:
    try:
        _read(request, column, given, partial)
    except Refusal as refusal:
        return refusal
    return None


async def default(request: Request, relation: Relation, column: Column, count: int) -> pa.Array:
    """What a column has in `count` rows that do not name it."""
    match column.default:
        case Default.NULL:
            return pa.nulls(count, column.type.arrow)
        case Default.UUID:
            return random_uuids(count, request.options.random)
        case Default.NOW:
            return pa.array(np.full(count, request.now, np.int64))
        case Default.TRUE:
            return pa.array(np.ones(count, np.bool_))
        case Default.SEQUENCE:
            if not isinstance(relation, Numbered):
                raise TypeError(f"{relation.type.name} has no numbers for {column.name}")
            return pa.array(await relation.next_values(request.caller.tenant, count), column.type.arrow)


async def table(request: Request, relation: Relation, given: Mapping[str, pa.Array], count: int) -> pa.Table:
    """Rows with every column, in the relation's order."""
    columns = [
        given[column.name] if column.name in given else await default(request, relation, column, count)
        for column in relation.type.columns
    ]
    return pa.table(columns, schema=relation.type.schema)
