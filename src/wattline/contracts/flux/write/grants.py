"""What a caller may write, as the database's grants and row-level policies say."""

from __future__ import annotations

from wattline.contracts.flux.caller import Verb
from wattline.contracts.flux.errors import denied
from wattline.contracts.flux.relation import Relation
from wattline.contracts.flux.write.model import Request


def require(request: Request, relation: Relation, *verbs: Verb) -> None:
    """Raise `Refusal` 42501 where the relation is read-only, or one of the grants is missing."""
    if not relation.type.writable:
        raise denied(f"permission denied for view {relation.type.name}", request.caller.anonymous)
    for verb in verbs:
        request.policy.check(request.caller, verb, relation.type.name)


def require_rows(request: Request, relation: Relation, *verbs: Verb) -> None:
    """Raise `Refusal` 42501 where a row-level policy hides from a verb what an insert or upsert is to show or change."""
    if not visible(request, relation, *verbs):
        message = f'new row violates row-level security policy for table "{relation.type.name}"'
        raise denied(message, request.caller.anonymous)


def visible(request: Request, relation: Relation, *verbs: Verb) -> bool:
    """Whether rows are there for every one of the verbs."""
    return all(request.policy.sees(request.caller, verb, relation.type.name) for verb in verbs)
