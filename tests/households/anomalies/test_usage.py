"""Unusual use: found once, told once with its figures; what people do every day never."""

from __future__ import annotations

import pytest

from tests.households.anomalies.conftest import START
from tests.households.anomalies.street import HALF_HOUR, Street, also, at, living
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND
from wattline.model.errors import NotFound

MAC = "AA:BB:CC:00:00:01"
DAY_11 = START + 10 * DAY
NIGHT = at("2026-09-11 03:00")
KETTLES = (NIGHT, 25, 9000.0)


async def settled(town: Street, user: str = "weber", mac: str = MAC, **wishes: object) -> object:
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
