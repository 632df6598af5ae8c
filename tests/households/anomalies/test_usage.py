"""Unusual use: found once, told once with its figures; what people do every day never."""

from __future__ import annotations

import pytest

from tests.households.anomalies.conftest import START
from tests.households.anomalies.street import HALF_HOUR, Street, also, at, living
from wattline.households.anomalies.store import Key
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, from_micros
from wattline.model.errors import NotFound

MAC = "AA:BB:CC:00:00:01"
DAY_11 = START + 10 * DAY
NIGHT = at("2026-09-11 03:00")
KETTLES = (NIGHT, 25, 9000.0)


async def settled(town: Street, user: str = "weber", mac: str = MAC, **wishes: object) -> Key:
    """A home whose ten days of normal life were looked at."""
    key = await town.move_in(user, mac, **wishes)
    await town.send(key, living, DAY_11, every=60, since=START)
    await town.look(DAY_11)
    return key


@pytest.mark.parametrize("every", [15, 21])
async def test_nine_kilowatts_at_night_are_told_once_with_their_figures(town: Street, every: float) -> None:
    key = await settled(town)
    assert await town.anomalies.found("t", "weber", 0, 2**60) == []  # ten days of cooking
    await town.live(key, also(living, KETTLES), DAY_11 + 14 * HOUR, every)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert (found.kind, found.user, found.mac) == ("usage", "weber", MAC)
    assert abs(found.start - NIGHT) <= 2 * every * SECOND
    assert found.end is not None
    assert abs(found.end - (NIGHT + 25 * MINUTE)) <= 2 * every * SECOND
    assert found.figures["power_w"] == pytest.approx(9150, rel=0.03)
    assert found.figures["expected_w"] == pytest.approx(150, rel=0.2)
    assert found.figures["excess_kwh"] == pytest.approx(3.75, rel=0.05)
    assert found.figures["cost"] in ("1.49", "1.50", "1.51", "1.48", "1.47", "1.52")
    await town.notify.tick()
    (mail,) = town.mailbox.mails()
    assert mail.recipient == "weber@example.org"
    assert mail.kind == "usage"
    for part in (mail.text, mail.html):
        assert "Freitag, 11.09.2026, 03:00 Uhr" in part
        assert "03:25 Uhr" in part
        assert "9,1 kW" in part or "9,2 kW" in part
        assert "€" in part
        assert "anomaly_mails" in part
        assert "Europe/Berlin" in part
        assert MAC not in part
    assert mail.title.startswith("Ungewöhnlich hoher Verbrauch: 9,")


async def test_the_language_and_the_zone_are_the_households(town: Street) -> None:
    key = await settled(town, language="en", zone="America/New_York")
    await town.live(key, also(living, KETTLES), NIGHT + HOUR)
    await town.notify.tick()
    (mail,) = town.mailbox.mails()
    for part in (mail.text, mail.html):
        assert "Thursday, 10 September 2026, 21:00" in part
        assert "America/New_York" in part
        assert "9.1 kW" in part or "9.2 kW" in part
    assert 'lang="en"' in mail.html


