"""`mg_device_registry`: the devices that are listed, whichever contract they came by.

A row names a device; a device may exist without one, as it does once it has sent readings. So DELETE leaves the device and its
readings, another `site` moves it, and another `id` leaves one device and names another. A device of another contract is where
that contract has it: it gets neither another site nor another id here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pyarrow as pa

from wattline.changes.service import ChangeLog
from wattline.contracts.flux.catalog import RelationType, Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.relation import Edit, Need, Scan, TableChange
from wattline.contracts.flux.relations import narrowing
from wattline.contracts.flux.relations.history import History, Publish
from wattline.contracts.flux.tables import REGISTRY
from wattline.contracts.flux.values.constraint import duplicate
from wattline.model.errors import Invalid
from wattline.registry.listing import AlreadyListed, Exposure, ListingRow
from wattline.registry.listings import LISTINGS, Listings

FIELDS = {"id": "uuid", "created_at": "created"}
FEW = 1000
"""Ids up to which rows are looked up one by one."""


class DeviceRegistry:
    """`relation.Relation` over the registry in memory, written through to the state database."""

    type: RelationType = REGISTRY

    def __init__(self, listings: Listings, log: ChangeLog, publish: Publish) -> None:
        self.turn = asyncio.Lock()
        self._listings = listings
        places = [ListingRow._fields.index(FIELDS.get(column.name, column.name)) for column in REGISTRY.columns]
        self._history = History(REGISTRY, LISTINGS, places, log, publish)
        self._tables: dict[str, tuple[int, pa.Table]] = {}

    def scan(self, tenant: str, need: Need) -> Scan:
        """By when they were made and id."""
        wanted = [(term.ref.column, term.descending) for term in need.order]
        ids = narrowing.values(need.where, "id")
        table = self._table(tenant) if ids is None or len(ids) > FEW else self._named(tenant, ids)
        return Scan(_once(table), wanted == [(name, False) for name in REGISTRY.order])

    def _table(self, tenant: str) -> pa.Table:
        version = self._listings.version(tenant)
        known = self._tables.get(tenant)
        if known is None or known[0] != version:
            known = self._tables[tenant] = version, self._history.table(self._listings.rows(tenant))
        return known[1]

    def _named(self, tenant: str, ids: frozenset[object]) -> pa.Table:
        looked_up = (self._listings.row(tenant, each) for each in ids if isinstance(each, str))
        found = sorted((row for row in looked_up if row is not None), key=lambda row: (row.created, row.uuid))
        return self._history.table(found)

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """The rows of these ids, with what other processes wrote."""
        await self._listings.refresh()
        return self._named(tenant, frozenset(keys.column("id").to_pylist()))

    async def commit(self, tenant: str, edit: Edit) -> None:
        """See `relation.Relation`.

        Raises `Refusal` 23505, also where another process was quicker; P0001 where a device of another contract would get
        another site or id, and where the tenant has as many devices or sites as it may.
        """
        inserted, old, new, deleted = (
            [ListingRow(*row) for row in self._history.rows(side)] for side in (edit.inserted, edit.old, edit.new, edit.deleted)
        )
        try:
            await self._listings.write(tenant, inserted=inserted, old=old, new=new, deleted=deleted)
        except AlreadyListed as error:
            raise duplicate(REGISTRY.uniques[0], pa.table({"id": [error.uuid]}), REGISTRY) from None
        except Invalid as error:
            raise Refusal(400, "P0001", str(error)) from None

    def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        """See `relation.Relation`."""
        return self._history.since(tenant, since)

    def exposures(self, tenant: str, relation: str) -> Sequence[Exposure]:
        """The streams of other contracts' devices that a relation of readings shows."""
        return [exposure for exposure in self._listings.exposures(tenant) if exposure.relation == relation]


async def _once(table: pa.Table) -> AsyncIterator[pa.Table]:
    yield table
