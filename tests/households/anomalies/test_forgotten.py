"""Who was deleted, or took its address back, while a look was on its way is not written to."""

from __future__ import annotations

from tests.households.anomalies.conftest import START
from tests.households.anomalies.street import Street
from wattline.households.accounts.model import User
from wattline.model.clock import DAY, HOUR

MACS = {"gone": "AA:BB:CC:00:00:01", "moved": "AA:BB:CC:00:00:02", "stays": "AA:BB:CC:00:00:03"}


async def test_only_who_is_there_is_written_to(town: Street) -> None:
    for user, mac in MACS.items():
        await town.move_in(user, mac)
    await town.look(START + HOUR)
    read = town.accounts.users

    async def read_and_changed(tenant: str | None = None) -> list[User]:
        found = await read(tenant)
        await town.accounts.delete_user("t", "gone")
        await town.accounts.change_user("t", "moved", {"email": "elsewhere@example.org"})
        return found

    town.accounts.users = read_and_changed  # type: ignore[method-assign]
    await town.look(START + 2 * DAY)
    await town.notify.tick()
    assert {mail.recipient for mail in town.mailbox.mails()} == {"elsewhere@example.org", "stays@example.org"}
