"""However the same samples are cut into batches, and wherever the process dies in between: the same alarms, told once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import pytest

from wattline.alarms.model import STATES, Alarm
from wattline.alarms.query import AlarmFilter
from wattline.model.clock import HOUR, ManualClock
from wattline.model.errors import NotFound
from wattline.model.record import Row
from wattline.registry.point import Point
from wattline.state.database import Database

from .plant import Plant, high, low

TAGS = ("ML-PUMP-A-SPEED", "ML-PUMP-B-SPEED", "ML-FLOW", "HOST-FLOW", "T")


@dataclass(frozen=True)
class Act:
    """What an operator tries between two samples."""

    what: str
    tag: str


@dataclass(frozen=True)
class Told:
    """A sample: seconds from the begin."""

    tag: str
    at: float
    value: float
    quality: int


def history(random: Random, length: int) -> list[Act | Told]:
    found: list[Act | Told] = []
    at = 0.0
    for _ in range(length):
        if random.random() < 0.1:
            what = random.choice(["acknowledge"] * 4 + ["shelve", "unshelve", "unshelve", "out", "back", "back"])
            found.append(Act(what, random.choice(TAGS)))
        at += random.choice([0, 0.2, 0.5, 1, 2])
        late = random.choice([0, 0, 0, 0, 3])
        found.append(
            Told(random.choice(TAGS), at - late, random.choice([0, 1, 2, 3, 4, 5, 6, 7]), random.choice([0, 0, 0, 1, 2]))
        )
    return found


async def furnish(plant: Plant, tenant: str) -> dict[str, Point]:
    limits = {
        "ML-PUMP-A-SPEED": [low(2, "P1", deadband=1)],
        "ML-PUMP-B-SPEED": [low(1, "P0", on_delay=1)],
        "ML-FLOW": [low(3, "P2", on_delay=1, off_delay=2)],
        "HOST-FLOW": [high(5, "P3"), high(6, "P0", "HH", on_delay=2), low(1, "P1")],
        "T": [high(4, "P2", deadband=1), high(6, "P1", "HH", off_delay=1), low(2, "P3", deadband=0.5)],
    }
    return {tag: await plant.add(tag, *limits[tag], subsystem="thermal-l2", tenant=tenant) for tag in TAGS}


async def act(plant: Plant, tenant: str, sensor: int, what: str) -> None:
    alarms = plant.alarms
    try:
        if what == "acknowledge":
            await alarms.acknowledge(tenant, sensor, "nick")
        elif what == "shelve":
            await alarms.shelve(tenant, sensor, "nick", "known", HOUR)
        elif what == "unshelve":
            await alarms.unshelve(tenant, sensor, "nick")
        elif what == "out":
            await alarms.take_out_of_service(tenant, sensor, "nick", "replaced")
        else:
            await alarms.return_to_service(tenant, sensor, "nick")
    except NotFound:
        pass


class Run:
    """One way through a history, for a tenant of its own."""

    def __init__(self, plant: Plant, tenant: str, points: dict[str, Point]) -> None:
        self.plant = plant
        self.tenant = tenant
        self.points = points
        self.unsettled: list[Row] = []
        self.waiting: list[Row] = []

    def row(self, told: Told) -> Row:
        time = self.plant.clock.micros() + round(told.at * 1_000_000)
        return Row(self.points[told.tag].stream.id, time, 0, (told.value,), told.quality)

    async def flush(self) -> None:
        await self.plant.alarms.take(self.waiting)
        self.unsettled += self.waiting
        self.waiting = []

    async def straight(self, history: list[Act | Told]) -> None:
        for each in history:
            if isinstance(each, Told):
                await self.plant.alarms.take([self.row(each)])
            else:
                await act(self.plant, self.tenant, self.points[each.tag].id, each.what)

    async def cut(self, history: list[Act | Told], random: Random) -> None:
        for each in history:
            if isinstance(each, Told):
                self.waiting.append(self.row(each))
            else:
                await self.flush()
                await act(self.plant, self.tenant, self.points[each.tag].id, each.what)
            if random.random() < 0.3:
                await self.flush()
            if random.random() < 0.1:
                await self.flush()
                await self.plant.alarms.settle()
                self.unsettled = []
            if random.random() < 0.15:
                # Rows that were taken, and not settled, come again; those that wait were not even taken.
                self.plant = await Plant(self.plant.database, self.plant.clock, note_every=0).open()
                self.waiting, self.unsettled = self.unsettled + self.waiting, []
        await self.flush()

    async def outcome(self) -> tuple[list[Alarm], list[tuple[str | None, object]]]:
        """Alarms in the order of their raise and events in theirs, whatever their ids and the process."""
        page = await self.plant.alarms.query(self.tenant, AlarmFilter(states=STATES), limit=1000)
        tags = {point.id: number for number, point in enumerate(self.points.values())}
        rank: dict[int | None, int | None] = {None: None}
        rank |= {number: place for place, number in enumerate(sorted(alarm.id or 0 for alarm in page.alarms))}
        alarms = [
            replace(alarm, id=rank[alarm.id], suppressed_by=rank[alarm.suppressed_by], sensor=tags[alarm.sensor], tenant="")
            for alarm in sorted(page.alarms, key=lambda alarm: alarm.id or 0)
        ]
        events = await self.plant.events(self.tenant)
        return alarms, [(event.event_type, event.body["tag"]) for event in events]


SEEDS = [("sqlite", seed) for seed in range(6)] + [("postgresql", seed) for seed in range(6, 8)]


@pytest.mark.parametrize(("database_url", "seed"), SEEDS, indirect=["database_url"])
async def test_any_batches_and_any_crashes_give_the_same_alarms(database: Database, clock: ManualClock, seed: int) -> None:
    random = Random(seed)
    samples = history(random, 150)
    plant = await Plant(database, clock, note_every=0).open()
    straight = Run(plant, "straight", await furnish(plant, "straight"))
    await straight.straight(samples)
    expected = await straight.outcome()
    assert len(expected[1]) > 30
    for number in range(3):
        tenant = f"cut{number}"
        run = Run(plant, tenant, await furnish(plant, tenant))
        await run.cut(samples, random)
        assert await run.outcome() == expected
