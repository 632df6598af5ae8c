"""Writing the list of devices under UUIDs: rows come and go, devices and their readings stay."""

from __future__ import annotations

import uuid as uuids_of
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.changes.service import ChangeLog, Commit
from wattline.model.clock import Clock
from wattline.model.errors import Invalid, NotFound, Unavailable
from wattline.model.place import Device, Layout
from wattline.registry import listing_rows, store
from wattline.registry.listing import UNASSIGNED, AlreadyListed, Exposure, ListingRow, Shown
from wattline.registry.listing_rows import Listed, Loaded, Place
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

LISTINGS = "listings"
"""The subject of the change log; rows are those of `listing.ListingRow`."""


def _uuid4() -> str:
    return str(uuids_of.uuid4())


class Listings:
    """The devices of every tenant that have a UUID. Look-ups are the registry's; who writes takes turns by the change log."""

    def __init__(self, registry: Registry, log: ChangeLog, clock: Clock, new_uuid: Callable[[], str] = _uuid4) -> None:
        self._registry = registry
        self._log = log
        self._clock = clock
        self._new_uuid = new_uuid
        self._exposures: dict[str, tuple[tuple[int, int], list[Exposure]]] = {}

    def rows(self, tenant: str) -> list[ListingRow]:
        """The rows of the list, from memory, by when they were made."""
        found = [row for listing in self._registry.listings(tenant) if (row := listing.row) is not None]
        return sorted(found, key=lambda row: (row.created, row.uuid))

    def row(self, tenant: str, uuid: str) -> ListingRow | None:
        """The row of a UUID, from memory; None where it is not listed."""
        listing = self._registry.listing(tenant, uuid)
        return None if listing is None else listing.row

    async def refresh(self) -> None:
        """Take over what other processes have written."""
        await self._registry.refresh()

    def version(self, tenant: str) -> int:
        """Grows whenever a row of the tenant may have changed in memory."""
        return self._registry.listed_again[tenant]

    async def write(
        self,
        tenant: str,
        *,
        inserted: Sequence[ListingRow] = (),
        old: Sequence[ListingRow] = (),
        new: Sequence[ListingRow] = (),
        deleted: Sequence[ListingRow] = (),
    ) -> None:
        """Change the list, all or nothing: `old` becomes `new`, row by row.

        A row names a device, which is made where there is none with its UUID, or moved to the row's site. A row that goes
        takes neither the device nor its readings along. A row that gets another UUID leaves the old device and names another.

        Raises `AlreadyListed` where a UUID would be listed twice; `Unavailable` where `old` or `deleted` is no longer so;
        `Invalid` where a device of another contract would be elsewhere or somebody else, and where there is no room.
        """
        coming, going = [*new, *inserted], [*old, *deleted]
        named = dict.fromkeys(row.uuid for row in (*going, *coming))
        async with self._registry.turn, self._log.commit(tenant) as commit:
            held = {each.uuid: each for each in await listing_rows.load_listings(commit.connection, Listed(tenant, [*named]))}
            for row in going:
                if row.uuid not in held or held[row.uuid].row != row:
                    raise Unavailable("the rows were changed meanwhile", retry_after=1)
            gone = {row.uuid for row in going}
            _check_once(coming, {uuid for uuid, each in held.items() if each.listed} - gone)
            _check_foreign(coming, zip(old, new, strict=True), held)
            await self._put(commit, coming, held)
            await listing_rows.unlist(commit.connection, tenant, gone - {row.uuid for row in coming})
            commit.record(LISTINGS, inserted=inserted, old=old, new=new, deleted=deleted)
            await self._finish(commit, (), list(named))

    async def _put(self, commit: Commit, rows: Sequence[ListingRow], held: dict[str, Loaded]) -> None:
        tenant, connection = commit.tenant, commit.connection
        self._check_room(tenant, sum(row.uuid not in held for row in rows), {row.site for row in rows})
        places = await self._places(connection, tenant, (row.site for row in rows))
        fresh = {row.uuid: places[row.site] for row in rows if row.uuid not in held}
        if fresh:
            await listing_rows.insert_devices(connection, tenant, fresh)
        await self._move(connection, {row.uuid: (held[row.uuid], places[row.site]) for row in rows if row.uuid in held})
        await listing_rows.write_rows(connection, tenant, rows)

    async def _move(self, connection: AsyncConnection, wanted: Mapping[str, tuple[Loaded, Place]]) -> None:
        moves = {uuid: (each, place) for uuid, (each, place) in wanted.items() if each.block_id != place.block_id}
        # A device of a foreign contract cannot move. A native one can meet a foreign one with its UUID for a key.
        taken = await listing_rows.keyed(connection, {uuid: place for uuid, (_, place) in moves.items()})
        if taken:
            raise Invalid(f"the site has another device with the key {min(taken)}", "site")
        await listing_rows.move(connection, {each.device_id: place for each, place in moves.values()})

    def _check_room(self, tenant: str, more: int, sites: Iterable[str]) -> None:
        most = self._registry.most_streams
        if more and sum(1 for _ in self._registry.listings(tenant)) + more > most:
            raise Invalid(f"no room for more devices: this account may have {most}", "id")
        unknown = sum(self._registry.site(tenant, site) is None for site in sites)
        if unknown and len(self._registry.sites(tenant)) + unknown > most:
            raise Invalid(f"no room for more sites: this account may have {most}", "site")

    async def _places(self, connection: AsyncConnection, tenant: str, sites: Iterable[str]) -> dict[str, Place]:
        """Each site and the block with its key, made where they are missing."""
        found = {}
        for site in sorted(set(sites)):
            site_id = await store.insert_site(connection, tenant, site, self._clock.micros())
            found[site] = Place(site_id, await store.insert_block(connection, site_id, site))
        return found

    async def _finish(self, commit: Commit, streams: Sequence[int] | None, uuids: Sequence[str]) -> None:
        version = await store.next_version(commit.connection)
        commit.afterwards = partial(self._registry.written, version, streams, Listed(commit.tenant, uuids))

    def stream(self, tenant: str, uuid: str, layout: str) -> Stream | None:
        """The stream of a UUID, from memory; None where there is none."""
        listing = self._registry.listing(tenant, uuid)
        if listing is None:
            return None
        return self._registry.find(tenant, listing.device.site.key, listing.device.key, layout)

    async def streams(self, tenant: str, uuids: Sequence[str], layout: Layout) -> list[Stream]:
        """The stream of each UUID, in order. What is missing is made: a device that nobody knows is put at the site
        `unassigned`, and not listed.

        Raises `Invalid` where the tenant would have more streams or devices than it may, and where another contract writes
        what the device reports.
        """
        found = [self.stream(tenant, uuid, layout.name) for uuid in uuids]
        if None in found:
            missing = list(dict.fromkeys(uuid for uuid, stream in zip(uuids, found, strict=True) if stream is None))
            async with self._registry.turn:
                missing = [uuid for uuid in missing if self.stream(tenant, uuid, layout.name) is None]
                if missing:
                    await self._make_streams(tenant, missing, layout)
            found = [self.stream(tenant, uuid, layout.name) for uuid in uuids]
        return [stream for stream in found if stream is not None]

    async def _make_streams(self, tenant: str, missing: Sequence[str], layout: Layout) -> None:
        if self._registry.counts[tenant] + len(missing) > self._registry.most_streams:
            raise Invalid(f"no room for more devices: this account may have {self._registry.most_streams} streams", "device_id")
        async with self._log.commit(tenant) as commit:
            connection, named = commit.connection, Listed(tenant, missing)
            known = {each.uuid: each for each in await listing_rows.load_listings(connection, named)}
            foreign = [each for each in known.values() if each.is_foreign]
            if foreign:
                raise Invalid(f"the device {foreign[0].uuid} is written to through another contract", "device_id")
            unknown = [uuid for uuid in missing if uuid not in known]
            if unknown:
                self._check_room(tenant, len(unknown), ())
                place = (await self._places(connection, tenant, [UNASSIGNED]))[UNASSIGNED]
                await listing_rows.insert_devices(connection, tenant, dict.fromkeys(unknown, place))
            device_ids = [each.device_id for each in await listing_rows.load_listings(connection, named)]
            present = await listing_rows.find_streams(connection, device_ids, layout.name)
            lacking = [device_id for device_id in device_ids if device_id not in present]
            made = await listing_rows.insert_streams(connection, lacking, layout) if lacking else []
            # Streams that another process made may hold rows already, which a full reading takes care of.
            await self._finish(commit, None if present else made, missing)

    async def expose(
        self, tenant: str, device: Device, shown: Sequence[Shown], *, name: str, kind: str, uuid: str | None = None
    ) -> ListingRow:
        """List a device of any contract, and show its readings as `shown` says, which replaces what was said before.

        `name` and `kind` are the name and type of its row; it keeps the UUID that it has. Raises `NotFound` for a device of
        another tenant, `Invalid` where it would get another UUID, `AlreadyListed` where the UUID is that of another device.
        """
        if device.site.tenant != tenant:
            raise NotFound(f"no device {device.key}")
        async with self._registry.turn, self._log.commit(tenant) as commit:
            connection = commit.connection
            held = await listing_rows.listing_of(connection, device.id)
            if held is None:
                self._check_room(tenant, 1, ())
                given = uuid or self._new_uuid()
                if await listing_rows.load_listings(connection, Listed(tenant, [given])):
                    raise AlreadyListed(given)
                await listing_rows.insert_listing(connection, tenant, given, device.id)
                was, created = None, commit.position
            elif uuid not in (None, held.uuid):
                raise Invalid(f"the device has the id {held.uuid}, which stays", "id")
            else:
                given, was = held.uuid, held.row
                created = commit.position if was is None else was.created
            metadata, active = (None, True) if was is None else (was.metadata, was.active)
            row = ListingRow(given, created, name, kind, device.site.key, metadata, active)
            await listing_rows.write_rows(connection, tenant, [row])
            await listing_rows.write_shown(connection, tenant, given, shown)
            if was is None:
                commit.record(LISTINGS, inserted=[row])
            elif was != row:
                commit.record(LISTINGS, old=[was], new=[row])
            await self._finish(commit, (), [given])
        return row

    async def hide(self, tenant: str, uuid: str) -> None:
        """Show no readings of a device of another contract any longer, and take its row off the list; it keeps its UUID.

        Raises `NotFound` where no such device is shown.
        """
        async with self._registry.turn, self._log.commit(tenant) as commit:
            held = await listing_rows.load_listings(commit.connection, Listed(tenant, [uuid]))
            if not held or not held[0].shown:
                raise NotFound(f"no device with the id {uuid} is exposed")
            row = held[0].row
            await listing_rows.write_shown(commit.connection, tenant, uuid, ())
            await listing_rows.unlist(commit.connection, tenant, [uuid])
            commit.record(LISTINGS, deleted=[] if row is None else [row])
            await self._finish(commit, (), [uuid])

    def exposures(self, tenant: str) -> list[Exposure]:
        """The streams of devices of other contracts that are shown under a UUID, as far as they are registered."""
        version = self.version(tenant), self._registry.counts[tenant]
        known = self._exposures.get(tenant)
        if known is None or known[0] != version:
            known = self._exposures[tenant] = version, list(self._resolve(tenant))
        return known[1]

    @property
    def every_version(self) -> tuple[int, int]:
        """Other than before where a listing of any tenant, or what is registered, may have changed."""
        return self._registry.listed_again.total(), self._registry.counts.total()

    def every_exposure(self) -> Iterable[Exposure]:
        """The exposures of every tenant: for the engine's own work, never for an answer to a caller."""
        for tenant in sorted(self._registry.listed_again):
            yield from self.exposures(tenant)

    def _resolve(self, tenant: str) -> Iterable[Exposure]:
        for listing in self._registry.listings(tenant):
            device = listing.device
            for shown in listing.shown:
                stream = self._registry.find(tenant, device.site.key, device.key, shown.layout)
                if stream is None:
                    continue
                positions = {quantity.name: i for i, quantity in enumerate(stream.layout.quantities)}
                columns = {
                    column: (positions[name], factor) for column, (name, factor) in shown.columns.items() if name in positions
                }
                if columns:
                    yield Exposure(stream, listing.uuid, shown.relation, columns)


def _check_once(rows: Sequence[ListingRow], listed: set[str]) -> None:
    counts = Counter(row.uuid for row in rows)
    for row in rows:
        if row.uuid in listed or counts[row.uuid] > 1:
            raise AlreadyListed(row.uuid)


def _check_foreign(
    rows: Sequence[ListingRow], changed: Iterable[tuple[ListingRow, ListingRow]], held: dict[str, Loaded]
) -> None:
    """A device of another contract is where that contract has it, and is no other device."""
    for row in rows:
        each = held.get(row.uuid)
        if each is not None and each.is_foreign and row.site != each.site:
            raise Invalid(f"the device {row.uuid} stays at the site {each.site}", "site")
    for old, new in changed:
        if old.uuid != new.uuid and held[old.uuid].is_foreign:
            raise Invalid(f"the device {old.uuid} keeps its id", "id")
