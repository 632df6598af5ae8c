"""Letters to a household that is deleted: none is sent any more, and no row tells where they went."""

from __future__ import annotations

import sqlalchemy as sa

from tests.households.accounts.conftest import Town
from wattline.notify.model import Kind, Letter, State
from wattline.notify.service import Notify
from wattline.notify.tables import ledger
from wattline.state.database import Database


async def _rows(database: Database) -> dict[tuple[str, str], sa.Row[tuple[object, ...]]]:
    async with database.read() as connection:
        return {(row.site, row.event_id): row for row in await connection.execute(sa.select(ledger))}


async def test_letters_of_a_deleted_household_are_called_off_and_forgotten(town: Town) -> None:
    notify = Notify(town.database, town.clock, transport=None)
    for user_id in ("u", "neighbour"):
        await town.accounts.create_user("t", {"id": user_id})
        async with town.database.transaction() as connection:
            for event in ("waits", "sent"):
                letter = Letter(
                    "t", Kind.USAGE, user_id, f"{user_id}@example.org", f"{user_id}-{event}", "de", "Title", {"kwh": 3}
                )
                await notify.letter(connection, letter)
    async with town.database.transaction() as connection:
        for word in ("waits", "sent"):
            state = State.QUEUED if word == "waits" else State.SENT
            of = ledger.c.event_id.like(f"%-{word}")
            await connection.execute(sa.update(ledger).where(of).values(state=state.value, next_attempt=town.clock.micros()))

    await town.accounts.delete_user("t", "u")

    rows = await _rows(town.database)
    waiting, sent = rows["u", "u-waits"], rows["u", "u-sent"]
    assert (waiting.state, waiting.next_attempt, sent.state) == (State.CANCELLED.value, None, State.SENT.value)
    for row in (waiting, sent):
        assert "@" not in row.recipient
        assert row.body == {}
    other = rows["neighbour", "neighbour-waits"]
    assert (other.state, other.recipient, other.body["kwh"]) == (State.QUEUED.value, "neighbour@example.org", 3)
