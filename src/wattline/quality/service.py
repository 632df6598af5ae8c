"""Power quality as one service: thresholds, what follows readings, doors for finer data, and what is asked of the events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.service import EventLog
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.model.clock import MINUTE, Clock
from wattline.model.errors import Fault, Faulty, NotFound, StorageFull, Unavailable
from wattline.model.record import Row
from wattline.quality import readings, store
from wattline.quality.calm import Calm
from wattline.quality.causes import Causes
from wattline.quality.config import Config
from wattline.quality.configs import Configs, Watched
from wattline.quality.disturbance import Disturbance, Method
from wattline.quality.finishing import Finishing
from wattline.quality.indices import Group, counted
from wattline.quality.lane import Lane, LaneName, Times, Values
from wattline.quality.ledger import KIND, Ledger, Told
from wattline.quality.marks import some
from wattline.quality.pages import Page, Place
from wattline.quality.protection.service import Protection
from wattline.quality.readings import Source, is_flagged
from wattline.quality.reported import Reported
from wattline.quality.reported import write as write_reported
from wattline.quality.row import QualityEvent
from wattline.quality.store import Which
from wattline.quality.waveform import Capture
from wattline.registry.service import Registry
from wattline.resources.service import Resources
from wattline.state.database import Database

SAVE_EVERY = MINUTE
"""How often the lanes of meters with nothing open are written: after a crash their window means lack at most this much."""
JUDGED_AT_ONCE = 20
"""Meters that are judged before others get their turn."""
ROWS_AT_ONCE = 200
"""Readings of one meter that are judged together: what is found in them is one transaction, for which all others wait."""
MOST_EVENTS = 500
"""That one series or capture may begin, change or end."""
SAVED_AT_ONCE = 500
Publish = Callable[[str, object], None]
_copy_in = msgspec.msgpack.Encoder().encode
_copy_out = msgspec.msgpack.Decoder(Lane).decode


class Judged(msgspec.Struct, frozen=True):
    """What became of finer data: how many samples were judged, how many came too late for that, and the events that began,
    changed their type or ended with them."""

    judged: int
    late: int
    events: tuple[QualityEvent, ...]


class _Batch(msgspec.Struct):
    """What is judged together and becomes true together."""

    drafts: dict[tuple[int, LaneName], Lane] = {}
    meters: dict[tuple[int, LaneName], Meter] = {}
    changes: list[tuple[Meter, LaneName, Disturbance]] = []
    judged: list[tuple[Calm, tuple[int, LaneName], Times]] = []
    causes: Causes = msgspec.field(default_factory=Causes)
    late: int = 0

    @property
    def full(self) -> bool:
        """Whether there is enough to write."""
        return len(self.changes) >= ROWS_AT_ONCE

    def add(self, meter: Meter, told: Sequence[Disturbance], late: int) -> None:
        """What came of readings of a meter."""
        self.changes += [(meter, "readings", event) for event in told]
        self.late += late


class PowerQuality:
    """The power quality of every tenant's meters. Call `load` once, after the resources have loaded, and `tick` every second.

    `publish` is called with "pq.event" and a `ledger.Told`, after the commit and in order. Events, their places in the log and
    what is remembered of a meter are one transaction: a failure leaves everything as it was.
    """

    def __init__(
        self,
        resources: Resources,
        metering: Metering,
        registry: Registry,
        database: Database,
        events: EventLog,
        clock: Clock,
        publish: Publish,
    ) -> None:
        self._metering = metering
        self._database = database
        self._events = events
        self._clock = clock
        self._publish = publish
        self._turn = asyncio.Lock()
        self._lanes: dict[tuple[int, LaneName], Lane] = {}
        self._unsaved: dict[tuple[int, LaneName], Meter] = {}
        self._saved = clock.micros()
        self._finishing = Finishing()
        self._calm: dict[tuple[int, int], Calm] = {}
        self.configs = Configs(resources, metering)
        self.protection = Protection(metering, registry, database, events, clock, publish)
        self.late = 0
        """Readings that were not judged, because newer ones of their meter had been."""

    async def load(self) -> None:
        """Read what is open, where every meter was, and the breakers."""
        await self.protection.load()
        async with self._database.read() as connection:
            found = await store.all_lanes(connection)
        self._lanes = {(meter, "fine" if name == "fine" else "readings"): lane for (meter, name), lane in found.items()}

    async def tick(self) -> None:
        """What is due every second."""
        self.configs.forget()

    async def take(self, rows: Sequence[Row]) -> None:
        """Judge the readings of meters that have a config, and what readings tell of breakers.

        Rows that were taken before change nothing.
        """
        await self.protection.take(rows)
        streams = self.configs.streams
        mine: dict[int, list[Row]] = {}
        for row in rows:
            if row.stream in streams:
                mine.setdefault(row.stream, []).append(row)
        if not mine:
            return
        # A config that is changed meanwhile changes what is in `streams`.
        work = [(watched, source, some) for stream, some in mine.items() for watched, source in streams[stream]]
        async with self._turn:
            batch = _Batch()
            for watched, source, some in work:
                for at in range(0, len(some), ROWS_AT_ONCE):
                    if at or batch.full:
                        await self._finish(batch)
                        batch = _Batch()
                    if self._follow(batch, watched, source, some[at : at + ROWS_AT_ONCE]) and (
                        at or len(batch.drafts) % JUDGED_AT_ONCE == 0
                    ):
                        # Whoever else needs the event loop gets it in between.
                        await asyncio.sleep(0)
            await self._finish(batch)

    async def _finish(self, batch: _Batch) -> None:
        """Write what was found in readings, and make it what is."""
        try:
            await self._commit(batch.changes, batch.drafts, batch.causes)
        except StorageFull as error:
            # To the pipeline a full disk is a store that is away: the rows stay in the journal, and are offered again.
            raise Unavailable(str(error)) from error
        for calm, name, times in batch.judged:
            calm.judged(self._lanes[name], times)
            self._calm[calm.watched.meter.id, calm.source.stream] = calm
        self._unsaved |= batch.meters
        self.late += batch.late

    def _follow(self, batch: _Batch, watched: Watched, source: Source, rows: Sequence[Row]) -> bool:
        """Judge readings of one meter, and those that waited; False where these wait too."""
        place = watched.meter.id, source.stream
        calm = self._calm.get(place)
        if calm is not None and calm.watched is watched and calm.wait(rows):
            return False
        name: tuple[int, LaneName] = (watched.meter.id, "readings")
        lane = batch.drafts.get(name)
        if lane is None:
            lane = batch.drafts[name] = self._draft(name)
            batch.meters[name] = watched.meter
        if watched.meter.takes_readings:
            batch.causes.add(watched.meter.id, source, rows)
        times, values = readings.samples(rows, source.places)
        if calm is not None and calm.times:
            waited, before = calm.waiting()
            if calm.watched is watched:
                times, values = np.concatenate([waited, times]), np.concatenate([before, values])
            else:
                # They came before the thresholds were changed.
                batch.add(watched.meter, *readings.feed(lane, calm.watched.meter, calm.watched.config, waited, before))
        batch.add(watched.meter, *readings.feed(lane, watched.meter, watched.config, times, values))
        if calm is None or calm.watched is not watched:
            calm = Calm(watched, source)
        batch.judged.append((calm, name, times))
        return True

    async def settle(self) -> None:
        """Make durable what must not be lost: every lane with an open event, and now and then all others."""
        await self.protection.settle()
        now = self._clock.micros()
        everything = now - self._saved >= SAVE_EVERY
        async with self._turn:
            due = [name for name in self._unsaved if everything or not self._lanes[name].idle]
            for start in range(0, len(due), SAVED_AT_ONCE):
                await self._save(due[start : start + SAVED_AT_ONCE])
            if everything:
                self._saved = now

    async def _save(self, names: Sequence[tuple[int, LaneName]]) -> None:
        """Write lanes, and the extremes so far of the events that are open in them."""
        tenants: dict[str, list[tuple[int, str, Lane]]] = {}
        async with self._database.transaction() as connection:
            for name in names:
                lane, meter = self._lanes[name], self._unsaved[name]
                for event in lane.open:
                    await self._refresh(connection, meter, name[1], event)
                tenants.setdefault(meter.tenant, []).append((*name, lane))
            for tenant, some in tenants.items():
                await store.save_lanes(connection, tenant, some)
        for name in names:
            del self._unsaved[name]

    async def _refresh(self, connection: AsyncConnection, meter: Meter, lane: LaneName, event: Disturbance) -> None:
        """Let what is shown of an open event have its extremes so far."""
        if event.row is not None:
            await Ledger(connection, self._events, self._clock.micros()).found(meter, lane, event)

    def _draft(self, name: tuple[int, LaneName]) -> Lane:
        known = self._lanes.get(name)
        return Lane() if known is None else _copy_out(_copy_in(known))

    async def _commit(
        self,
        changes: Sequence[tuple[Meter, LaneName, Disturbance]],
        drafts: Mapping[tuple[int, LaneName], Lane],
        causes: Causes | None = None,
    ) -> list[QualityEvent]:
        """Write what was found with the lanes that found it, and make the drafts what is."""
        written: list[QualityEvent] = []
        told: Sequence[Told] = ()
        if changes:
            async with self._database.transaction() as connection:
                ledger = Ledger(connection, self._events, self._clock.micros(), causes)
                for meter, lane, event in changes:
                    written.append(await ledger.found(meter, lane, event))
                for tenant, number, name in dict.fromkeys((meter.tenant, meter.id, lane) for meter, lane, _ in changes):
                    await store.save_lanes(connection, tenant, [(number, name, drafts[number, name])])
                told = await ledger.close()
        self._lanes.update(drafts)
        for each in told:
            self._publish(KIND, each)
        return written

    async def take_rms(
        self, meter: Meter, times: Times, volts: Values, *, names: tuple[str, ...], method: Method, resolution: int
    ) -> Judged:
        """Judge a series of RMS voltages (V), samples x channels, in the order of their times (us), `resolution` us apart."""
        return await self._finishing.run(self._take_fine(meter, times, volts, names, method, resolution, None))

    async def take_capture(self, meter: Meter, capture: Capture, names: tuple[str, ...]) -> Judged:
        """Judge what was measured in samples."""
        resolution = round(500_000 / capture.frequency)
        work = self._take_fine(meter, capture.times, capture.volts, names, "waveform", resolution, capture)
        return await self._finishing.run(work)

    async def _take_fine(
        self,
        meter: Meter,
        times: Times,
        volts: Values,
        names: tuple[str, ...],
        method: Method,
        resolution: int,
        capture: Capture | None,
    ) -> Judged:
        name: tuple[int, LaneName] = (meter.id, "fine")
        config = readings.config_for(self.configs.config(meter), meter, names)
        async with self._turn:
            lane = self._draft(name)
            last = lane.rms.last
            use = some(~np.isnan(volts))
            use &= np.ones(len(times), bool) if last is None else times > last
            told: list[Disturbance] = []
            if use.any():
                follow = partial(lane.feed_rms, names=names, method=method, resolution=resolution)
                told += await asyncio.to_thread(follow, times[use], volts[use], config)
            if capture is not None:
                told += await asyncio.to_thread(self._take_steady, lane, capture, config)
            if len(told) > MOST_EVENTS:
                raise Faulty([Fault("/channels", "too_many_events", f"there are more than {MOST_EVENTS} events in this")])
            events = await self._commit([(meter, "fine", event) for event in told], {name: lane})
            self._unsaved[name] = meter
        return Judged(int(use.sum()), int((~use).sum()), tuple(events))

    def _take_steady(self, lane: Lane, capture: Capture, config: Config) -> list[Disturbance]:
        """Judge the windows of a capture; those in which a voltage was beyond its threshold are flagged."""
        new = np.ones(len(capture.windows), bool) if lane.levelled is None else capture.windows > lane.levelled
        if not new.any():
            return []
        beyond = is_flagged(capture.volts / config.nominal_voltage, config)
        half = round(500_000 / capture.frequency)
        width = int(capture.windows[1] - capture.windows[0]) if len(capture.windows) > 1 else 20 * half
        flagged = np.array(
            [
                bool(beyond[(capture.times > end - width - half) & (capture.times < end + half)].any())
                for end in capture.windows[new]
            ]
        )
        steady = capture.steady
        chosen = type(steady)(steady.thd[new], steady.imbalance[new], steady.frequency[new], steady.assumed[new])
        return lane.feed_steady(capture.windows[new], chosen, flagged, config, method="waveform", resolution=width)

    async def report(self, meter: Meter, found: Reported) -> tuple[QualityEvent, bool]:
        """Take in an event that a meter detected by itself; whether it is new.

        One with the same `source_event_id` is the same event: its end may be told later. Raises `Conflict` where it says
        something else of an event that has ended.
        """
        return await self._finishing.run(self._report(meter, found))

    async def _report(self, meter: Meter, found: Reported) -> tuple[QualityEvent, bool]:
        async with self._turn:
            async with self._database.transaction() as connection:
                ledger = Ledger(connection, self._events, self._clock.micros())
                event, is_new = await write_reported(connection, ledger, meter, found, self.configs.config(meter))
                told = await ledger.close()
            for each in told:
                self._publish(KIND, each)
        return event, is_new

    async def query(self, which: Which, place: Place | None = None, limit: int = 50) -> Page[QualityEvent]:
        """Events by descending (start, id), at most `limit`, and how many match in all."""
        async with self._database.read() as connection:
            return await store.newest_first(connection, which, self._clock.micros(), place, limit)

    async def event(self, tenant: str, number: int, meters: Collection[int] | None = None) -> QualityEvent:
        """One event, also one that another shows better. Raises `NotFound`; `meters` are those that the caller may see."""
        async with self._database.read() as connection:
            found = await store.by_id(connection, tenant, number)
        if found is None or (meters is not None and found.meter not in meters):
            raise NotFound("no such event")
        return found

    async def counts(self, tenant: str, meters: Collection[int] | None, start: int, end: int) -> dict[int, dict[str, Any]]:
        """What `indices.counted` says of each meter that has a config or an event, for events that began in [start, end)."""
        async with self._database.read() as connection:
            found = await store.groups(connection, tenant, meters, start, end)
        watched = (resource.body["meter_id"] for resource in self.configs.all(tenant))
        each: dict[int, list[Group]] = {number: [] for number in watched if meters is None or number in meters}
        for group in found:
            each.setdefault(group.meter, []).append(group)
        return {number: counted(groups) for number, groups in each.items()}
