"""DELETE on a relation."""

from __future__ import annotations

from wattline.contracts.flux.relation import Edit
from wattline.contracts.flux.write import checks, grants, matched
from wattline.contracts.flux.write.model import Request, Written


async def delete(request: Request) -> Written:
    """Delete the rows that the filters keep; the body is not looked at.

    200 with the rows where they are asked for, otherwise 204. Raises `Refusal`.
    """
    relation = checks.relation_of(request)
    where = matched.condition(request, relation)
    terms = matched.order(request, relation)
    grants.require(request, relation, "delete", *(("select",) if where is not None or request.returns_rows else ()))
    async with relation.turn:
        gone = matched.ordered(await matched.rows(request, relation, "delete", where), terms)
        checks.single(request, gone.num_rows)
        checks.few_enough(request, gone.num_rows)
        representation = await checks.represented(request, gone)
        await checks.commit(request, relation, Edit(deleted=gone))
    return Written(
        status=200 if request.returns_rows else 204,
        rows=gone,
        applied=checks.applied(request, "resolution", "missing"),
        content_range="*/*" if request.preferences.count is None else f"*/{gone.num_rows}",
        deleted=gone.num_rows,
        representation=representation,
    )
