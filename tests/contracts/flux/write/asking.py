"""Requests on relations in memory, as the door would make them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from tests.contracts.flux.memory import MemoryRelation, relations
from wattline.contracts.flux.caller import Caller, Policy, Verb
from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.errors import Refusal, denied
from wattline.contracts.flux.relation import Edit
from wattline.contracts.flux.syntax import prefer, query
from wattline.contracts.flux.tables import BESS, BESS_ROLLUPS, MARKET, MARKET_TYPES, METER, REGISTRY
from wattline.contracts.flux.write.deleting import delete
from wattline.contracts.flux.write.inserting import insert
from wattline.contracts.flux.write.model import Options, Represent, Request, Written
from wattline.contracts.flux.write.putting import put
from wattline.contracts.flux.write.updating import update

TENANT = "cepro"
NOW = 1_704_110_400_000_000
"""2024-01-01T12:00:00Z."""
METHODS = {"POST": insert, "PATCH": update, "DELETE": delete, "PUT": put}


class Counting(MemoryRelation):
    """A relation in memory with a sequence, that counts its commits."""

    def __init__(self, kind: RelationType) -> None:
        super().__init__(kind, slice_rows=3)
        self.commits = 0
        self._numbers = itertools.count(5)

    async def next_values(self, tenant: str, count: int) -> Sequence[int]:
        """From 5 on."""
        return list(itertools.islice(self._numbers, count))

    async def commit(self, tenant: str, edit: Edit) -> None:
        """Count it; whoever commits holds the turn."""
        assert self.turn.locked()
        self.commits += 1
        await super().commit(tenant, edit)


class Granted:
    """A policy that grants all but what it is told to refuse or to hide."""

    def __init__(self, refused: Sequence[Verb] = (), hidden: Sequence[Verb] = ()) -> None:
        self.refused = refused
        self.hidden = hidden

    def check(self, caller: Caller, verb: Verb, relation: str) -> None:
        """Refuse what is refused."""
        if verb in self.refused:
            raise denied(f"permission denied for table {relation}", caller.anonymous)

    def sees(self, caller: Caller, verb: Verb, relation: str) -> bool:
        """Not what is hidden."""
        return verb not in self.hidden


class Base:
    """The relations of the contract, empty, and requests on them."""

    def __init__(self, *kinds: RelationType) -> None:
        self.members = {
            kind.name: Counting(kind) for kind in (*kinds, BESS, METER, REGISTRY, MARKET, MARKET_TYPES, *BESS_ROLLUPS)
        }
        self.relations = relations(*self.members.values())

    async def __call__(
        self,
        method: str,
        target: str,
        body: object = None,
        prefer_header: str = "",
        *,
        content_type: str | None = "application/json",
        policy: Policy | None = None,
        anonymous: bool = False,
        singular: bool = False,
        represent: Represent | None = None,
        options: Options | None = None,
    ) -> Written:
        """Do what the request says; `body` is JSON unless it is bytes. `target` is the relation and the query string."""
        name, _, text = target.partition("?")
        return await METHODS[method](
            Request(
                self.relations,
                policy or Granted(),
                Caller(TENANT, "service_role", "key", anonymous=anonymous),
                name,
                query.parse(text),
                prefer.parse([prefer_header]),
                body if isinstance(body, bytes) else msgspec.json.encode(body),
                content_type,
                NOW,
                singular,
                represent,
                options or Options(),
            )
        )

    async def refusal(self, *args: Any, **kwargs: Any) -> Refusal:
        """What a request is refused with; nothing has changed then."""
        before = {name: (member.commits, member.rows.get(TENANT)) for name, member in self.members.items()}
        try:
            await self(*args, **kwargs)
        except Refusal as refusal:
            after = {name: (member.commits, member.rows.get(TENANT)) for name, member in self.members.items()}
            assert before == after
            return refusal
        raise AssertionError("it was not refused")

    def rows(self, name: str) -> list[Mapping[str, Any]]:
        """What the relation holds."""
        table = self.members[name].rows.get(TENANT)
        return [] if table is None else table.to_pylist()


def shown(table: pa.Table, *names: str) -> list[tuple[object, ...]]:
    """Columns of rows."""
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))
