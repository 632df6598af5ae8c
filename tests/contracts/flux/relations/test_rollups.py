"""A rollup is only read: it has no key to be found by, takes no write, and nothing is ever committed to it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.stores import spine
from wattline.changes.service import ChangeLog
from wattline.contracts.flux.catalog import Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.relation import Edit
from wattline.contracts.flux.relations.devices import Devices
from wattline.contracts.flux.relations.intervals import IntervalRows
from wattline.contracts.flux.relations.rollups import Rollup
from wattline.contracts.flux.tables import METER, METER_ROLLUPS
from wattline.model.clock import ManualClock
from wattline.registry.listings import Listings


async def test_a_rollup_has_no_key_takes_no_write_and_never_changes(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as store:
        listings = Listings(store.registry, ChangeLog(store.database, clock), clock)
        rows = IntervalRows(Devices(store.registry, listings, METER), store.pipeline.intervals)
        for kind in METER_ROLLUPS:
            rollup = Rollup(kind, rows)
            found = await rollup.find("t", Unique("none", ("device_id",)), pa.table({"device_id": ["x"]}))
            assert (found.schema, found.num_rows) == (kind.schema, 0)
            with pytest.raises(Refusal) as refused:
                await rollup.commit("t", Edit(inserted=kind.schema.empty_table()))
            assert (refused.value.status, refused.value.code) == (403, "42501")
            assert [change async for change in rollup.changes("t", 0)] == []
