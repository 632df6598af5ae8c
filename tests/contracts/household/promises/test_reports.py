"""A week in which the clocks change, from what the meter sends to the mail about it."""

from __future__ import annotations

from random import Random

from tests.contracts.household.promises.conftest import Town
from tests.contracts.household.promises.reader import Reader, used
from wattline.model.clock import HOUR

MISSING = "2026-03-27"


async def test_a_week_with_a_change_of_the_clocks_sums_up_to_the_export_and_is_told_once(town: Town) -> None:
    begin = town.set("2026-03-17 12:00")
    home = await town.home(report_days=7)
    reader, random = Reader(home), Random(4)
    end = town.set("2026-04-01 07:00")
    silent = range(town.at(f"{MISSING} 00:00"), town.at("2026-03-28 00:00"))
    register, readings = 8_000_000_000, []
    for time in range(begin, end, HOUR):
        # In a silent night nothing is known of when it was used.
        register += random.randrange(150_000, 900_000)
        if time not in silent:
            readings.append((time, register / 1e6))
    await reader.tell(readings)
    prices = {"base_price": "12.40", "working_price": "0.30"}
    assert (await home.call("PUT", f"/users/{home.user}/tariffs/2026-01-01", json=prices)).status_code == 200

    asked = {"user_id": home.user, "secret": home.keys["cron"]}
    answer = await home.client.post("/process_reports", json=asked)
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert (report["first_day"], report["last_day"], report["days_with_data"]) == ("2026-03-25", "2026-03-31", 6)
    rows = await reader.exported(start="2026-03-25", end="2026-03-31")
    assert len(rows) == 7 * 24 - 1 - 24
    assert report["total_kwh"] == float(used(rows))
    for day in report["daily"]:
        own = await reader.exported(start=day["day"], end=day["day"]) if day["day"] != MISSING else []
        assert day["kwh"] == (float(used(own)) if own else None)
        assert len(own) in ({23} if day["day"] == "2026-03-29" else {0, 24})
    # Neither the day that is missing, nor the one that holds what was used on it.
    ranked = {day["day"]: day["kwh"] for day in report["daily"] if day["day"] not in (MISSING, "2026-03-28")}
    assert report["best_day"]["day"] == min(ranked, key=lambda day: ranked[day])
    assert report["worst_day"]["day"] == max(ranked, key=lambda day: ranked[day])
    assert report["cost"]["base"] == 2.8

    again = await home.client.post("/api/v1/process_reports", json=asked)
    assert again.json() == answer.json()
    assert (await home.call("GET", "/reports", key="cron", managed=False)).status_code == 200
    assert len((await home.call("GET", f"/users/{home.user}/reports", key="own")).json()["reports"]) == 1
    (mail,) = await town.mails(home)
    assert mail.title == "Ihr Energiebericht vom 25.03.2026 bis 31.03.2026"
    assert f"{report['total_kwh']:.2f} kWh".replace(".", ",") in mail.text
    assert "6 von 7 Tagen" in mail.text
