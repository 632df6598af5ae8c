"""Writes on the relations themselves, not on ones in memory: what they find, hold and give back fits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.flux.write.asking import Base, shown
from tests.contracts.flux.write.test_inserting import D, E, at
from tests.stores import spine
from wattline.changes.service import ChangeLog
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.relations.devices import Devices
from wattline.contracts.flux.relations.market import MarketData, MarketTypes
from wattline.contracts.flux.relations.readings import Readings
from wattline.contracts.flux.relations.registry import DeviceRegistry
from wattline.contracts.flux.tables import BESS
from wattline.markets.service import Markets
from wattline.model.clock import ManualClock
from wattline.registry.listings import Listings

MERGE = "resolution=merge-duplicates"


@pytest.fixture
async def real(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Base]:
    async with spine(tmp_path, clock) as store:
        log = ChangeLog(store.database, store.clock)
        await log.load()
        listings = Listings(store.registry, log, store.clock)
        markets = Markets(store.database, log, store.clock)
        base = Base()
        for relation in (
            Readings(BESS, Devices(store.registry, listings, BESS), store.pipeline, store.clock, lambda _: None),
            DeviceRegistry(listings, log, lambda _: None),
            MarketData(markets, log, lambda _: None),
            MarketTypes(markets, log, lambda _: None),
        ):
            base.relations.by_name[relation.type.name] = relation
        yield base


async def refused(base: Base, *request: object) -> str:
    with pytest.raises(Refusal) as caught:
        await base(*request)  # type: ignore[arg-type]
    return caught.value.code


async def soes(base: Base) -> list[tuple[object, ...]]:
    """Every reading, by a change that changes nothing."""
    written = await base("PATCH", "mg_bess_readings?columns=real_power_mode&order=time,device_id", {"real_power_mode": 1})
    return shown(written.rows, "soe")


async def test_readings(real: Base) -> None:
    target = "mg_bess_readings?on_conflict=device_id,time"
    assert (await real("POST", "mg_bess_readings", [at(2, soe=2), at(1, soe=1), at(1, E, soe=3)])).inserted == 3
    assert await refused(real, "POST", "mg_bess_readings", [at(5), at(1)]) == "23505"
    assert await soes(real) == [(1.0,), (3.0,), (2.0,)]
    written = await real("POST", target, [at(5, soe=5), at(1, soe=None)], MERGE)
    assert (written.inserted, written.updated) == (1, 1)
    assert shown(written.rows, "soe", "real_power_mode") == [(5.0, None), (None, 1)]
    assert (await real("POST", target, [at(5, soe=7), at(6, soe=6)], "resolution=ignore-duplicates")).inserted == 1
    assert await soes(real) == [(None,), (3.0,), (2.0,), (5.0,), (6.0,)]
    assert (await real("PATCH", "mg_bess_readings?soe=eq.3", {"time": "2024-01-01T12:00:09Z"})).updated == 1
    assert await refused(real, "PATCH", "mg_bess_readings?soe=eq.6", {"time": "2024-01-01T12:00:05Z"}) == "23505"
    assert (await real("DELETE", f"mg_bess_readings?device_id=eq.{D}&soe=gt.4")).deleted == 2
    assert await soes(real) == [(None,), (2.0,), (3.0,)]
    assert (await real("POST", "mg_bess_readings", at(5, soe=8))).inserted == 1


async def test_devices(real: Base) -> None:
    row = {"name": "WLCE-BESS-02", "type": "bess", "site": "WLCE", "metadata": {"b": 1, "a": [2]}}
    written = await real("POST", "mg_device_registry", row)
    ((key, metadata, active),) = shown(written.rows, "id", "metadata", "active")
    assert (metadata, active) == ('{"a": [2], "b": 1}', True)
    assert await refused(real, "POST", "mg_device_registry", {**row, "device_id": key}) == "23505"
    written = await real(
        "PUT", f"mg_device_registry?device_id=eq.{key}", {**row, "id": key, "name": "x"}, "return=representation"
    )
    assert (written.status, shown(written.rows, "name")) == (200, [("x",)])
    assert (await real("PUT", f"mg_device_registry?id=eq.{D}", {**row, "id": D}, "return=representation")).status == 201
    assert (await real("PATCH", f"mg_device_registry?id=eq.{D}", {"metadata": None, "active": False})).updated == 1
    written = await real("DELETE", "mg_device_registry?order=name", b"", "return=representation")
    assert shown(written.rows, "name", "metadata", "active") == [("WLCE-BESS-02", None, False), ("x", metadata, True)]


async def test_market_types(real: Base) -> None:
    written = await real("POST", "market_data_types", [{"name": "a"}, {"name": "b"}])
    assert shown(written.rows, "id") == [(5,), (6,)]
    assert await refused(real, "POST", "market_data_types", {"name": "niv_estimate"}) == "23505"
    # The new row takes the name that the changed one leaves.
    written = await real("POST", "market_data_types", [{"id": 5, "name": "c"}, {"id": 9, "name": "a"}], MERGE)
    assert (written.inserted, written.updated) == (1, 1)
    assert (await real("PATCH", "market_data_types?id=eq.9", {"id": 10})).updated == 1
    assert await refused(real, "PATCH", "market_data_types?id=gte.5", {"unit": "MW", "name": "z"}) == "23505"
    assert (await real("DELETE", "market_data_types?id=gte.5")).deleted == 3


async def test_market_data(real: Base) -> None:
    row = {"time": "2024-01-01T12:00:00Z", "type": 1, "value": -150.5, "metadata": {"settlement_period": 24}}
    written = await real("POST", "market_data", [row, row, {**row, "value": None}])
    assert shown(written.rows, "value") == [(-150.5,), (-150.5,), (None,)]
    first = written.rows.column("id")[0].as_py()
    written = await real("POST", "market_data", {**row, "id": first, "value": 1}, MERGE)
    assert written.status == 200
    assert (await real("PATCH", "market_data?value=lt.0", {"type": 2})).updated == 1
    assert (await real("DELETE", "market_data?type=eq.1&metadata->>settlement_period=eq.24")).deleted == 2
