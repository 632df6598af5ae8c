"""The registry in memory, written through to the state database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wattline.model.errors import Invalid, NotFound
from wattline.model.place import Device, Layout, Site
from wattline.model.record import UNKNOWN
from wattline.registry import store
from wattline.registry.stream import Stream
from wattline.state.database import Database

StreamKey = tuple[str, str, str, str]
"""Tenant, site key, device key, layout name."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A stream that shall exist: its tenant, the keys of its site and device, and its columns."""

    tenant: str
    site: str
    device: str
    layout: Layout
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> StreamKey:
        """How the registry finds it."""
        return self.tenant, self.site, self.device, self.layout.name


class Registry:
    """Resolves ids. Look-ups are dict look-ups; only a first use or a changed attribute touches the database.

    `most_streams` bounds what one tenant may register, so that a caller who makes up names cannot fill the store with them.
    """

    def __init__(self, database: Database, most_streams: int = 100_000) -> None:
        self._database = database
        self._most_streams = most_streams
        self._counts: Counter[str] = Counter()
        self._wanted: dict[StreamKey, Registration] = {}
        self._changes: dict[int, dict[str, Any]] = {}
        self._sites: dict[tuple[str, str], Site] = {}
        self._sites_by_id: dict[int, Site] = {}
        self._devices: dict[int, Device] = {}
        self._by_key: dict[StreamKey, Stream] = {}
        self._by_id: dict[int, Stream] = {}
        self._by_layout: dict[tuple[str, str], list[Stream]] = {}
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """Read everything that is registered; called once at start."""
        async with self._database.read() as connection:
            for site in await store.load_sites(connection):
                self._sites[site.tenant, site.key] = self._sites_by_id[site.id] = site
            for stream in await store.load_streams(connection, self._sites_by_id, self._devices):
                stream.admitted = UNKNOWN
                self._add(stream)

    def _add(self, stream: Stream) -> None:
        site = stream.device.site
        self._counts[site.tenant] += 1
        self._by_key[site.tenant, site.key, stream.device.key, stream.layout.name] = stream
        self._by_id[stream.id] = stream
        self._by_layout.setdefault((site.tenant, stream.layout.name), []).append(stream)

    def find(self, tenant: str, site: str, device: str, layout: str) -> Stream | None:
        """The stream of these keys, or None where it is not registered."""
        return self._by_key.get((tenant, site, device, layout))

    def stream(self, stream_id: int) -> Stream:
        """The stream with this id; ids come from rows, so an unknown one is `NotFound`."""
        try:
            return self._by_id[stream_id]
        except KeyError:
            raise NotFound(f"no stream {stream_id}") from None

    def every_stream(self) -> Iterable[Stream]:
        """All streams of all tenants, in order of registration."""
        return self._by_id.values()

    def streams(self, tenant: str, layout: str) -> list[Stream]:
        """The tenant's streams of one layout, in order of registration."""
        return self._by_layout.get((tenant, layout), [])

    def layout_streams(self, layout: str) -> list[Stream]:
        """The streams of one layout across tenants: for the engine's own work, never for an answer to a caller."""
        return [s for (_, name), streams in self._by_layout.items() if name == layout for s in streams]

    def site(self, tenant: str, key: str) -> Site | None:
        """The tenant's site with this key, or None."""
        return self._sites.get((tenant, key))

    def sites(self, tenant: str) -> list[Site]:
        """The tenant's sites by key."""
        return sorted((s for (owner, _), s in self._sites.items() if owner == tenant), key=lambda s: s.key)

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
        missing = {w.key: w for w in wanted if w.key not in self._by_key}
        if missing:
            self._check_room(missing.values())
            self._wanted.update(missing)
            async with self._writing:
                if any(key not in self._by_key for key in missing):
                    group, self._wanted = {**self._wanted, **missing}, {}
                    await self._make([w for w in group.values() if w.key not in self._by_key])
        return [self._by_key[w.key] for w in wanted]

    def _check_room(self, missing: Iterable[Registration]) -> None:
        asked = Counter(w.tenant for w in missing)
        for tenant, count in asked.items():
            if self._counts[tenant] + count > self._most_streams:
                raise Invalid(f"no room for more devices: this account may have {self._most_streams} streams", "device_id")

    async def _make(self, missing: Sequence[Registration]) -> None:
        async with self._database.transaction() as connection:
            made = [await store.insert_stream(connection, w.tenant, w.site, w.device, w.layout, w.attributes) for w in missing]
        async with self._database.read() as connection:
            for site in await store.load_sites(connection):
                if site.id not in self._sites_by_id:
                    self._sites[site.tenant, site.key] = self._sites_by_id[site.id] = site
            for stream in await store.load_streams(connection, self._sites_by_id, self._devices, made):
                self._add(stream)

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
        site = self._sites.get((tenant, key))
        if site is None:
            raise NotFound(f"no site {key}")
        given: dict[str, Any] = {"name": name, "latitude": latitude, "longitude": longitude}
        changed = {field: value for field, value in given.items() if value is not None and getattr(site, field) != value}
        if not changed:
            return
        self._changes.setdefault(site.id, {}).update(changed)
        async with self._writing:
            if any(getattr(site, field) != value for field, value in changed.items()):
                await self._describe({**self._changes, site.id: {**self._changes.get(site.id, {}), **changed}})

    async def _describe(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Write the changes of every caller that waits, in one transaction."""
        self._changes = {}
        async with self._database.transaction() as connection:
            for site_id, values in changes.items():
                await store.update_site(connection, site_id, values)
        for site_id, values in changes.items():
            for name, value in values.items():
                setattr(self._sites_by_id[site_id], name, value)
