"""The one authority of alarms: samples, operators, devices and the clock all act on them through here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from wattline.alarms import commands, figures, floods, query, sieve
from wattline.alarms.book import Book, Places
from wattline.alarms.cascade import CascadeRule
from wattline.alarms.checks import check_operator, check_reason, check_shelf
from wattline.alarms.consistency import check
from wattline.alarms.draft import Draft
from wattline.alarms.engine import Engine
from wattline.alarms.model import Alarm, Change, Limit
from wattline.alarms.query import AlarmFilter, AlarmPage
from wattline.alarms.report import Report
from wattline.alarms.rules import default_rules
from wattline.alarms.silence import silent_since
from wattline.alarms.statistics import Statistics
from wattline.alarms.watch import OutOfService
from wattline.alarms.watchman import Watchman
from wattline.events.service import EventLog
from wattline.model.clock import MINUTE, Clock
from wattline.model.errors import NotFound, StorageFull, Unavailable
from wattline.model.record import Row
from wattline.state.database import Database

MOST_AT_ONCE = 20_000
"""Rows that are evaluated in one go; whoever else needs the event loop gets it in between."""


class Alarms:
    """The alarms of every tenant.

    `publish` is called with the topic "alarm" and a `model.Change`, after the commit and in order. `rules` say which alarms are
    consequences of which (`rules.read_rules`). `shared` is whether other processes decide on the same database: by default
    where it is PostgreSQL. Once in `note_every` us it is stored up to where each sensor was evaluated, so that what is older
    and comes after a restart is recognised as late.

    Every method that changes something is one transaction with its events: on any failure nothing has changed, here or in the
    store. `Unavailable` where the store cannot be written now. A sensor of another tenant does not exist (`NotFound`).
    """

    def __init__(
        self,
        database: Database,
        events: EventLog,
        registry: Places,
        clock: Clock,
        publish: Callable[[str, object], None],
        *,
        rules: Sequence[CascadeRule] | None = None,
        shared: bool | None = None,
        note_every: int = MINUTE,
    ) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._book = Book(registry, default_rules() if rules is None else rules)
        self._engine = Engine(database, events, self._book, clock, publish, note_every)
        self._watchman = Watchman(database, events, registry, self._engine, clock)
        self._shared = not database.is_sqlite if shared is None else shared
        self._working: set[asyncio.Task[list[Change]]] = set()

    async def load(self) -> None:
        """Read what is stored; to be called once, after the registry has loaded and before anything else."""
        await self._engine.load()
        await self._watchman.start()

    async def take(self, rows: Sequence[Row]) -> None:
        """Evaluate every sample of a sensor with limits, in order. Rows that were taken before change nothing.

        All transitions of a batch of up to 20,000 rows are one transaction.
        """
        for start in range(0, len(rows), MOST_AT_ONCE):
            part = rows[start : start + MOST_AT_ONCE]
            # While something is being decided, it may be that a sensor of these rows is given its first limits.
            if self._engine.idle and self._book.limited.keys().isdisjoint(row.stream for row in part):
                continue
            try:
                await self._engine.decide(partial(sieve.sift, rows=part))
            except StorageFull as error:
                # To the pipeline a full disk is a store that is away: the rows stay in the journal, and are offered again.
                raise Unavailable(str(error)) from error
            if start:
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Make everything durable that `take` has done: afterwards the journal may forget the rows."""
        await self._engine.settle()

    async def tick(self) -> None:
        """What the passing of time does; to be called every second.

        Shelves expire, silent sensors are noticed, floods begin and end, and what other processes decided is taken over.
        """
        if self._shared:
            await self._engine.refresh()
        await self._watchman.go_round()

    async def set_limits(self, tenant: str, sensor_id: int, limits: Sequence[Limit]) -> None:
        """Give a sensor these limits in place of all it had; its newest reading is judged by them at once.

        An alarm whose limit is gone returns to normal, or ends if no limit is left. Raises `Invalid` for limits that cannot be
        meant together.
        """
        await self.set_all_limits(tenant, {sensor_id: limits})

    async def set_all_limits(self, tenant: str, limits: Mapping[int, Sequence[Limit]]) -> None:
        """`set_limits` for many sensors, all of them or none."""
        wanted = {sensor: tuple(those) for sensor, those in limits.items()}
        for sensor, those in wanted.items():
            self._registry.point(tenant, sensor)
            check(those)

        def decision(draft: Draft) -> None:
            for sensor, those in wanted.items():
                commands.set_limits(draft, sensor, those)

        await self._act(decision)
        self._watchman.expect(self._book.watch(sensor) for sensor in wanted)

    def limits(self, sensor_id: int) -> tuple[Limit, ...]:
        """The limits of a sensor; for a point that the caller has resolved in its tenant."""
        found = self._book.stored(sensor_id)
        return () if found is None else found.limits

    async def acknowledge(self, tenant: str, sensor_id: int, operator: str) -> Alarm:
        """ACTIVE becomes ACKED, RTN_UNACK becomes CLEARED; `NotFound` in any other state."""
        operator = check_operator(operator)
        return await self._command(tenant, sensor_id, partial(commands.acknowledge, operator=operator))

    async def shelve(self, tenant: str, sensor_id: int, operator: str, reason: str, duration_us: int) -> Alarm:
        """Hide an alarm for half an hour to 24 hours; `NotFound` unless it is ACTIVE, ACKED or RTN_UNACK."""
        operator, reason, duration = check_operator(operator), check_reason(reason), check_shelf(duration_us)
        shelve = partial(commands.shelve, operator=operator, reason=reason, duration=duration)
        return await self._command(tenant, sensor_id, shelve)

    async def unshelve(self, tenant: str, sensor_id: int, operator: str) -> Alarm:
        """Show it again before its time: ACTIVE if it is in force, else CLEARED; `NotFound` unless SHELVED."""
        operator = check_operator(operator)
        return await self._command(tenant, sensor_id, partial(commands.unshelve, operator=operator))

    async def take_out_of_service(self, tenant: str, sensor_id: int, operator: str, reason: str) -> Alarm | None:
        """Show no alarm of the sensor until `return_to_service`; its live alarm. Nothing happens where it is out already."""
        operator, reason = check_operator(operator), check_reason(reason)
        self._registry.point(tenant, sensor_id)
        act = partial(commands.take_out_of_service, sensor=sensor_id, operator=operator, reason=reason)
        return self._first(await self._act(act), sensor_id)

    async def return_to_service(self, tenant: str, sensor_id: int, operator: str) -> Alarm | None:
        """Show the alarm of the sensor again: ACTIVE if in force, else CLEARED. Nothing happens where it is in service."""
        operator = check_operator(operator)
        self._registry.point(tenant, sensor_id)
        act = partial(commands.return_to_service, sensor=sensor_id, operator=operator)
        return self._first(await self._act(act), sensor_id)

    def out_of_service(self, sensor_id: int) -> OutOfService | None:
        """Since when and why a sensor is out of service; for a point that the caller has resolved in its tenant."""
        found = self._book.stored(sensor_id)
        return None if found is None else found.out

    async def report(self, tenant: str, sensor_id: int, report: Report) -> Alarm | None:
        """Take in what a device annunciates by itself; the live alarm of the sensor.

        What was delivered before, or is older than the newest report about the sensor, changes nothing.
        """
        self._registry.point(tenant, sensor_id)
        await self._act(partial(commands.report, sensor=sensor_id, found=report), report.identity)
        return self.live(sensor_id)

    def live(self, sensor_id: int) -> Alarm | None:
        """The alarm of a sensor that is not CLEARED; for a point that the caller has resolved in its tenant."""
        return self._book.alarm(sensor_id)

    def is_stale(self, sensor_id: int) -> int | None:
        """The time of the newest reading (us) of a sensor that is silent for more than three polls, and 30 s at least.

        None for one that is heard of, that never was, or of which nothing is expected: no limits and no poll interval.
        """
        point = self._registry.any_point(sensor_id)
        if point.sensor.poll_ms is None and not self.limits(sensor_id):
            return None
        return silent_since(point, self._clock.micros())

    async def query(self, tenant: str, where: AlarmFilter, offset: int = 0, limit: int = 100) -> AlarmPage:
        """Alarms, live or ended: P0 before P3, then the newest raise first; at most `limit` (0 to 1000) after `offset`."""
        async with self._database.read() as connection:
            return await query.page(connection, tenant, where, offset, limit)

    async def alarm(self, tenant: str, alarm_id: int) -> Alarm:
        """One alarm by its id, live or ended; `NotFound` if the tenant has none."""
        async with self._database.read() as connection:
            found = await query.by_id(connection, tenant, alarm_id)
        if found is None:
            raise NotFound(f"No alarm {alarm_id}")
        return found

    async def statistics(self, tenant: str, block_id: int | None = None, sites: Collection[str] | None = None) -> Statistics:
        """How the alarms of a tenant stand, or those of one block; `sites` leaves out all other sites."""
        blocks = [block for block in self._registry.blocks(tenant) if sites is None or block.site.key in sites]
        ids = {block.id for block in blocks if block_id is None or block.id == block_id}
        whole = block_id is None and sites is None
        scope = figures.Scope(tenant, block_id, sites, {floods.WHOLE} if whole else ids)
        out = [sensor for sensor in self._book.out if self._registry.any_point(sensor).block.id in ids]
        now = self._clock.micros()
        stale = [
            watch.sensor
            for watch in self._book
            if watch.limits and watch.point.block.id in ids and silent_since(watch.point, now) is not None
        ]
        async with self._database.read() as connection:
            return await figures.statistics(connection, scope, now, len(out), sorted(stale))

    async def _command(self, tenant: str, sensor_id: int, command: Callable[..., None]) -> Alarm:
        self._registry.point(tenant, sensor_id)
        found = self._first(await self._act(partial(command, sensor=sensor_id)), sensor_id)
        if found is None:
            raise NotFound(f"No active alarm for sensor {sensor_id}")
        return found

    def _first(self, changes: Sequence[Change], sensor_id: int) -> Alarm | None:
        """What a command made of the alarm of a sensor: the first that is told, before anything follows from it."""
        return next((change.alarm for change in changes if change.alarm.sensor == sensor_id), self.live(sensor_id))

    async def _act(self, decision: Callable[[Draft], None], identity: str | None = None) -> list[Change]:
        """Decide, to the end even where the caller goes away: what was committed must be told."""
        task = asyncio.create_task(self._engine.decide(decision, identity))
        self._working.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[list[Change]]) -> None:
        self._working.discard(task)
        if not task.cancelled():
            # Told to the caller; looked at here for one that went away.
            task.exception()
