"""Meters that fall silent: one notice a silence, over when they send again."""

from __future__ import annotations

from tests.households.anomalies.conftest import START
from tests.households.anomalies.street import HALF_HOUR, Street, at, living
from wattline.households.meters.model import Kind
from wattline.model.clock import DAY, HOUR, MINUTE, from_micros

MAC = "AA:BB:CC:00:00:01"
LAST = START + DAY


async def looks(town: Street, begin: int, end: int, every: int = HALF_HOUR) -> None:
    for time in range(begin, end + 1, every):
        await town.look(time)


async def test_a_meter_that_stops_sending_is_told_of_once_and_again_after_it_sent(town: Street) -> None:
    key = await town.move_in("weber", MAC)
    await town.send(key, living, LAST, every=60, since=START)
    await looks(town, LAST, LAST + 5 * HOUR + HALF_HOUR)
    assert await town.anomalies.found("t", "weber", 0, 2**60) == []
    await looks(town, LAST + 6 * HOUR, LAST + 20 * HOUR, HOUR)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert (found.kind, found.start, found.end) == ("silent", LAST, None)
    await town.notify.tick()
    (mail,) = town.mailbox.mails()
    assert mail.title == "Ihr Zähler sendet keine Werte mehr"
    for part in (mail.text, mail.html):
        assert "Mittwoch, 02.09.2026, 00:00 Uhr" in part
        assert "6 h" in part
        assert MAC in part
        assert "anomaly_mails" in part
    again = LAST + 20 * HOUR
    await town.send(key, living, again + MINUTE, every=60, sending=lambda time: time >= again)
    await town.look(again + HALF_HOUR)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert found.end == again
    await looks(town, again + HOUR, again + 12 * HOUR, HOUR)
    assert [each.start for each in await town.anomalies.found("t", "weber", 0, 2**60)] == [LAST, again + MINUTE]
    await town.notify.tick()
    assert len(town.mailbox.mails()) == 2


async def test_what_was_kept_and_sent_late_does_not_shorten_a_silence(town: Street) -> None:
    key = await town.move_in("weber", MAC)
    await town.send(key, living, LAST, every=60, since=START)
    await looks(town, LAST + 5 * HOUR, LAST + 7 * HOUR)
    again = LAST + 8 * HOUR
    await town.send(key, living, again, every=60)
    await town.look(again)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert found.end is not None
    assert found.figures["noticed"] == LAST + 6 * HOUR
    assert found.end == LAST + 6 * HOUR + MINUTE  # the first reading after the notice


async def test_a_meter_that_never_sent_is_told_of_after_a_day(town: Street) -> None:
    await town.move_in("weber", MAC, language="en")
    await looks(town, START + HOUR, START + 23 * HOUR, HOUR)
    assert await town.anomalies.found("t", "weber", 0, 2**60) == []
    await looks(town, START + DAY, START + 3 * DAY, 6 * HOUR)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert (found.kind, found.start, found.figures["reason"]) == ("silent", START, "never")
    await town.notify.tick()
    (mail,) = town.mailbox.mails()
    assert mail.title == "Your meter has not sent anything yet"
    assert "Tuesday, 01 September 2026, 00:00" in mail.text


async def test_a_server_that_was_away_calls_nobody_silent(town: Street) -> None:
    key = await town.move_in("weber", MAC)
    await town.send(key, living, LAST, every=60, since=START)
    town.spine.clock.set(from_micros(LAST + 9 * HOUR))
    town.restart()
    await town.look(LAST + 9 * HOUR + 10 * MINUTE)
    assert await town.anomalies.found("t", "weber", 0, 2**60) == []
    await town.look(LAST + 9 * HOUR + 40 * MINUTE)
    assert len(await town.anomalies.found("t", "weber", 0, 2**60)) == 1


async def test_after_a_restart_the_store_tells_when_a_meter_sent_last(town: Street) -> None:
    key = await town.move_in("weber", MAC)
    await town.send(key, living, LAST, every=60, since=START)
    await looks(town, LAST + 5 * HOUR, LAST + 7 * HOUR)
    await town.notify.tick()
    town.stream(key).latest = None  # older than what a start looks for
    town.restart()
    await looks(town, LAST + 10 * DAY, LAST + 10 * DAY + HOUR)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert (found.start, found.end) == (LAST, None)
    await town.notify.tick()
    assert len(town.mailbox.mails()) == 1


async def test_no_gas_meter_is_listened_to_and_a_meter_taken_away_is_not_waited_for(town: Street) -> None:
    await town.move_in("gas", "AA:BB:CC:00:00:07", kind=Kind.GAS)
    key = await town.move_in("weber", MAC)
    await town.send(key, living, LAST, every=60, since=START)
    await looks(town, LAST + 5 * HOUR, LAST + 7 * HOUR)
    assert await town.anomalies.found("t", "gas", 0, 2**60) == []
    await town.meters.assign("t", MAC, None)
    await town.look(LAST + 8 * HOUR)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert found.end == LAST + 8 * HOUR


async def test_quiet_hours_hold_for_notices_too(town: Street) -> None:
    key = await town.move_in("weber", MAC, quiet_from=0, quiet_to=8)
    await town.send(key, living, LAST, every=60, since=START)
    await looks(town, LAST + 5 * HOUR, LAST + 7 * HOUR)
    await town.notify.tick()
    assert town.mailbox.mails() == []
    town.spine.clock.set(from_micros(at("2026-09-02 08:00")))
    await town.notify.tick()
    assert len(town.mailbox.mails()) == 1
