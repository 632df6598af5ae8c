"""The requests that show the household page: on your own meter, and on the simulated homes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from wattline.model.clock import MINUTE, from_micros
from wattline.simulate.credentials import HouseholdAccess
from wattline.simulate.curl import Call
from wattline.simulate.homes.definition import HOMES
from wattline.simulate.homes.seed import EXPERIMENT
from wattline.simulate.words import iso_utc

BASE = "/api/v1"
FAMILY = HOMES[1]


def household_calls(at: int, access: HouseholdAccess) -> list[Call]:
    """The page's endpoints in its own order; `at` (us) is now."""
    # Days are those of the homes; the line with your readings holds past midnight too.
    today = from_micros(at).astimezone(ZoneInfo(FAMILY.zone)).date()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    admin, classifier = {"Authorization": access.admin_token}, {"Authorization": access.ml_api_key}

    def call(title: str, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Call:
        return Call(title, f"{BASE}{path}", body, authorised=False, contract="household", **more)

    # The register of a meter that uses 1 kW, so that these lines can be pasted again and again.
    register = 1000 + round((at - 1_767_225_600_000_000) / MINUTE / 60, 4)
    kettle = [
        {"timestamp": iso_utc(at - 5 * MINUTE + step * 15_000_000), "power": 2000 if 4 <= step < 16 else 150}
        for step in range(20)
    ]
    secret = {"secret": access.cron_secret}
    return [
        call("A token for your meter", "/token", {"sensor_id": access.sensor_id}, keeps=True),
        call("Its register", "/sensor_input", {"value": register, "value_current": 1000}, uses=True),
        call("What caused a peak?", "/ml", {"sensor_id": access.sensor_id, "data": kettle}, headers=classifier),
        call(
            "Your readings as CSV",
            f"/csv_energy?start={yesterday}&end={tomorrow}",
            headers={"Authorization": access.user_token},
        ),
        call(
            f"Those of a simulated home ({FAMILY.name})",
            f"/csv_energy?start={today}&end={today}&user_id={FAMILY.user}",
            headers=admin,
        ),
        call("Who takes part in an experiment", f"/csv_experiment?experiment_id={EXPERIMENT}", headers=admin),
        call("Mark the peaks of that home", "/process_peaks", {"sensor_id": FAMILY.mac, **secret}),
        call("Look for anomalies", "/process_anomaly", {"sensor_id": FAMILY.mac, **secret}),
        call("Make its report", "/process_reports", {"user_id": FAMILY.user, **secret}),
        call("Its peaks, with what they look like", f"/household/users/{FAMILY.user}/peaks", headers=admin),
        call("Every meter", "/household/sensors", headers=admin),
    ]
