"""What happened is logged once, and a block's mode goes with its event."""

from __future__ import annotations

from wattline.events.model import Entry, Event
from wattline.events.service import EventLog
from wattline.gateways.happenings import Happenings
from wattline.model.clock import ManualClock
from wattline.registry.service import Registry
from wattline.state.database import Database


def entry(time: int, identity: str | None = None, tenant: str = "t", kind: str = "mode") -> Entry:
    return Entry(tenant=tenant, kind=kind, time=time, received=time, site="s", subject="b", identity=identity)


async def test_a_mode_and_its_event(database: Database, clock: ManualClock) -> None:
    registry = Registry(database, clock=clock)
    await registry.load()
    block = await registry.put_block("t", "s", "b")
    told: list[Event] = []
    happenings = Happenings(database, EventLog(database), registry, told.append)
    now = clock.micros()
    assert await happenings.change_mode(block, entry(now, "1"), "REJECT")
    assert not await happenings.change_mode(block, entry(now, "1"), "REJECT")
    assert (block.mode, block.mode_since) == ("REJECT", now)
    # A replay of an older change is logged, and is not what the block is in.
    assert await happenings.change_mode(block, entry(now - 10, "0"), "EXPORT")
    assert (block.mode, block.mode_since) == ("REJECT", now)
    assert [event.identity for event in told] == ["1", "0"]
    again = Registry(database, clock=clock)
    await again.load()
    found = again.block("t", "s", "b")
    assert found is not None
    assert (found.mode, found.mode_since) == ("REJECT", now)
    assert (await EventLog(database).verify("t")).sound


async def test_entries_of_several_tenants(database: Database, clock: ManualClock) -> None:
    told: list[Event] = []
    happenings = Happenings(database, EventLog(database), Registry(database), told.append)
    now = clock.micros()
    made = await happenings.log([entry(now, "1", "z"), entry(now, "1", "a"), entry(now, "1", "z")])
    assert [(event.tenant, event.sequence) for event in made] == [("z", 1), ("a", 1)]
    assert made == told


async def test_an_answer_needs_its_question(database: Database, clock: ManualClock) -> None:
    told: list[Event] = []
    happenings = Happenings(database, EventLog(database), Registry(database), told.append)
    now = clock.micros()
    answer = entry(now, "q1", kind="command_response")
    assert not await happenings.log_answer(answer, "command", "q1")
    await happenings.log([entry(now, "q1", kind="command")])
    assert await happenings.log_answer(answer, "command", "q1")
    assert await happenings.log_answer(answer, "command", "q1")
    assert not await happenings.log_answer(entry(now, "q1", "other", "command_response"), "command", "q1")
    assert [event.kind for event in told] == ["command", "command_response"]
