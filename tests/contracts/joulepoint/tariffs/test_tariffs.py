"""Tariffs over HTTP: their versions once somebody is billed by them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import tariffs
from wattline.contracts.joulepoint.gate import Gate
from wattline.model.clock import DAY, from_micros
from wattline.platform import Platform

PATH = "/api/energy/tariffs"
TARIFF: dict[str, Any] = {
    "name": "Day and night",
    "currency": "EUR",
    "timezone": "Europe/Berlin",
    "energy": {
        "periods": [[{"rate": "0.10", "max": "100"}, {"rate": "0.12"}], [{"rate": "0.30", "sell": "0.04"}]],
        "weekday": [[0] * 8 + [1] * 12 + [0] * 4] * 12,
        "weekend": [[0] * 24] * 12,
    },
}


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    return [tariffs.build(platform.tariffs, platform.resources, gate)]


async def made(depot: Depot, **more: Any) -> dict[str, Any]:
    answer = await depot.call("POST", f"{PATH}/", json={**TARIFF, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def billed(depot: Depot, number: int) -> None:
    """Assign a tariff to an account."""
    body = {"name": "A", "currency": "EUR", "tariffs": [{"tariff_id": number}]}
    await depot.platform.metering.accounts.create(depot.tenant, body)


def in_days(depot: Depot, days: int) -> str:
    return from_micros(depot.clock.micros() + days * DAY).isoformat()


async def test_a_tariff_that_nobody_is_billed_by_is_replaced(depot: Depot, stranger: Depot) -> None:
    tariff = await made(depot)
    assert tariff["energy"]["periods"][0][0] == {"rate": "0.10", "max": "100", "sell": None}
    path = f"{PATH}/{tariff['id']}"
    changed = await depot.call("PATCH", path, json={"energy": {"periods": [[{"rate": "0.2"}], [{"rate": "0.4"}]]}})
    assert changed.status_code == 200
    assert (changed.json()["version"], changed.json()["former"]) == (2, [])
    same = await depot.call("PUT", path, json=changed.json())
    assert same.status_code == 200, same.text
    assert (await stranger.call("GET", path)).status_code == 404
    assert (await depot.call("DELETE", path)).status_code == 204


async def test_terms_that_somebody_is_billed_by_stay(depot: Depot) -> None:
    tariff = await made(depot)
    await billed(depot, tariff["id"])
    path = f"{PATH}/{tariff['id']}"
    rates = {"energy": {"periods": [[{"rate": "0.2"}], [{"rate": "0.4"}]]}}
    for change in (rates, {**rates, "valid_from": in_days(depot, -1)}, {"currency": "CHF", "valid_from": in_days(depot, 1)}):
        refused = await depot.call("PATCH", path, json=change)
        assert refused.status_code == 409, refused.text
    named = await depot.call("PATCH", path, json={"name": "Another name"})
    assert (named.status_code, named.json()["former"]) == (200, [])
    start = in_days(depot, 2)
    changed = await depot.call("PATCH", path, json={**rates, "valid_from": start})
    assert changed.status_code == 200, changed.text
    (former,) = changed.json()["former"]
    assert (former["version"], former["energy"], former["valid_from"]) == (2, tariff["energy"], None)
    assert former["valid_to"] == changed.json()["valid_from"]
    earlier = await depot.call("PATCH", path, json={"net": "net_metering", "valid_from": in_days(depot, 1)})
    assert earlier.status_code == 409
    assert (await depot.call("DELETE", path)).status_code == 409
    held = depot.platform.tariffs.get(depot.tenant, tariff["id"])
    assert [terms.version for terms in held.terms] == [2, 3]


async def test_prices_yet_to_come_can_be_added(depot: Depot) -> None:
    begun = {"from": in_days(depot, -1), "to": in_days(depot, 1), "price": "0.1"}
    tariff = await made(depot, series=[begun])
    await billed(depot, tariff["id"])
    path = f"{PATH}/{tariff['id']}"
    more = [begun, {"from": in_days(depot, 1), "to": in_days(depot, 2), "price": "0.2"}]
    added = await depot.call("PATCH", path, json={"series": more})
    assert added.status_code == 200, added.text
    assert len(added.json()["series"]) == 2
    assert (await depot.call("PATCH", path, json={"series": more[1:]})).status_code == 409
    assert (await depot.call("PATCH", path, json={"series": [{**begun, "price": "0.3"}]})).status_code == 409
    # Hours that are past were billed by the calendar.
    past = {"from": in_days(depot, -3), "to": in_days(depot, -2), "price": "9"}
    assert (await depot.call("PATCH", path, json={"series": [past, *more]})).status_code == 409


async def test_faults_and_scopes(depot: Depot) -> None:
    answer = await depot.call("POST", PATH, json={**TARIFF, "energy": {"periods": [[{"rate": 0.1}]]}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0] | {"detail": ""} == {"pointer": "/energy/periods/0/0/rate", "code": "type", "detail": ""}
    reader = await depot.key("energy:read")
    assert (await depot.call("POST", PATH, key=reader, json=TARIFF)).status_code == 403
    assert (await depot.call("GET", f"{PATH}/", key=reader, params={"currency": "EUR"})).json()["count"] == 0
