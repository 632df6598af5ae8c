"""What is looked at before and after the rows are decided, whichever method it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pyarrow as pa

from wattline.contracts.flux.errors import Refusal, invalid_preferences
from wattline.contracts.flux.relation import Edit, Relation
from wattline.contracts.flux.syntax.prefer import Preferences
from wattline.contracts.flux.write.model import Request
from wattline.contracts.flux.write.payload import Payload, parse


def payload_of(request: Request) -> Payload:
    """What the body says; it is told to be wrong before the relation's name is. Raises `Refusal` as `parse` does."""
    relation = request.relations.by_name.get(request.name)
    kind = None if relation is None else relation.type
    return parse(request.body, request.content_type, request.query.columns, kind, request.options.most_rows)


def relation_of(request: Request) -> Relation:
    """The relation. Raises `Refusal` PGRST122 for preferences that are to be known and are not, PGRST205."""
    if request.preferences.handling == "strict" and request.preferences.unknown:
        raise invalid_preferences(request.preferences.unknown)
    return request.relations.named(request.name)


def single(request: Request, rows: int) -> None:
    """Raise `Refusal` PGRST116 where one object is wanted and there is not one row."""
    if request.singular and rows != 1:
        raise Refusal(406, "PGRST116", "Cannot coerce the result to a single JSON object", f"The result contains {rows} rows")


def few_enough(request: Request, rows: int) -> None:
    """Raise `Refusal` PGRST124 where more rows are affected than `max-affected` allows; only `handling=strict` asks for it."""
    most = request.preferences.max_affected
    if request.preferences.handling == "strict" and most is not None and rows > most:
        raise Refusal(
            400, "PGRST124", "Query result exceeds max-affected preference constraint", f"The query affects {rows} rows"
        )


async def represented(request: Request, rows: pa.Table) -> Any:
    """The answer's shape of the rows, where they are asked for."""
    if not request.returns_rows or request.represent is None:
        return None
    return await request.represent(rows)


async def commit(request: Request, relation: Relation, edit: Edit) -> None:
    """Do it, unless nothing is to be done, or all is to be undone."""
    tables = (edit.inserted, edit.old, edit.deleted)
    if rolls_back(request) or not any(table is not None and table.num_rows for table in tables):
        return
    # Whoever is cancelled meanwhile still holds the turn until what is to be seen of the commit can be seen.
    done = asyncio.ensure_future(relation.commit(request.caller.tenant, edit))
    try:
        await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise


def rolls_back(request: Request) -> bool:
    """Whether `tx=rollback` was said and is heeded."""
    return request.options.rollback and request.preferences.transaction == "rollback"


def applied(request: Request, *ignored: str) -> Preferences:
    """The preferences but for those that mean nothing here."""
    said = request.preferences
    if not request.options.rollback:
        ignored = (*ignored, "transaction")
    if said.handling != "strict":
        ignored = (*ignored, "max_affected")
    return replace(said, unknown=(), **dict.fromkeys(ignored))
