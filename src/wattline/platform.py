"""The composition root: builds every part once, starts it, stops it in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import sqlalchemy as sa

from wattline.alarms.model import Change
from wattline.alarms.rules import read_rules
from wattline.alarms.service import Alarms
from wattline.alerting import AnomalyMail, alert_settings, transport
from wattline.analytics.feed import FrequencyFeed, ScoreStore
from wattline.analytics.limits import limits_for
from wattline.analytics.service import ScoringService
from wattline.analytics.settings import Interconnection, ScoringSettings
from wattline.billing.energy import Energy
from wattline.billing.modes import ModeHistory
from wattline.billing.tariffs.keeper import Tariffs as TariffKeeper
from wattline.bus.memory import MemoryBus
from wattline.changes.service import ChangeLog
from wattline.charging.constraints import Constraints
from wattline.charging.schedules import Schedules
from wattline.events.service import EventLog
from wattline.feeders.service import Feeders
from wattline.forecasting.metered import MeteredHistory
from wattline.forecasting.service import Forecasting
from wattline.gateways.dead_letters import DeadLetters
from wattline.gateways.happenings import Happenings
from wattline.households.service import Households
from wattline.identity.oauth.service import OAuth
from wattline.identity.projects import given_secrets
from wattline.identity.service import Identity
from wattline.ingest.edge_series import EdgeSeries
from wattline.ingest.energy_series import EnergySeries
from wattline.ingest.pipeline import Options, Pipeline
from wattline.jobs.service import Jobs
from wattline.markets.service import Markets
from wattline.measure import PipelineMeter
from wattline.metering import fields
from wattline.metering.energy.service import Energy as MeterEnergy
from wattline.metering.energy.shelf import Shelf
from wattline.metering.export.service import WORKFLOW as EXPORT
from wattline.metering.export.service import Exports
from wattline.metering.figures.service import Figures
from wattline.metering.figures.tariffs import Tariffs
from wattline.metering.occurrences.service import Occurrences
from wattline.metering.readings.failures import SignatureFailures
from wattline.metering.readings.service import Readings
from wattline.metering.service import Metering
from wattline.metrics import Metrics
from wattline.model.clock import DAY, SECOND, Clock, SystemClock
from wattline.model.errors import QueueFull, WattlineError
from wattline.mqtt import mqtt_gateway
from wattline.notify.model import PRIVATE, Alert
from wattline.notify.service import Notify
from wattline.outages.service import Outages
from wattline.pulse import Pulse
from wattline.quality.service import PowerQuality
from wattline.registry.listings import Listings
from wattline.registry.service import Registry
from wattline.resources.service import Resources
from wattline.settings import Settings
from wattline.state.database import Database
from wattline.state.lock import DirectoryLock
from wattline.state.migrate import migrate
from wattline.topology.service import Topology

ROLLUP_SECONDS = 10
RETAIN_SECONDS = 3600
USAGE_SECONDS = 60
EXPORT_SECONDS = 60
KEY_SECONDS = 1


def retention(settings: Settings) -> dict[str, int]:
    """How long each telemetry table keeps its rows, in microseconds."""
    return {
        "readings": settings.retention_raw_days * DAY,
        "records": settings.retention_raw_days * DAY,
        "replaced_readings": settings.retention_minute_days * DAY,
        "tier_1m": settings.retention_minute_days * DAY,
        "tier_5m": settings.retention_5m_days * DAY,
        "tier_1h": settings.retention_hour_days * DAY,
        "tier_1d": settings.retention_day_days * DAY,
    }


def interconnections(settings: Settings) -> ScoringSettings:
    """The nominal frequency that each tenant's readings are judged by."""
    named = {tenant: Interconnection(tenant, limits_for(nominal)) for tenant, nominal in settings.tenant_nominal_hz.items()}
    return ScoringSettings(default=Interconnection("default", limits_for(settings.nominal_hz)), tenants=named)


