"""Grid events through the real log, store and ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.feeders.model import RESTORE, TRIP, GridEvent, Severity
from wattline.feeders.service import Feeders
from wattline.model.clock import SECOND, ManualClock
from wattline.model.errors import Invalid
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import Alert, Kind
from wattline.notify.service import Notify
from wattline.state.database import Database

TENANT = "utility"


class Grid:
    """The feeders of one utility without a mail server: what would be mailed is in the ledger."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.clock = clock
        self.log = EventLog(database)
        self.notify = Notify(database, clock)
        self.published: list[Event] = []
        self.feeders = Feeders(database, self.log, self.notify, clock, self.published.append)

    def event(self, event_type: str, **words: object) -> GridEvent:
        now = self.clock.micros()
        event = GridEvent(
            "SUB001-FDR002", Severity.ALARM, event_type, received=now, time=now, feeder_id="FDR002", site="SUB001"
        )
        return replace(event, **words)  # type: ignore[arg-type]

    async def send(self, event_type: str, **words: object) -> None:
        await self.feeders.grid_event(TENANT, self.event(event_type, **words))

    async def open_feeders(self) -> list[tuple[str | None, str]]:
        return [(feeder.site, feeder.feeder) for feeder in await self.feeders.tripped(TENANT)]

    async def logged(self) -> list[Event]:
        return list((await self.log.query(TENANT, limit=500)).events)

    async def ledger(self) -> list[Alert]:
        return list((await self.notify.alerts(AlertQuery(TENANT))).alerts)


@pytest.fixture
def grid(database: Database, clock: ManualClock) -> Grid:
    return Grid(database, clock)


async def test_a_trip_is_logged_whole_and_opens_its_feeder(grid: Grid) -> None:
    await grid.send(TRIP, old_state="CLOSED", new_state="OPEN", message="Overcurrent", latitude=45.5, longitude=-122.7)
    (event,) = await grid.logged()
    assert (event.kind, event.site, event.device, event.time) == (
        "hop.grid_event",
        "SUB001",
        "SUB001-FDR002",
        grid.clock.micros(),
    )
    assert event.body == {
        "device_id": "SUB001-FDR002",
        "feeder_id": "FDR002",
        "severity": "ALARM",
        "event_type": TRIP,
        "old_state": "CLOSED",
        "new_state": "OPEN",
        "message": "Overcurrent",
        "latitude": 45.5,
        "longitude": -122.7,
    }
    assert (await grid.log.verify(TENANT)).sound
    (feeder,) = await grid.feeders.tripped(TENANT)
    assert (feeder.site, feeder.feeder, feeder.since, feeder.incident) == ("SUB001", "FDR002", grid.clock.micros(), event.id)


async def test_a_restore_closes_it_again(grid: Grid) -> None:
    await grid.send(TRIP)
    grid.clock.advance(60)
    await grid.send(RESTORE)
    assert await grid.open_feeders() == []


async def test_an_identical_event_is_written_once_and_published_once(grid: Grid) -> None:
    event = grid.event(TRIP)
    await asyncio.gather(*(grid.feeders.grid_event(TENANT, event) for _ in range(5)))
    assert len(await grid.logged()) == len(grid.published) == 1
    assert len(await grid.ledger()) == 1


async def test_events_without_a_time_never_collapse(grid: Grid) -> None:
    for _ in range(2):
        await grid.send("BREAKER_FAIL", time=None)
    assert len(await grid.logged()) == 2


async def test_many_feeders_at_once_keep_apart(grid: Grid) -> None:
    names = [f"FDR{number:03}" for number in range(12)]
    await asyncio.gather(*(grid.send(TRIP, feeder_id=name, device_id=f"SUB001-{name}") for name in names))
    assert [feeder for _, feeder in await grid.open_feeders()] == names
    assert (await grid.log.verify(TENANT)).sound


async def test_trip_and_restore_at_once_end_closed(grid: Grid) -> None:
    trip, restore = grid.event(TRIP), grid.event(RESTORE, time=grid.clock.micros() + SECOND)
    await asyncio.gather(grid.feeders.grid_event(TENANT, trip), grid.feeders.grid_event(TENANT, restore))
    assert await grid.open_feeders() == []


async def test_the_same_feeder_id_in_two_substations_is_two_feeders(grid: Grid) -> None:
    await grid.send(TRIP)
    grid.clock.advance(1)
    await grid.send(RESTORE, site="SUB002", device_id="SUB002-FDR002")
    assert await grid.open_feeders() == [("SUB001", "FDR002")]


async def test_without_a_feeder_the_device_is_the_feeder(grid: Grid) -> None:
    await grid.send(TRIP, feeder_id=None)
    assert await grid.open_feeders() == [("SUB001", "SUB001-FDR002")]


async def test_a_feeder_moves_to_its_substation_once_that_is_known(grid: Grid) -> None:
    await grid.send(TRIP, site=None, device_id="RTU7")
    assert await grid.open_feeders() == [(None, "FDR002")]
    grid.clock.advance(5)
    await grid.send(RESTORE, site="SUB001", device_id="RTU7")
    assert await grid.open_feeders() == []


async def test_an_unassigned_feeder_of_another_device_stays_where_it_is(grid: Grid) -> None:
    await grid.send(TRIP, site=None, device_id="RTU8")
    grid.clock.advance(5)
    await grid.send(RESTORE, site="SUB001", device_id="RTU7")
    assert await grid.open_feeders() == [(None, "FDR002")]


async def test_a_restore_sent_as_an_alarm_is_no_alarm(grid: Grid) -> None:
    await grid.send(RESTORE, severity=Severity.ALARM)
    assert await grid.ledger() == []


async def test_other_alarms_are_only_logged(grid: Grid) -> None:
    await grid.send("LOW_VOLTAGE")
    assert [event.body["event_type"] for event in await grid.logged()] == ["LOW_VOLTAGE"]
    assert await grid.ledger() == []


async def test_other_alarms_that_the_utility_asked_for_are_announced(grid: Grid) -> None:
    await grid.notify.set_mailed_event_types(TENANT, {"LOW_VOLTAGE"})
    await grid.send("LOW_VOLTAGE")
    await grid.send("LOW_VOLTAGE", severity=Severity.INFO, device_id="SUB001-FDR003")
    await grid.send("HIGH_VOLTAGE")
    assert [(row.kind, row.subject) for row in await grid.ledger()] == [(Kind.EVENT, "FDR002 LOW_VOLTAGE")]


@pytest.mark.parametrize(
    "words",
    [
        {"device_id": ""},
        {"event_type": ""},
        {"device_id": "x" * 129},
        {"feeder_id": "x" * 129},
        {"event_type": "x" * 129},
        {"new_state": "x" * 129},
        {"message": "x" * 4001},
        {"device_id": "bell\x07"},
    ],
)
async def test_what_cannot_be_a_name_is_refused_and_nothing_is_written(grid: Grid, words: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await grid.feeders.grid_event(TENANT, replace(grid.event(TRIP), **words))
    assert await grid.logged() == []
    assert await grid.open_feeders() == []


async def test_a_failing_ledger_takes_the_event_with_it(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("no ledger")

    monkeypatch.setattr(grid.notify, "trip", fail)
    with pytest.raises(RuntimeError, match="no ledger"):
        await grid.send(TRIP)
    assert await grid.logged() == []
    assert await grid.open_feeders() == []
    assert grid.published == []
