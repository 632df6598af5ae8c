"""`wattline demo` as somebody meets it: credentials, curl lines that work as printed, and readings from the fleet."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from wattline.simulate.plant.definition import POINTS

READY_SECONDS = 90


@dataclass
class Demo:
    """A running demo: what it printed before it was ready, and its credentials."""

    data: Path
    process: subprocess.Popen[str]
    printed: str = ""
    credentials: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> httpx.Client:
        headers = {"X-API-Key": self.credentials["hop"]["api_key"]}
        return httpx.Client(base_url=f"{self.credentials['base_url']}/api", headers=headers, timeout=20)


@contextlib.contextmanager
def demo(data: Path, *options: str) -> Iterator[Demo]:
    command = [sys.executable, "-m", "wattline", "demo", "--data", str(data), "--port", "0", *options]
    log = data.with_suffix(".log")
    with log.open("a") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        started = Demo(data, process)
        watchdog = threading.Timer(READY_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                started.printed += line
                if re.match(r"ready (\S+)", line):
                    break
            else:
                raise AssertionError(f"the demo did not start:\n{log.read_text()[-4000:]}")
            watchdog.cancel()
            started.credentials = json.loads((data / "credentials.json").read_text())
            yield started
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()[-4000:]
        finally:
            watchdog.cancel()
            process.kill()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("demo") / "data", "--no-simulate") as started:
        yield started


def test_without_the_fleet_everything_is_seeded_but_readings(quiet: Demo) -> None:
    assert stat.S_IMODE((quiet.data / "credentials.json").stat().st_mode) == 0o600
    with quiet.client as client:
        assert client.get("/query/telemetry/latest").json() == []
        assert client.get("/query/substations").json() == []
        assert client.get("/query/events", params={"minutes": 60}).json() == []


def commands(printed: str) -> list[tuple[str, str]]:
    """The (title, command) pairs of what was printed."""
    lines = printed.splitlines()
    return [(lines[i - 1].removeprefix("# "), line) for i, line in enumerate(lines) if line.startswith("curl ")]


def paths(printed: list[tuple[str, str]]) -> set[str]:
    """The paths that are called, without their queries."""
    return {re.search(r"https?://[^/]+(/[^?' ]*)", line)[1] for _, line in printed}  # type: ignore[index]


def ran(line: str) -> tuple[int, Any]:
    """The status and the body that a printed line gets."""
    shell = subprocess.run(["bash", "-c", f"{line} -w '\\n%{{http_code}}'"], capture_output=True, text=True, check=True)
    body, _, status = shell.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


def test_every_printed_line_of_hop_works_as_it_stands(quiet: Demo) -> None:
    printed = commands(quiet.printed.partition("# == MCS")[0])
    assert {path.removeprefix("/api") for path in paths(printed)} == {
        "/health", "/ingest/telemetry", "/scada/write", "/ingest/event", "/ingest/outage", "/query/telemetry/latest",
        "/query/telemetry/timeseries", "/query/ml/latest", "/query/ml/trend", "/query/events", "/query/outages/active",
        "/query/frequency/thresholds", "/query/substations",
    }  # fmt: skip
    answers: dict[str, Any] = {}
    for title, line in printed:
        status, answers[title] = ran(line)
        assert status == 200, (title, line, answers[title])
    assert answers["Write a reading"] == {"status": "telemetry written", "substation_id": "SUB001"}
    assert answers["A feeder trips"] == {"status": "event written", "device_id": "SUB001-FDR002"}
    assert [row["substation_id"] for row in answers["Latest reading of each substation"]] == ["SUB001"]
    assert answers["Chart of one substation"]
    assert [row["event_type"] for row in answers["Events"]] == ["FEEDER_RESTORE", "FEEDER_TRIP"]
    assert answers["Active outages"] == []
    assert answers["Substations"] == [{"substation_id": "SUB001", "latitude": 45.5231, "longitude": -122.6765}]


def test_every_printed_line_of_mcs_works_as_it_stands(quiet: Demo) -> None:
    printed = commands(quiet.printed.partition("# == MCS")[2].partition("# == Flux")[0])
    base = "/api/v1"
    assert paths(printed) == {
        "/health", f"{base}/stats", f"{base}/sites", f"{base}/sites/baldwinsville", f"{base}/blocks", f"{base}/blocks/block-01",
        f"{base}/equipment/block-01", f"{base}/sensors/block-01", f"{base}/telemetry", f"{base}/telemetry/latest",
        f"{base}/telemetry/multi", f"{base}/alarms", f"{base}/alarms/2/acknowledge", f"{base}/alarms/21/shelve",
        f"{base}/alarms/stats", f"{base}/events", f"{base}/billing/kwh", f"{base}/billing/kwht", f"{base}/billing/energy-daily",
    }  # fmt: skip
    answers: dict[str, Any] = {}
    for title, line in printed:
        status, answers[title] = ran(line)
        # Without readings there is no alarm to act on.
        assert status == (404 if "404 while it has none" in title else 200), (title, line, answers[title])
    assert [
        (sensor["id"], sensor["tag"]) for sensor in sorted(answers["Sensors with their limits"], key=lambda s: s["id"])
    ] == [(number, point.tag) for number, point in enumerate(POINTS, 1)]
    assert sum(sensor["alarm_thresholds"] is not None for sensor in answers["Sensors with their limits"]) == 14
    assert len(answers["Equipment"]) == 12
    assert (answers["One block"]["capacity_mw"], answers["One block"]["sensor_count"]) == (1.0, 35)
    assert answers["One site"]["name"] == "AB InBev Baldwinsville"


def test_every_printed_line_of_flux_works_as_it_stands(quiet: Demo) -> None:
    printed = commands(quiet.printed.partition("# == Flux")[2].partition("# == Household")[0])
    tables = {"mg_bess_readings", "mg_meter_readings", "market_data", "mg_device_registry"}
    functions = {"insert_market_data_batch", "get_meter_readings_5m", "get_meter_readings_30m"}
    assert paths(printed) == {f"/rest/v1/{table}" for table in tables} | {f"/rest/v1/rpc/{name}" for name in functions}
    answers: dict[str, Any] = {}
    for title, line in printed:
        status, answers[title] = ran(line)
        assert status in (200, 201, 204), (title, line, answers[title])
    assert [(row["soe"], row["target_power"]) for row in answers["Insert a battery reading"]] == [(65.5, -25)]
    assert answers["Insert meter readings in bulk"] is None
    assert [row["value"] for row in answers["Newest wholesale price"]] == [84.5]
    (period,) = {row["device_id"] for row in answers["30-minute settlement data"]}
    assert period.startswith("00000000-0000-4000-8000-")


def test_every_printed_line_of_the_household_page_works_as_it_stands(quiet: Demo) -> None:
    text = quiet.printed.partition("# == Household")[2].partition("# == Joulepoint")[0]
    lines = [line for line in text.splitlines() if line.startswith(("curl ", "TOKEN="))]
    base = "/api/v1"
    users = f"{base}/household/users/demoFamily/peaks"
    assert paths([("", line) for line in lines]) == {
        f"{base}/token", f"{base}/sensor_input", f"{base}/ml", f"{base}/csv_energy", f"{base}/csv_experiment",
        f"{base}/process_peaks", f"{base}/process_anomaly", f"{base}/process_reports", users, f"{base}/household/sensors",
    }  # fmt: skip
    # In one shell, since a token is kept for the next line.
    script = "\n".join(line if line.startswith("TOKEN=") else f"{line} -o /dev/null -w '%{{http_code}}\n'" for line in lines)
    shell = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    # Nobody simulates: the home of these lines has no readings yet, so there is nothing to find, to report and to export.
    assert shell.stdout.split() == ["200", "200", "200", "404", "200", "404", "404", "404", "200", "200"]


def test_every_printed_line_of_the_joulepoint_page_works_as_it_stands(quiet: Demo) -> None:
    text = quiet.printed.partition("# == Joulepoint")[2].partition("# == MQTT")[0]
    # What has no end is listened to for a moment only.
    lines = [line.replace(" -m 10 ", " -m 1 ") for line in text.splitlines() if line.startswith(("curl ", "TOKEN="))]
    base = "/api/energy"
    assert paths([("", line) for line in lines]) == {
        f"{base}/energy-data/", f"{base}/energy-data/bulk", "/oauth/token", "/.well-known/oauth-authorization-server",
        *(f"{base}/{name}/" for name in ("meters", "groups", "accounts", "tariffs", "schedules", "constraints")),
        *(f"{base}/analytics/{name}" for name in ("live_trail", "kpi", "matrix", "export", "forecast")),
        *(f"{base}/pq/{name}" for name in ("config", "events", "compliance")),
        *(f"{base}/protection/{name}" for name in ("events", "breakers")),
        *(f"{base}/topology/{name}" for name in ("nodes/", "edges/", "nodes/graph")),
        "/api/events", "/api/events/schemas", f"{base}/live", "/api/integrations/credentials",
    }  # fmt: skip
    # In one shell, since a token is kept for the next line.
    script = "\n".join(line if line.startswith("TOKEN=") else f"{line} -o /dev/null -w '%{{http_code}}\n'" for line in lines)
    shell = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    # Nobody simulates: the grid connection has no readings yet, so there is nothing to forecast from.
    told = ["201", "200", *["200"] * 10, "422", "201", "200", "200", "201", *["200"] * 10]
    assert shell.stdout.split() == told


def test_the_printed_reading_over_mqtt_is_taken(quiet: Demo) -> None:
    (line,) = (line for line in quiet.printed.splitlines() if line.startswith("mosquitto_pub "))
    shell = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=30)
    assert (shell.stdout, shell.stderr) == ("", "")


def test_a_second_start_keeps_the_key_and_what_was_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with demo(data, "--no-simulate") as first, first.client as client:
        reading = {"substation_id": "SUB002", "voltage_kv": 115, "current_a": 300, "power_mw": 50, "frequency_hz": 60}
        assert client.post("/ingest/telemetry", json=reading).status_code == 200
    with demo(data, "--no-simulate") as second, second.client as client:
        assert second.credentials["hop"] == first.credentials["hop"]
        assert second.credentials["flux"] == first.credentials["flux"]
        assert second.credentials["household"] == first.credentials["household"]
        assert second.credentials["joulepoint"] == first.credentials["joulepoint"]
        assert list(second.credentials["joulepoint"]) == [
            "device_key", "device_secret", "meter_id", "client_id", "client_secret", "mqtt_topic",
        ]  # fmt: skip
        assert list(second.credentials["household"]) == [
            "sensor_id", "user_id", "user_token", "admin_token", "ml_api_key", "cron_secret",
        ]  # fmt: skip
        assert second.credentials["flux"].keys() == {"anon_key", "authenticated_key", "service_role_key"}
        assert [row["substation_id"] for row in client.get("/query/substations").json()] == ["SUB002"]
    (data / "credentials.json").write_text(json.dumps(second.credentials | {"hop": {"api_key": "wl_revoked"}}))
    with demo(data, "--no-simulate") as third, third.client as client:
        assert third.credentials["hop"]["api_key"] not in {"wl_revoked", first.credentials["hop"]["api_key"]}
        assert client.get("/query/substations").status_code == 200


def test_readings_of_every_feeder_arrive_from_the_fleet(tmp_path: Path) -> None:
    with demo(tmp_path / "data") as started, started.client as client:
        seen: set[str] = set()
        with client.stream("GET", "/stream", timeout=30) as stream:
            assert stream.status_code == 200
            for line in stream.iter_lines():
                seen |= set(re.findall(r"SUB00\d-FDR00\d", line))
                if len(seen) == 12:
                    break
        latest = client.get("/query/telemetry/latest").json()
        assert [row["substation_id"] for row in latest] == ["SUB001", "SUB002", "SUB003"]
        assert all(59.7 < row["frequency_hz"] < 60.3 for row in latest)
        assert len(client.get("/query/substations").json()) == 3


def test_the_plant_tells_its_past_over_mqtt(tmp_path: Path) -> None:
    with demo(tmp_path / "data") as started, started.client as client:
        access = started.credentials["mqtt"]
        assert f"{access['host']}:{access['port']}" in started.printed
        watchdog = threading.Timer(READY_SECONDS, started.process.kill)
        watchdog.start()
        assert started.process.stdout is not None
        told = ""
        while "35 points" not in told:
            told = started.process.stdout.readline()
            assert told, "the points were never heard of"
        watchdog.cancel()
        mcs = {"X-API-Key": started.credentials["mcs"]["api_key"]}
        newest = client.get("/v1/telemetry/latest", params={"block_slug": "block-01", "include_stale": "true"}, headers=mcs)
        assert {reading["tag"] for reading in newest.json()["readings"]} >= {point.tag for point in POINTS}
        end = datetime.now(UTC)
        asked = {"sensor_id": "23", "start": f"{end - timedelta(days=1):%FT%TZ}", "end": f"{end:%FT%TZ}", "agg": "1min"}
        past = client.get("/v1/telemetry", params=asked, headers=mcs).json()["data"]
        assert past
        assert datetime.fromisoformat(past[0]["bucket"]) < end - timedelta(hours=23)
        assert all(300 < point["val_avg"] < 1300 or point["val_avg"] < 120 for point in past)
        assert client.get("/v1/blocks/block-01", headers=mcs).json()["thermal_mode"] in ("EXPORT", "MIXED", "REJECT")
        assert client.get("/v1/stats", headers=mcs).json()["dead_letter_24h"] == 0
        # Five homes send readings; the meter that is left to the reader has none.
        deadline = time.monotonic() + READY_SECONDS
        while (heard := homes(started, client)) != [True] * 5 + [False]:
            assert time.monotonic() < deadline, heard


def homes(started: Demo, client: httpx.Client) -> list[bool]:
    """Of each meter of a home, whether it was heard of."""
    admin = {"Authorization": started.credentials["household"]["admin_token"]}
    sensors = client.get("/v1/household/sensors", headers=admin).json()["sensors"]
    told = [client.get(f"/v1/household/sensors/{one['sensor_id']}", headers=admin).json() for one in sensors]
    return [one["newest"] is not None for one in told]
