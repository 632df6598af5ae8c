"""WS /ws/telemetry/{block_slug}, /ws/alarms and /ws/events/{block_slug}, and the document that describes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter
from starlette.routing import WebSocketRoute

from wattline.contracts.mcs.blocks import Blocks, named
from wattline.contracts.mcs.feeds import asyncapi, params
from wattline.contracts.mcs.feeds.alarms import Alarms, Wanted, least_severe
from wattline.contracts.mcs.feeds.door import Asked, Door
from wattline.contracts.mcs.feeds.events import Events
from wattline.contracts.mcs.feeds.history import History
from wattline.contracts.mcs.feeds.readings import Hub, Readings
from wattline.contracts.mcs.feeds.socket import Follower
from wattline.contracts.mcs.feeds.tail import Tails
from wattline.contracts.mcs.gate import Gate
from wattline.model.errors import Ambiguous
from wattline.model.place import Block
from wattline.platform import Platform

TELEMETRY = "/ws/telemetry/{block_slug:path}"
ALARMS = "/ws/alarms"
EVENTS = "/ws/events/{block_slug:path}"


class Feeds:
    """The live feeds of one platform."""

    def __init__(self, platform: Platform, blocks: Blocks) -> None:
        self._platform = platform
        self._blocks = blocks
        self._history = History(platform.alarms)
        self._hub = Hub(platform.bus, platform.registry, platform.metrics)
        self._tails = Tails(platform.events, platform.bus, self._history.remember)

    def _finder(self, asked: Asked, text: str) -> Callable[[], Block | None]:
        """Looks for a block until it is found. Raises `Ambiguous` now where the text names several."""
        found = self._blocks.find(asked.principal, text)

        def find() -> Block | None:
            nonlocal found
            if found is None:
                try:
                    found = self._blocks.find(asked.principal, text)
                except Ambiguous:
                    return None
            return found

        return find

    @asynccontextmanager
    async def telemetry(self, asked: Asked) -> AsyncIterator[Follower]:
        """Readings of one block."""
        query = asked.socket.query_params
        client = Readings(
            self._hub,
            self._finder(asked, asked.socket.path_params["block_slug"]),
            asked.query("subsystem"),
            late=params.flag(query, "late"),
            snapshot=params.flag(query, "snapshot"),
        )
        leave = self._hub.join(client)
        try:
            yield client
        finally:
            leave()

    @asynccontextmanager
    async def alarms(self, asked: Asked) -> AsyncIterator[Follower]:
        """Alarms of the tenant, of one block or of all that the key includes."""
        query, registry = asked.socket.query_params, self._platform.registry
        since = params.event_id(query)
        text = named(asked.query("block_slug"), asked.query("block_id"))
        wanted = Wanted(
            None if text is None else self._finder(asked, text),
            least_severe(asked.query("min_priority")),
            asked.principal.sites,
            numbered=since is not None or params.flag(query, "ids"),
        )
        snapshot = params.flag(query, "snapshot")
        more = asyncio.Event()
        async with self._tails.following(asked.principal.tenant, more.set) as (tail, last):
            position = last if since is None else min(since, last)
            resumed = since is not None
            yield Alarms(registry, self._history, self._platform.clock, more, tail, position, wanted, snapshot, resumed)

    @asynccontextmanager
    async def events(self, asked: Asked) -> AsyncIterator[Follower]:
        """The event log of one block."""
        since = params.event_id(asked.socket.query_params)
        find = self._finder(asked, asked.socket.path_params["block_slug"])
        more = asyncio.Event()
        async with self._tails.following(asked.principal.tenant, more.set) as (tail, last):
            yield Events(self._platform.registry, more, tail, last if since is None else min(since, last), find)


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    feeds = Feeds(platform, blocks)
    router = asyncapi.build(platform)
    for path, opened in ((TELEMETRY, feeds.telemetry), (ALARMS, feeds.alarms), (EVENTS, feeds.events)):
        router.routes.append(WebSocketRoute(path, Door(platform, gate, opened), name=path))
    return router
