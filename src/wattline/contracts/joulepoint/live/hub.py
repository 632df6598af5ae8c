"""Every channel that somebody follows, and the one task that tells them of rows. It listens from the first client on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from wattline.bus.protocol import Bus, Subscription
from wattline.contracts.joulepoint.live.channels import Channel, Terms
from wattline.contracts.joulepoint.live.client import Room
from wattline.contracts.joulepoint.live.lanes import Lane, Member
from wattline.contracts.joulepoint.live.sources import ForeignReadings, OwnReadings, PowerFlow, Source, Sum
from wattline.metering.fields import NAMES
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.metrics import Metrics
from wattline.model.clock import Clock
from wattline.model.errors import NotFound
from wattline.model.principal import Principal
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.topology.service import Topology

TOPIC = "rows"
WAITING = 8_192
"""Messages of the bus that may wait to be taken."""
AGAIN_SECONDS = 5.0
"""How often it is asked again which streams a channel has."""
Place = tuple[str, frozenset[str] | None, Channel]
"""A tenant, the sites that a client may see, and a channel: who has the same place gets the same."""

log = logging.getLogger(__name__)


class Hub:
    """Sources by place, and by the streams whose rows are their news."""

    def __init__(
        self, bus: Bus, registry: Registry, metering: Metering, topology: Topology, clock: Clock, metrics: Metrics
    ) -> None:
        self._bus = bus
        self._registry = registry
        self._metering = metering
        self._topology = topology
        self._clock = clock
        self._metrics = metrics
        self._sources: dict[Place, Source] = {}
        self._by_stream: dict[int, list[Source]] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._followed = 0
        self.room = Room()
        self.heard: list[Callable[[Sequence[Row]], None]] = []
        """Called with rows as they are committed, once somebody follows something."""
        self.missed: list[Callable[[], None]] = []
        """Called where rows were lost on the way here."""

    def lost(self, frames: int) -> None:
        """Count frames that a slow client did not get."""
        self._metrics.stream_dropped.add(frames)

    def opened(self, change: int) -> None:
        """A client came, or went."""
        self._followed += change
        self._metrics.stream_subscribers.set(self._followed)

    def start(self) -> None:
        """Begin to listen, once."""
        if not self._tasks:
            subscription = self._bus.subscribe((TOPIC,), size=WAITING)
            self._tasks = [
                asyncio.create_task(self._listen(subscription), name="live readings"),
                asyncio.create_task(self._again(), name="live channels"),
            ]

    async def prepare(self, caller: Principal, channel: Channel) -> None:
        """Make ready what a channel looks at, in turns: the graph of a large site would hold up everybody else."""
        if channel.kind == "topology" and caller.sees(str(channel.key)):
            await self._topology.prepare(caller.tenant, str(channel.key))

    def source(self, caller: Principal, channel: Channel) -> Source:
        """What a channel tells this caller. Raises `NotFound`, also for what it may not see."""
        made = self._made(caller, channel)
        return self._sources.get((caller.tenant, caller.sites, channel), made)

    def _made(self, caller: Principal, channel: Channel) -> Source:
        tenant, sites, name = caller.tenant, caller.sites, channel.name
        if channel.kind == "topology":
            site = str(channel.key)
            if not caller.sees(site) or not self._topology.has_known(tenant, site):
                raise NotFound("no such site")
            return PowerFlow(name, lambda: self._topology.look(tenant, site), lambda: self._of_site(tenant, site))
        number = int(channel.key)
        meters = self._metering.meters
        if channel.kind == "meter":
            meter = meters.get(tenant, number)
            if meter.kind != "virtual":
                if not caller.sees(meter.site):
                    raise NotFound("no such meter")
                stream = meters.find_stream(meter) if meter.takes_readings else None
                if stream is not None:
                    return OwnReadings(name, number, stream)
                fields = {field: found for field in NAMES if (found := meters.channel(meter, field)) is not None}
                return ForeignReadings(name, fields)
        asked = {f"{channel.kind}_id": number}

        def members() -> Sequence[tuple[Meter, int]]:
            return self._metering.members(tenant, sites=sites, **asked)

        return Sum(name, self._clock, members, meters.channel)

    def _of_site(self, tenant: str, site: str) -> list[Stream]:
        return [
            stream
            for block in self._registry.blocks(tenant, site)
            for device in self._registry.block_devices(block.id)
            for stream in self._registry.device_streams(device)
        ]

    def follow(self, caller: Principal, channel: Channel, source: Source, terms: Terms, member: Member) -> Callable[[], None]:
        """Tell a member of what the source says from now on, until the function that is returned is called."""
        place = (caller.tenant, caller.sites, channel)
        source = self._sources.setdefault(place, source)
        lane = source.lanes.get(terms)
        if lane is None:
            lane = source.lanes[terms] = Lane(terms)
        lane.members.add(member)
        if len(source.lanes) == 1 and len(lane.members) == 1:
            self._by_stream = None

        def leave() -> None:
            lane.members.discard(member)
            if lane.members:
                return
            lane.close()
            if source.lanes.get(terms) is lane:
                del source.lanes[terms]
            if not source.lanes and self._sources.get(place) is source:
                del self._sources[place]
                self._by_stream = None

        return leave

    def _indexed(self) -> dict[int, list[Source]]:
        """Made anew for the first rows after a change, so that a thousand clients who come together cost one of it."""
        if self._by_stream is None:
            self._by_stream = {}
            for source in self._sources.values():
                for stream in source.streams():
                    self._by_stream.setdefault(stream.id, []).append(source)
        return self._by_stream

    async def _again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            self._by_stream = None

    async def _listen(self, subscription: Subscription) -> None:
        async for delivery in subscription:
            if delivery.lost:
                self._miss(delivery.lost)
            if isinstance(delivery.message, list):
                self._take(delivery.message)

    def _miss(self, messages: int) -> None:
        """Messages of the bus, each of one row or more, were lost: nobody knows of which channels."""
        for source in self._sources.values():
            if not isinstance(source, OwnReadings | ForeignReadings):
                # A sum and a power flow are of what is in memory, which lost nothing.
                continue
            for lane in source.lanes.values():
                for member in lane.members:
                    member.missed(messages)
        for told in self.missed:
            told()

    def _take(self, rows: Sequence[Row]) -> None:
        by_stream = self._indexed()
        for row in rows:
            for source in by_stream.get(row.stream, ()):
                try:
                    source.heard(row, self._registry.stream(row.stream))
                except Exception:
                    # One row that cannot be shown must not silence the channel for everybody.
                    log.exception("a reading could not be shown live")
        for told in self.heard:
            told(rows)
