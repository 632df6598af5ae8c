"""A server with its rate limits on, and with a journal that holds one reading: what a client is told when it must wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest

from tests.contracts.flux.clients.project import Project, project

NAMES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
BURST = 100


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of its own."""
    with project(tmp_path_factory.mktemp("limited"), flux_rate_limits="on", journal_max_bytes="1") as started:
        yield started


def told(found: httpx.Response) -> tuple[int, ...]:
    """Limit, remaining and reset."""
    return tuple(int(found.headers[name]) for name in NAMES)


def test_more_than_a_burst_of_anon_calls(limited: Project) -> None:
    began = time.monotonic()
    with limited.http() as client:
        found = [client.head("/market_data_types") for _ in range(BURST)]
        assert {answer.status_code for answer in found} == {200}
        limit, remaining, reset = told(found[0])
        assert (limit, remaining) == (60, BURST - 1)
        assert time.time() - 1 <= reset <= time.time() + 101
        left = [told(answer)[1] for answer in found]
        # A token comes back every second.
        gained = round(time.monotonic() - began) + 1
        assert all(0 <= later - earlier + 1 <= gained for earlier, later in pairwise(left))
        more = (client.get("/market_data_types") for _ in range(BURST))
        refused = next(answer for answer in more if answer.status_code != 200)
    assert refused.status_code == 429
    assert sorted(refused.json()) == ["code", "details", "hint", "message"]
    assert refused.json()["code"] == "429"
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert told(refused)[:2] == (60, 0)
    preflight = {"Origin": "https://noc.example", "Access-Control-Request-Method": "GET"}
    asked = httpx.options(f"{limited.url}/rest/v1/market_data_types", headers=preflight)
    assert asked.status_code == 200
    with limited.http(limited.keys["authenticated"]) as client:
        assert told(client.get("/market_data_types"))[:2] == (300, 499)
    with limited.http(limited.service) as client:
        assert told(client.get("/market_data_types"))[:2] == (1000, 1999)
        assert told(client.get("/nothing"))[:2] == (1000, 1998)


def test_a_store_that_takes_no_more(limited: Project, device: str) -> None:
    """The journal is full with one reading until that one is stored; what is refused meanwhile was not written."""
    taken = []
    with limited.http(limited.service) as client:
        for second in range(60):
            reading = {"device_id": device, "time": f"2024-01-01T00:00:{second:02}Z", "soe": second}
            found = client.post("/mg_bess_readings", json=reading)
            if found.status_code != 201:
                break
            taken.append(second)
        assert (found.status_code, found.json()["code"]) in {(503, "PGRST000"), (503, "PGRST001")}
        assert sorted(found.json()) == ["code", "details", "hint", "message"]
        assert int(found.headers["retry-after"]) >= 1
        there = client.get(f"/mg_bess_readings?device_id=eq.{device}&order=time").json()
        assert [row["soe"] for row in there] == taken
