"""POST on a relation: insert, or upsert with a resolution."""

from __future__ import annotations

import pyarrow as pa

from wattline.contracts.flux.catalog import Unique
from wattline.contracts.flux.relation import Relation
from wattline.contracts.flux.values.render import print_text
from wattline.contracts.flux.write import checks, grants, rows, upsert
from wattline.contracts.flux.write.model import Request, Written


async def insert(request: Request) -> Written:
    """All objects of the payload become rows, or none does.

    201; with `resolution=merge-duplicates` 200 where no row is new. Raises `Refusal`.
    """
    sent = checks.payload_of(request)
    relation = checks.relation_of(request)
    given = rows.named(relation.type, sent)
    unique = upsert.arbiter(request, relation.type)
    _require(request, relation, unique)
    columns = await rows.typed(request, relation, given)
    async with relation.turn:
        proposed = await rows.table(request, relation, columns, given.count)
        decision = await decide(request, relation, unique, proposed, tuple(columns))
        affected = decision.rows.num_rows
        checks.single(request, affected)
        representation = await checks.represented(request, decision.rows)
        await checks.commit(request, relation, decision.edit)
    merges = unique is not None and request.preferences.resolution == "merge-duplicates"
    counted = "*" if request.preferences.count is None else str(affected)
    return Written(
        status=200 if merges and not decision.inserted else 201,
        rows=decision.rows,
        applied=checks.applied(request, "max_affected", *(() if unique is not None else ("resolution",))),
        content_range=f"*/{counted}",
        inserted=decision.inserted,
        updated=affected - decision.inserted,
        location=_location(request, relation, decision.rows),
        representation=representation,
    )


async def decide(
    request: Request, relation: Relation, unique: Unique | None, proposed: pa.Table, sent: tuple[str, ...]
) -> upsert.Decision:
    """What becomes of proposed rows; `sent` are the columns that the payload names."""
    if unique is None:
        return await upsert.insert_all(request, relation, proposed)
    # Without a column to set there is nothing that a conflict could change.
    if request.preferences.resolution == "ignore-duplicates" or not sent:
        return await upsert.ignore(request, relation, unique, proposed)
    return await upsert.merge(request, relation, unique, proposed, sent)


def _require(request: Request, relation: Relation, unique: Unique | None) -> None:
    """The grants; what the answer shows or a conflict looks at must be visible."""
    shows = request.returns_rows or (request.preferences.returning == "headers-only" and relation.type.primary is not None)
    grants.require(request, relation, "insert")
    if unique is not None and request.preferences.resolution == "merge-duplicates":
        grants.require(request, relation, "update", "select")
        grants.require_rows(request, relation, "update", "select")
    elif shows or unique is not None:
        grants.require(request, relation, "select")
        grants.require_rows(request, relation, "select")


def _location(request: Request, relation: Relation, affected: pa.Table) -> tuple[tuple[str, str], ...] | None:
    primary = relation.type.primary
    if request.preferences.returning != "headers-only" or primary is None or affected.num_rows != 1:
        return None
    return tuple(
        (name, print_text(affected.column(name).combine_chunks(), relation.type.by_name[name].type, request.zone)[0].as_py())
        for name in primary.columns
    )