async def test_what_goes_on_is_one_incident_and_one_mail(town: Street) -> None:
    key = await settled(town)
    await town.live(key, also(living, (NIGHT, 200, 9000.0)), NIGHT + 40 * MINUTE)
    (first,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert first.end is None
    await town.live(key, also(living, (NIGHT, 200, 9000.0)), NIGHT + 6 * HOUR)
    (last,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert (last.id, last.start) == (first.id, first.start)
    assert last.end is not None
    assert last.end - last.start == pytest.approx(200 * MINUTE, abs=MINUTE)
    assert last.figures["excess_kwh"] == pytest.approx(30, rel=0.02)
    await town.notify.tick()
    (mail,) = town.mailbox.mails()
    assert "ist es noch" in mail.text


@pytest.mark.parametrize(
    "wishes", [{"anomaly_mails": False}, {"active": False}, {"email": None}], ids=["unwanted", "inactive", "no address"]
)
async def test_who_gets_no_mail_still_sees_the_incident(town: Street, wishes: dict[str, object]) -> None:
    key = await settled(town, **wishes)
    await town.live(key, also(living, KETTLES), NIGHT + HOUR)
    assert len(await town.anomalies.found("t", "weber", 0, 2**60)) == 1
    await town.notify.tick()
    assert town.mailbox.mails() == []


async def test_a_mail_waits_for_the_end_of_the_quiet_hours(town: Street) -> None:
    key = await settled(town, quiet_from=22, quiet_to=7)
    await town.live(key, also(living, KETTLES), NIGHT + HOUR)
    town.spine.clock.set(from_micros(at("2026-09-11 06:59")))
    await town.notify.tick()
    assert town.mailbox.mails() == []
    town.spine.clock.set(from_micros(at("2026-09-11 07:00")))
    await town.notify.tick()
    assert len(town.mailbox.mails()) == 1


async def test_missed_windows_are_made_up(town: Street) -> None:
    key = await settled(town)
    await town.send(key, also(living, KETTLES), NIGHT + 30 * HOUR)
    town.restart()
    await town.look(NIGHT + 30 * HOUR)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert abs(found.start - NIGHT) < MINUTE
    await town.notify.tick()
    assert len(town.mailbox.mails()) == 1


async def test_what_was_over_days_ago_is_kept_and_not_told(town: Street) -> None:
    key = await settled(town)
    await town.send(key, also(living, KETTLES), NIGHT + 4 * DAY, every=60)
    await town.look(NIGHT + 4 * DAY)
    assert len(await town.anomalies.found("t", "weber", 0, 2**60)) == 1
    await town.notify.tick()
    assert town.mailbox.mails() == []


async def test_what_a_reader_kept_and_sends_late_is_looked_at(town: Street) -> None:
    key = await settled(town)
    await town.live(key, living, NIGHT - HOUR)
    unusual = also(living, KETTLES)
    # The reader is offline for three hours, then sends what is new, and an hour later what it kept.
    offline = town.sent[key]
    await town.send(key, unusual, NIGHT + 3 * HOUR, sending=lambda time: time > NIGHT + 2 * HOUR)
    await town.look(NIGHT + 3 * HOUR)
    assert await town.anomalies.found("t", "weber", 0, 2**60) == []
    online, town.sent[key] = town.sent[key], offline
    await town.send(key, unusual, NIGHT + 2 * HOUR)
    town.sent[key] = online
    await town.live(key, living, NIGHT + 5 * HOUR)
    (found,) = await town.anomalies.found("t", "weber", 0, 2**60)
    assert abs(found.start - NIGHT) < MINUTE


async def test_two_households_with_meters_of_their_own(town: Street) -> None:
    weber = await settled(town)
    klein = await settled(town, "klein", "AA:BB:CC:00:00:02")
    foreign = await town.move_in("weber", "AA:BB:CC:00:00:03", tenant="other")
    await town.send(foreign, living, DAY_11, every=60, since=START)
    for time in range(DAY_11 + HALF_HOUR, NIGHT + HOUR + 1, HALF_HOUR):
        await town.send(weber, also(living, KETTLES), time, 60)
        await town.send(klein, living, time, 60)
        await town.send(foreign, living, time, 60)
        await town.look(time)
    assert [each.mac for each in await town.anomalies.found("t", "weber", 0, 2**60)] == [MAC]
    assert await town.anomalies.found("t", "klein", 0, 2**60) == []
    assert await town.anomalies.found("other", "weber", 0, 2**60) == []
    await town.notify.tick()
    assert [mail.recipient for mail in town.mailbox.mails()] == ["weber@example.org"]


async def test_one_meter_asked_for_and_unknown_ones(town: Street) -> None:
    key = await settled(town)
    await town.send(key, also(living, KETTLES), NIGHT + HOUR)
    town.spine.clock.set(from_micros(NIGHT + HOUR))
    first = await town.anomalies.process("t", "aa-bb-cc-00-00-01")
    assert [each.kind for each in first] == ["usage"]
    assert await town.anomalies.process("t", MAC) == first
    for tenant, mac in (("t", "AA:BB:CC:00:00:09"), ("other", MAC)):
        with pytest.raises(NotFound):
            await town.anomalies.process(tenant, mac)
    await town.meters.assign("t", MAC, None)
    with pytest.raises(NotFound):
        await town.anomalies.process("t", MAC)


async def test_a_first_three_days_are_only_learnt_from(town: Street) -> None:
    key = await town.move_in("weber", MAC)
    await town.send(key, also(living, (START + DAY + 3 * HOUR, 25, 9000.0)), START + 2 * DAY, every=60, since=START)
    await town.look(START + 2 * DAY)
    assert await town.anomalies.found("t", "weber", 0, 2**60) == []


async def test_no_address_is_logged(town: Street, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level("DEBUG", logger="wattline")
    key = await settled(town)
    await town.live(key, also(living, KETTLES), NIGHT + HOUR)
    await town.notify.tick()
    assert len(town.mailbox.mails()) == 1
    out = capfd.readouterr()
    for text in (caplog.text, out.out, out.err):
        assert "weber@example.org" not in text
