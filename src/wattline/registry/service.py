"""The registry in memory, written through to the state database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import Clock, SystemClock
from wattline.model.errors import Invalid, NotFound
from wattline.model.place import Block, Device, Layout
from wattline.model.record import UNKNOWN
from wattline.registry import store
from wattline.registry.index import Index
from wattline.registry.listing import DESCRIBED_BY_ROW, Listing
from wattline.registry.listing_rows import WORDS, Listed, load_listings
from wattline.registry.point import Point, PointSpec
from wattline.registry.points import check_tags, device_key, put_points
from wattline.registry.registration import Description, Registration, StreamKey
from wattline.registry.stream import Stream
from wattline.state.database import Database


class Registry(Index):
    """Resolves ids. Look-ups are dict look-ups; only a first use or a changed attribute touches the database.

    `most_streams` bounds what one tenant may register, so that a caller who makes up names cannot fill the store with them.
    """

    def __init__(self, database: Database, most_streams: int = 100_000, clock: Clock | None = None) -> None:
        super().__init__()
        self._database = database
        self.most_streams = most_streams
        self._clock = clock or SystemClock()
        self._wanted: dict[StreamKey, Registration] = {}
        self._changes: dict[int, dict[str, Any]] = {}
        self._strange: list[Stream] = []
        self._mode_versions: dict[tuple[int, int], int] = {}
        self._version = 0
        self.turn = asyncio.Lock()
        """Held by who writes to the registry's tables, until what was written has been read back."""

    async def load(self) -> None:
        """Read everything that is registered; called once at start."""
        async with self.turn, self._database.read() as connection:
            self._version = await store.version(connection)
            await self._read(connection)

    async def refresh(self) -> list[Stream]:
        """Take over what another process has registered or changed; to be called every few seconds.

        Returns the streams of which nobody knows yet what they hold, again and again until somebody does: every row for such
        a stream counts as late until `Pipeline.learn` was told of it.
        """
        async with self.turn, self._database.read() as connection:
            version = await store.version(connection)
            if version != self._version:
                await self._read(connection)
                self._version = version
        self._strange = [stream for stream in self._strange if stream.admitted == UNKNOWN]
        return list(self._strange)

    async def _read(self, connection: AsyncConnection, only: Sequence[int] | None = None, listed: Listed | None = None) -> None:
        """Bring memory up to what is stored, or to the named streams and listings; objects that exist stay the same objects."""
        await self._read_places(connection)
        if only is None or listed is not None:
            await self._read_listings(connection, None if only is None else listed)
        for stream in await store.load_streams(connection, self.blocks_by_id, self.devices_by_id, only):
            if self.has_stream(stream.id):
                for sensor in stream.sensors:
                    point = self.any_point(sensor.id)
                    if point.sensor.tag != sensor.tag:
                        self.retag(point, sensor.tag)
                    _copy(sensor, point.sensor, DESCRIBED)
            else:
                # One that this process did not make may hold rows: everything of it is compared until they were looked for.
                if only is None:
                    stream.admitted = UNKNOWN
                    self._strange.append(stream)
                self.add_stream(stream)
        for device_id, attributes in (await store.load_attributes(connection, only)).items():
            device = self.devices_by_id.get(device_id)
            # What is said of a device that the list of devices has is in its row there.
            if device is not None and self.listing(device.site.tenant, device.key) is None:
                device.attributes = attributes

    async def _read_places(self, connection: AsyncConnection) -> None:
        for site in await store.load_sites(connection):
            known = self.sites_by_id.get(site.id)
            if known is None:
                self.add_site(site)
            else:
                _copy(site, known, ("name", "latitude", "longitude", "region", "status", "zone", "config"))
        for block in await store.load_blocks(connection, self.sites_by_id):
            held = self.blocks_by_id.get(block.id)
            if held is None:
                self.add_block(block)
            else:
                _copy(block, held, ("capacity_mw", "status", "commissioned", "config"))
                if block.mode is not None and block.mode_since is not None:
                    _take_mode(held, block.mode, block.mode_since)

    async def _read_listings(self, connection: AsyncConnection, only: Listed | None = None) -> None:
        """Bring the devices that have a UUID up to what is stored, all of them or those named: their rows and their places."""
        moves: dict[Device, Block] = {}
        for read in await load_listings(connection, only):
            block = self.blocks_by_id[read.block_id]
            device = self.devices_by_id.get(read.device_id)
            if device is None:
                device = Device(read.device_id, block.site, read.key, {}, block=block)
                self.add_device(device)
            elif device.block is not block:
                moves[device] = block
            listing = self.listing(read.tenant, read.uuid)
            if listing is None:
                listing = Listing(read.uuid, device)
                self.add_listing(listing)
            _copy(read, listing, WORDS)
            if not listing.is_foreign and listing.name is not None:
                rest = {name: text for name, text in device.attributes.items() if name not in DESCRIBED_BY_ROW}
                device.attributes = rest | listing.attributes
            self.listed_again[read.tenant] += 1
        self.move_devices(moves)

    async def register(
        self, tenant: str, site: str, device: str, layout: Layout, attributes: Mapping[str, str] | None = None
    ) -> Stream:
        """The stream of these keys, made durable now if it did not exist. Idempotent, also across processes."""
        (stream,) = await self.register_all([Registration(tenant, site, device, layout, attributes or {})])
        return stream

    async def register_all(self, wanted: Sequence[Registration]) -> list[Stream]:
        """The streams of many keys, in order; what is missing is made in one transaction.

        Callers who come while a transaction runs share the next one. Raises `Invalid` where the tenant would have more
        streams than it may.
        """
        missing = {w.key: w for w in wanted if w.key not in self.by_key}
        if missing:
            self._check_room(missing.values())
            self._wanted.update(missing)
            async with self.turn:
                if any(key not in self.by_key for key in missing):
                    group, self._wanted = {**self._wanted, **missing}, {}
                    await self._make([w for w in group.values() if w.key not in self.by_key])
        return [self.by_key[w.key] for w in wanted]

    def _check_room(self, missing: Iterable[Registration]) -> None:
        asked = Counter(w.tenant for w in missing)
        for tenant, count in asked.items():
            if self.counts[tenant] + count > self.most_streams:
                raise Invalid(f"no room for more devices: this account may have {self.most_streams} streams", "device_id")

    async def _make(self, missing: Sequence[Registration]) -> None:
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            made = [await store.insert_stream(connection, w, now) for w in missing]
            version = await store.next_version(connection)
        await self.written(version, made)

    async def written(self, version: int, streams: Sequence[int] | None, listed: Listed | None = None) -> None:
        """Read back what this process wrote, with `turn` held; what another wrote meanwhile waits for `refresh`.

        With `streams` None everything is read, because some of it may be another's.
        """
        async with self._database.read() as connection:
            await self._read(connection, streams, listed)
        self._count_own(version)

    def _count_own(self, version: int | None) -> None:
        """A change of this process is known; where another's came before it, `refresh` still has to read that."""
        if version == self._version + 1:
            self._version = version

    async def describe_streams(self, wanted: Sequence[Description]) -> None:
        """Make what is said of streams known; durable on return. Only what differs is written, all of it or nothing."""
        changed = [each for each in wanted if not each.holds]
        if not changed:
            return
        async with self.turn:
            async with self._database.transaction() as connection:
                for each in changed:
                    await store.describe_stream(connection, each)
                version = await store.next_version(connection)
            await self.written(version, [each.stream.id for each in changed])

    async def describe_site(
        self,
        tenant: str,
        key: str,
        *,
        name: str | None = None,
        latitude: float | None = None,
        longitude: float | None = None,
    ) -> None:
        """Set the attributes that are given and differ; durable on return. The site must exist."""
        site = self.site(tenant, key)
        if site is None:
            raise NotFound(f"no site {key}")
        given: dict[str, Any] = {"name": name, "latitude": latitude, "longitude": longitude}
        changed = {field: value for field, value in given.items() if value is not None and getattr(site, field) != value}
        if not changed:
            return
        self._changes.setdefault(site.id, {}).update(changed)
        async with self.turn:
            if any(getattr(site, field) != value for field, value in changed.items()):
                await self._describe({**self._changes, site.id: {**self._changes.get(site.id, {}), **changed}})

    async def _describe(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Write the changes of every caller that waits, in one transaction."""
        self._changes = {}
        async with self._database.transaction() as connection:
            for site_id, values in changes.items():
                await store.update(connection, store.sites, site_id, values)
            version = await store.next_version(connection)
        await self.written(version, ())

    async def put_site(self, tenant: str, key: str, **attributes: Any) -> None:
        """Make a site, or give it these attributes (those of `model.place.Site`); durable on return."""
        async with self.turn:
            async with self._database.transaction() as connection:
                site_id = await store.insert_site(connection, tenant, key, self._clock.micros())
                if attributes:
                    await store.update(connection, store.sites, site_id, attributes)
                version = await store.next_version(connection)
            await self.written(version, ())

    async def put_block(self, tenant: str, site: str, slug: str, **attributes: Any) -> Block:
        """Make a block, and its site where needed, or give it these attributes (those of `model.place.Block`).

        Raises `Invalid` where the tenant would have more blocks than it may have streams.
        """
        if self.block(tenant, site, slug) is None and len(self.blocks(tenant)) >= self.most_streams:
            raise Invalid(f"no room for more blocks: this account may have {self.most_streams}", "block")
        async with self.turn:
            async with self._database.transaction() as connection:
                site_id = await store.insert_site(connection, tenant, site, self._clock.micros())
                block_id = await store.insert_block(connection, site_id, slug)
                if attributes:
                    await store.update(connection, store.blocks, block_id, attributes)
                version = await store.next_version(connection)
            await self.written(version, ())
        return self.blocks_by_id[block_id]

    async def set_mode(self, connection: AsyncConnection, block: Block, mode: str, since: int) -> None:
        """Write a block's mode inside the caller's transaction, as its last statement; `mode_set` follows its commit.

        A mode since later, which another process may have written, stays.
        """
        await store.update_mode(connection, block.id, mode, since)
        self._mode_versions[block.id, since] = await store.next_version(connection)

    def mode_set(self, block: Block, mode: str, since: int) -> None:
        """The transaction of `set_mode` was committed."""
        _take_mode(block, mode, since)
        self._count_own(self._mode_versions.pop((block.id, since), None))

    async def put_points(self, tenant: str, site: str, block: str, specs: Sequence[PointSpec]) -> list[Point]:
        """Make points, or give them what the specs say, all in one transaction; in order of the specs.

        Raises `Invalid` for a tag that other equipment of the block bears, and where there is no room.
        """
        held = self.block(tenant, site, block)
        for spec in specs:
            other = self.tagged(held.id, spec.tag) if held is not None else None
            if other is not None and other.equipment != spec.equipment:
                raise Invalid(f"the tag {spec.tag} is that of another point of the block, at {other.equipment}", "tag")
        self._check_room(
            w
            for spec in specs
            if (w := Registration(tenant, site, device_key(block, spec), spec.layout)).key not in self.by_key
        )
        async with self.turn:
            async with self._database.transaction() as connection:
                made = await put_points(connection, tenant, site, block, specs, self._clock.micros())
                version = await store.next_version(connection)
                # After that, so that of two who give one tag to two points at once only one can.
                await check_tags(connection, block, specs, made)
            await self.written(version, made)
        return [self._points_of(tenant, site, block, spec) for spec in specs]

    def _points_of(self, tenant: str, site: str, block: str, spec: PointSpec) -> Point:
        stream = self.by_key[tenant, site, device_key(block, spec), spec.layout.name]
        return self.any_point(stream.sensor_ids[0])


DESCRIBED = ("quantity", "description", "subsystem", "range_min", "range_max", "poll_ms", "role", "factor")


def _take_mode(block: Block, mode: str, since: int) -> None:
    """The newest mode is the mode, whatever order they are learnt in."""
    if block.mode_since is None or since >= block.mode_since:
        block.mode, block.mode_since = mode, since


def _copy(source: object, target: object, names: Sequence[str]) -> None:
    for name in names:
        setattr(target, name, getattr(source, name))
