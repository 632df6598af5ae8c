"""PUT on one row, named by its primary key: insert it, or change it."""

from __future__ import annotations

from typing import Any

from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.syntax.ast import Condition, Window
from wattline.contracts.flux.values import literal
from wattline.contracts.flux.write import checks, grants, rows, upsert
from wattline.contracts.flux.write.model import Request, Written


async def put(request: Request) -> Written:
    """The row with this key has then what the payload says, whether it was there or not.

    With the row where it is asked for 201 for a new one and 200 for one that was there, otherwise 204. Raises `Refusal`.
    """
    if any(not path and window != Window() for path, window in request.query.windows):
        raise Refusal(400, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")
    sent = checks.payload_of(request)
    relation = checks.relation_of(request)
    given = rows.named(relation.type, sent)
    unique, key = _key(request, relation.type)
    grants.require(request, relation, "insert", "update", "select")
    grants.require_rows(request, relation, "update", "select")
    columns = await rows.typed(request, relation, given)
    if given.count != 1 or any(name not in columns or columns[name][0].as_py() != value for name, value in key.items()):
        raise Refusal(400, "PGRST115", "Payload values do not match URL in primary key column(s)")
    async with relation.turn:
        proposed = await rows.table(request, relation, columns, 1)
        decision = await upsert.merge(request, relation, unique, proposed, tuple(columns))
        representation = await checks.represented(request, decision.rows)
        await checks.commit(request, relation, decision.edit)
    return Written(
        status=(201 if decision.inserted else 200) if request.returns_rows else 204,
        rows=decision.rows,
        applied=checks.applied(request, "resolution", "missing", "max_affected"),
        content_range=None,
        inserted=decision.inserted,
        updated=1 - decision.inserted,
        representation=representation,
    )


def _key(request: Request, relation: RelationType) -> tuple[Unique, dict[str, Any]]:
    """The primary key and the values that the URL names. Raises `Refusal` PGRST105, and 22xxx for what is no value."""
    primary = relation.primary
    texts: dict[str, str] = {}
    for path, tree in request.query.filters:
        if path or not isinstance(tree, Condition) or not _names_value(tree) or tree.field.name not in relation.by_name:
            raise _not_the_key()
        name = relation.by_name[tree.field.name].name
        if name in texts:
            raise _not_the_key()
        texts[name] = tree.values[0]
    if primary is None or texts.keys() != set(primary.columns):
        raise _not_the_key()
    kinds = relation.by_name
    return primary, {name: literal.parse(kinds[name].type, text, request.now, request.zone) for name, text in texts.items()}


def _names_value(tree: Condition) -> bool:
    return tree.operator == "eq" and not tree.negated and tree.quantifier is None and not tree.field.path


def _not_the_key() -> Refusal:
    message = "Filters must include all and only primary key columns with 'eq' operators"
    return Refusal(405, "PGRST105", message)