class Platform:
    """Everything a contract may use. Built and started by `open`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        """Set before the drain: endless responses end themselves when they see it."""
        self.bus = MemoryBus()
        self.database = Database(settings.state_url)
        self.jobs = Jobs(settings.state_url, clock)
        self.registry = Registry(self.database, settings.max_streams, clock)
        self.identity = Identity(
            self.database, clock, project_secrets=given_secrets(settings.default_tenant, settings.flux_jwt_secret)
        )
        self.oauth = OAuth(self.database, clock)
        self.pipeline = Pipeline(
            Options(
                settings.data / "journal.db",
                settings.telemetry_url,
                settings.journal_max_bytes,
                retention(settings),
                by_receipt={fields.LAYOUT.name},
            ),
            self.registry,
            clock,
            PipelineMeter(self.metrics),
            partial(self.bus.publish, "rows"),
        )
        self.ingest, self.series = self.pipeline.ingest, self.pipeline.series
        self.events = EventLog(self.database)
        self.changes = ChangeLog(self.database, clock)
        self.resources = Resources(self.database, clock)
        self.metering = Metering(self.resources, self.registry, self.database, clock, settings.nominal_of)
        self.quality = PowerQuality(
            self.resources, self.metering, self.registry, self.database, self.events, clock, self.bus.publish
        )
        self.pipeline.follow("quality", self.quality.take, self.quality.settle)
        ahead = round(settings.max_future_seconds * SECOND)
        self.readings = Readings(self.metering.meters, self.pipeline, clock, ahead=ahead)
        self.occurrences = Occurrences(self.registry, self.pipeline.received, self.events, clock)
        self.signature_failures = SignatureFailures(self.database, self.events, clock)
        self._have_topology()
        references = self.metering.references
        self.tariffs = TariffKeeper(self.resources, references, clock)
        self.schedules, self.constraints = Schedules(self.resources, references), Constraints(self.resources, references)
        self._have_figures(settings, clock)
        self.forecasting = Forecasting(MeteredHistory(self.figures), clock)
        self.listings = Listings(self.registry, self.changes, clock)
        self.markets = Markets(self.database, self.changes, clock)
        rules = None if settings.alarm_cascade_file is None else read_rules(settings.alarm_cascade_file)
        # Shared also on SQLite: an import of a point schedule is another process beside the server.
        self.alarms = Alarms(self.database, self.events, self.registry, clock, self._publish_alarm, rules=rules, shared=True)
        self.pipeline.follow("alarms", self.alarms.take, self.alarms.settle)
        meters = EnergySeries(self.pipeline.writer, self.pipeline.rollup, self.pipeline.engine, clock, retention(settings))
        self.energy = Energy(self.registry, meters, ModeHistory(self.events), clock)
        self.dead_letters = DeadLetters(self.database, clock)
        self.happenings = Happenings(self.database, self.events, self.registry, partial(self.bus.publish, "happening"))
        self.mqtt = mqtt_gateway(settings, self.identity, self.dead_letters, clock)
        self.each_second: list[Callable[[], Awaitable[None]]] = [self._refresh_registry, self.changes.follow, self.alarms.tick]
        """Called every second while the platform is open; a contract adds what it must look after."""
        self.notify = Notify(
            self.database, clock, alert_settings(settings), transport(settings), settings.smtp_sender, self._alert_changed
        )
        self.feeders = Feeders(self.database, self.events, self.notify, clock, partial(self.bus.publish, "event"))
        self.outages = Outages(self.database, self.events, partial(self.bus.publish, "outage"))
        self.households = Households(
            self.database,
            self.registry,
            self.identity,
            self.pipeline,
            self.notify,
            clock,
            ahead=ahead,
            kept=settings.retention_raw_days * DAY,
            token_seconds=settings.household_token_seconds,
            grace_seconds=settings.household_token_grace_seconds,
        )
        self.each_second += [self.households.meters.refresh, self.resources.refresh, self.metering.refresh, self.quality.tick]
        self.scoring = ScoringService(
            self.database,
            FrequencyFeed(self.registry, self.series),
            ScoreStore(self.registry, self.ingest, clock),
            clock,
            interconnections(settings),
            AnomalyMail(self.notify),
        )
        self.pulse = Pulse(clock, self.check)
        self._gates_open = False
        self._let_metrics_read()

    def _let_metrics_read(self) -> None:
        self.metrics.dead_letters.source = lambda: sum(self.dead_letters.totals.values())
        if self.mqtt is not None:
            health = self.mqtt.health
            self.metrics.mqtt_received.source = lambda: health.received
            self.metrics.mqtt_acknowledged.source = lambda: health.acknowledged
            self.metrics.mqtt_pending.source = lambda: health.pending
            self.metrics.mqtt_connected.source = lambda: health.connected
        self.metrics.journal_bytes.source = lambda: self.ingest.backlog_bytes
        self.metrics.follower_bytes.source = lambda: self.pipeline.follower_lag
        self.metrics.journal_rows.source = lambda: self.ingest.backlog_rows

    def _have_figures(self, settings: Settings, clock: Clock) -> None:
        path = self.pipeline
        edges = EdgeSeries(path.writer, path.rollup, path.engine, clock, retention(settings))
        rates_of = Tariffs(self.resources, self.metering).rates_of
        energy = MeterEnergy(edges, self.registry.stream, clock, Shelf(settings.data / "energy"))
        self.figures = Figures(self.metering, energy, self.series, clock, rates_of)
        path.listeners.append(self.figures.energy.heard)
        self.exports = Exports(
            self.database, self.figures, self.series, edges, settings.data / "exports", clock, self.jobs.start
        )
        self.jobs.workflow(EXPORT, partial(self.exports.workflow, self.jobs.step))

    def _have_topology(self) -> None:
        told = self.quality.protection
        self.topology = Topology(self.resources, self.metering, self.series, self.clock, told.breakers, told.breakers_at)
        self.pipeline.listeners.append(self.topology.heard)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, clock: Clock | None = None) -> AsyncIterator[Platform]:
        """A started platform on `settings.data`, which no other process may use meanwhile (`StoreLocked`)."""
        async with AsyncExitStack() as stack:
            stack.enter_context(DirectoryLock(settings.data))
            platform = cls(settings, clock or SystemClock())
            stack.callback(platform.bus.close)
            stack.push_async_callback(platform.database.close)
            await migrate(platform.database)
            await platform.registry.load()
            await platform.households.meters.load()
            await platform.changes.load()
            await platform.resources.load()
            await platform.metering.load()
            await platform.quality.load()
            await platform.alarms.load()
            await platform.pipeline.start()
            stack.push_async_callback(platform.pipeline.stop)
            await platform._start_jobs(stack)
            yield platform

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        self.jobs.periodic("tiers", ROLLUP_SECONDS, self._roll_up)
        self.jobs.periodic("retention", RETAIN_SECONDS, self._retain, durable=True)
        self.jobs.periodic("scoring", self.settings.scoring_seconds, self._score, durable=True)
        self.jobs.periodic("keys", KEY_SECONDS, self._refresh_keys)
        self.jobs.periodic("seconds", 1, self._second)
        self.jobs.periodic("energy", ROLLUP_SECONDS, self._save_energy)
        self.jobs.periodic("exports", EXPORT_SECONDS, self._resume_exports)
        self.jobs.periodic("prune", RETAIN_SECONDS, self._prune)
        self.households.schedule(self.jobs)
        self.jobs.periodic("key-usage", USAGE_SECONDS, self._flush_usage)
        stack.push_async_callback(self.identity.flush_usage)
        stack.push_async_callback(self.oauth.flush_usage)
        await self.jobs.launch()
        stack.push_async_callback(self.jobs.stop)
        burying = asyncio.create_task(self.dead_letters.run(), name="dead letters")
        stack.push_async_callback(self._bury_last, burying)
        mailing = asyncio.create_task(self.notify.run(), name="mail")
        stack.push_async_callback(_cancelled, mailing)
        stack.push_async_callback(self._close_gates)

    async def open_gates(self) -> None:
        """Take messages in from now on: every contract has subscribed to its topics. Raises `Unavailable`."""
        if self.mqtt is not None:
            await self.mqtt.start()
            self._gates_open = True

    async def _close_gates(self) -> None:
        if self._gates_open and self.mqtt is not None:
            await self.mqtt.stop()

    async def _bury_last(self, task: asyncio.Task[None]) -> None:
        await _cancelled(task)
        with contextlib.suppress(WattlineError):
            await self.dead_letters.flush()

    async def _second(self, _slot: int) -> None:
        failures = []
        for due in self.each_second:
            try:
                await due()
            except Exception as error:  # one that fails must not keep the others from their turn
                failures.append(error)
        if failures:
            raise ExceptionGroup("what is due every second failed", failures)

    async def _refresh_registry(self) -> None:
        new = await self.registry.refresh()
        if new and self.pipeline.caught_up.is_set():
            await self.pipeline.learn(new)

    async def _resume_exports(self, _slot: int) -> None:
        await self.exports.resume()

    async def _save_energy(self, _slot: int) -> None:
        await self.figures.energy.save()

    async def _prune(self, _slot: int) -> None:
        await self.dead_letters.prune()
        await self.oauth.prune()
        await self.changes.prune()
        await self.exports.prune()

    async def _roll_up(self, _slot: int) -> None:
        started = time.perf_counter()
        await self.pipeline.rollup.advance()
        await self.pipeline.rollup.settle()
        self.metrics.tier_recompute_seconds.observe(time.perf_counter() - started)

    async def _retain(self, _slot: int) -> None:
        await self.pipeline.rollup.retain()

    async def _score(self, slot: int) -> None:
        started = time.perf_counter()
        await self.scoring.run(slot)
        self.metrics.scoring_seconds.observe(time.perf_counter() - started)

    async def _refresh_keys(self, _slot: int) -> None:
        await self.identity.refresh()

    async def _flush_usage(self, _slot: int) -> None:
        await self.identity.flush_usage()
        await self.oauth.flush_usage()

    def _publish_alarm(self, topic: str, message: object) -> None:
        if isinstance(message, Change):
            self.metrics.alarm_changes.add(1, message.kind)
        self.bus.publish(topic, message)

    def _alert_changed(self, alert: Alert) -> None:
        self.metrics.mail.add(1, alert.state)
        if alert.kind not in PRIVATE:
            self.bus.publish("alert", alert)

    async def check(self) -> None:
        """Raise `Unavailable` unless both stores answer and the journal has room."""
        if self.ingest.backlog_bytes >= self.settings.journal_max_bytes:
            raise QueueFull("the journal is full")
        await self.pipeline.reader.ping()
        async with self.database.read() as connection:
            await connection.execute(sa.text("SELECT 1"))

    def begin_stop(self) -> None:
        """Say that the server drains."""
        self.stopping.set()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
