"""What each role may do: the grants on relations and functions, and the rows that exist for it.

Three profiles. `seed`: anon and authenticated read everything and insert readings, devices and market data. `open`: they also
update these, as an upsert with the anon key needs. `strict`: row-level security; anon sees and may do nothing, authenticated
reads. In each, service_role may do everything, a further role what the settings grant it, and nobody writes to a view.
Without a grant a request is refused; where the grant is there and a row-level policy denies, rows do not exist, and an insert
is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from wattline.contracts.flux.caller import Caller, Verb
from wattline.contracts.flux.errors import denied
from wattline.contracts.flux.tables import BESS, MARKET, METER, REGISTRY, RELATIONS
from wattline.model.errors import Invalid
from wattline.settings import Settings

FUNCTIONS = ("get_meter_readings_5m", "get_meter_readings_30m", "insert_market_data_batch")
FILLED = (BESS.name, METER.name, REGISTRY.name, MARKET.name)
"""The relations that devices and scrapers fill, whatever key they have."""
ALL = frozenset(get_args(Verb))
READ = frozenset[Verb]({"select", "execute"})

Rights = Mapping[str, frozenset[Verb]]
"""What may be done, by relation or function."""


class RolePolicy:
    """The policy of the settings' profile. `grants` and `rows` are rights by role."""

    def __init__(self, grants: Mapping[str, Rights], rows: Mapping[str, Rights]) -> None:
        self._grants = grants
        self._rows = rows

    def check(self, caller: Caller, verb: Verb, relation: str) -> None:
        """Raise `Refusal` 42501 (401 for anon, else 403) where a grant is missing or a row-level policy refuses an insert."""
        if not _has(self._grants, caller, verb, relation):
            raise denied(f"permission denied for {_kind(relation)} {relation}", caller.anonymous)
        if verb == "insert" and not _has(self._rows, caller, verb, relation):
            raise denied(f'new row violates row-level security policy for table "{relation}"', caller.anonymous)

    def sees(self, caller: Caller, verb: Verb, relation: str) -> bool:
        """Whether rows of the relation exist for this caller and verb."""
        return _has(self._rows, caller, verb, relation)


def build(settings: Settings) -> RolePolicy:
    """The policy of the settings. Raises `Invalid` for a right on what is not there."""
    profile = settings.flux_policy
    everything = _rights(ALL)
    if profile == "strict":
        standard = {"anon": everything, "authenticated": everything}
        seen: dict[str, Rights] = {"anon": {}, "authenticated": _rights(READ)}
    else:
        more = frozenset[Verb]({"insert", "update"} if profile == "open" else {"insert"})
        rights = {name: READ | more if name in FILLED else READ for name in everything}
        standard = {"anon": _allowed(rights), "authenticated": _allowed(rights)}
        seen = dict(standard)
    further = {role: _further(role, given) for role, given in settings.flux_roles.items()}
    of_service = {"service_role": everything}
    return RolePolicy({**standard, **further, **of_service}, {**seen, **further, **of_service})


def _has(rights: Mapping[str, Rights], caller: Caller, verb: Verb, relation: str) -> bool:
    return verb in rights.get(caller.role, {}).get(relation, frozenset())


def _rights(verbs: frozenset[Verb]) -> Rights:
    return _allowed(dict.fromkeys((*RELATIONS, *FUNCTIONS), verbs))


def _allowed(rights: Rights) -> Rights:
    """These rights without those that nobody can have: a view is only read, a function only executed, a table never."""
    return {name: verbs & _possible(name) for name, verbs in rights.items()}


def _possible(name: str) -> frozenset[Verb]:
    if name in FUNCTIONS:
        return frozenset({"execute"})
    return ALL - {"execute"} if RELATIONS[name].writable else frozenset({"select"})


def _further(role: str, given: Mapping[str, Iterable[Verb]]) -> Rights:
    for name, verbs in given.items():
        if name not in RELATIONS and name not in FUNCTIONS:
            raise Invalid(f"flux_roles: {role} has rights on {name}, which is no relation and no function", "flux_roles")
        beyond = sorted(set(verbs) - _possible(name))
        if beyond:
            raise Invalid(f"flux_roles: {role} cannot {beyond[0]} the {_kind(name)} {name}", "flux_roles")
    return {name: frozenset(verbs) for name, verbs in given.items()}


def _kind(name: str) -> str:
    if name in FUNCTIONS:
        return "function"
    relation = RELATIONS.get(name)
    return "table" if relation is None or relation.writable else "view"
