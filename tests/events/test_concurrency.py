"""Many writers at once, in one process and in several: one chain without a gap."""

from __future__ import annotations

import asyncio

from wattline.events.service import EventLog
from wattline.model.clock import ManualClock
from wattline.state.database import Database

WRITERS = 20
EACH = 5


async def append_some(database: Database, log: EventLog, now: int, writer: int) -> list[int]:
    """Some events, each in its own transaction; each third one is withdrawn."""

    class WithdrawnError(Exception):
        pass

    kept = []
    for number in range(EACH):
        withdrawn = (writer + number) % 3 == 0
        try:
            async with database.transaction() as connection:
                event = await log.append(
                    connection, tenant="acme", kind="a", time=now, received=now, body={"writer": writer, "number": number}
                )
                await asyncio.sleep(0)
                if withdrawn:
                    raise WithdrawnError
        except WithdrawnError:
            continue
        assert event is not None
        kept.append(event.sequence)
    return kept


async def test_concurrent_writers_leave_no_gap(database: Database, log: EventLog, clock: ManualClock) -> None:
    other = Database(database.url)
    stores = [(database, log), (other, EventLog(other))]
    async with asyncio.timeout(120):
        kept = await asyncio.gather(*(append_some(*stores[writer % 2], clock.micros(), writer) for writer in range(WRITERS)))
    await other.close()
    everything = sorted(sequence for sequences in kept for sequence in sequences)
    assert everything == [*range(1, len(everything) + 1)]
    assert len(everything) == sum((writer + number) % 3 != 0 for writer in range(WRITERS) for number in range(EACH))
    assert all(sequences == sorted(sequences) for sequences in kept)
    verification = await log.verify("acme")
    assert (verification.sound, verification.checked) == (True, len(everything))


async def test_one_of_many_that_send_the_same_identity_at_once_is_logged(
    database: Database, log: EventLog, clock: ManualClock
) -> None:
    other = Database(database.url)
    stores = [(database, log), (other, EventLog(other))]

    async def send(number: int) -> bool:
        store, its_log = stores[number % 2]
        now = clock.micros()
        async with store.transaction() as connection:
            return (
                await its_log.append(connection, tenant="acme", kind="a", time=now, received=now, identity="trip") is not None
            )

    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(*(send(number) for number in range(WRITERS)))
    await other.close()
    assert outcomes.count(True) == 1
    assert (await log.verify("acme")).checked == 1


async def test_the_log_can_be_verified_while_it_grows(database: Database, log: EventLog, clock: ManualClock) -> None:
    async with asyncio.timeout(60):
        writers = [asyncio.create_task(append_some(database, log, clock.micros(), writer)) for writer in range(4)]
        checked = []
        while not all(writer.done() for writer in writers):
            verification = await log.verify("acme")
            assert verification.sound, verification
            checked.append(verification.checked)
        await asyncio.gather(*writers)
    assert checked == sorted(checked)
