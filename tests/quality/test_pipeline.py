"""Power quality behind the journal: what was committed is judged, also by the process that comes after a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.quality.site import TENANT, Site
from tests.stores import Spine, fresh_telemetry_url
from wattline.events.service import EventLog
from wattline.ingest.pipeline import Options, Pipeline
from wattline.metering.service import Metering
from wattline.model.clock import ManualClock
from wattline.quality.service import PowerQuality
from wattline.registry.service import Registry
from wattline.resources.service import Resources
from wattline.state.database import Database
from wattline.state.migrate import migrate


class Followed(Spine):
    """A spine whose journal power quality follows."""

    async def open(self) -> None:
        self.database = Database(f"sqlite+aiosqlite:///{self.directory}/state.db")
        await migrate(self.database)
        self.registry = Registry(self.database)
        await self.registry.load()
        options = Options(self.directory / "journal.db", self.telemetry_url, self.most_journal_bytes, {"readings": 10**15})
        self.pipeline = Pipeline(options, self.registry, self.clock, self.counts, self.counts.published.extend)
        resources = Resources(self.database, self.clock)
        metering = Metering(resources, self.registry, self.database, self.clock, lambda _tenant: 50)
        told: list[object] = []
        quality = PowerQuality(
            resources,
            metering,
            self.registry,
            self.database,
            EventLog(self.database),
            self.clock,
            lambda _topic, message: told.append(message),
        )
        await resources.load()
        await quality.load()
        self.site = Site(self.database, self.registry, metering, quality, told)
        self.pipeline.follow("quality", quality.take, quality.settle)
        await self.pipeline.start()

    async def judged(self) -> None:
        """Wait until every committed row was taken."""
        (follower,) = self.pipeline._followers
        async with asyncio.timeout(20):
            while follower._taken < follower._tail.committed:  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0)


async def test_a_crash_loses_no_event_and_tells_none_twice(tmp_path: Path, clock: ManualClock) -> None:
    spine = Followed(tmp_path, clock, fresh_telemetry_url())
    await spine.open()
    meter = await spine.site.meter()
    now = clock.micros() / 1_000_000
    stream = await spine.site.metering.stream(meter)
    for second, level in enumerate((1.0, 0.85, 0.7, 1.0, 1.2)):
        await spine.pipeline.ingest.submit([spine.site.volts(meter, now + second, level)])
    await spine.judged()
    before = [(event.id, event.type, event.end) for event in await spine.site.events(meter)]
    await spine.crash()

    await spine.open()
    await spine.judged()
    assert [(event.id, event.type, event.end) for event in await spine.site.events(meter)] == before
    assert spine.site.told == []
    await spine.pipeline.ingest.submit([spine.site.volts(meter, now + 9, 1.0)])
    await spine.judged()
    swell = (await spine.site.events(meter))[-1]
    assert (swell.type, swell.end) == ("swell", round((now + 9) * 1_000_000))
    assert spine.site.phases == [("end", swell.id)]
    log = await EventLog(spine.database).query(TENANT, kinds=["pq.event"])
    assert [event.body["phase"] for event in reversed(log.events)] == ["start", "end", "start", "end"]
    assert stream.id
    await spine.close()
