"""The telemetry schema: made and upgraded from wherever it is, also where the upgrade was killed in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import numpy as np
import pytest

from tests.stores import fresh_telemetry_url
from wattline.model.errors import Unavailable
from wattline.telemetry.engine import Engine
from wattline.telemetry.schema import DURABLE, MIGRATIONS, NARROW, TIER_SETTINGS, prepare
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import Readings, TelemetryWriter


class Killed(Exception):
    """The process ended here."""


class Store(Engine):
    """A store whose caller is killed before its statement number `last`."""

    last: int | None = None

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        if self.last is not None:
            self.last -= 1
            if self.last < 0:
                raise Killed
        await super().command(sql, parameters)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    engine = Store(fresh_telemetry_url())
    yield engine
    await engine.close()


async def killed_once_at_every_statement(store: Store) -> int:
    """Prepare until it is done, killed one statement later each time; how often it took."""
    for last in range(100):
        store.last = last
        try:
            await prepare(store)
        except Killed:
            continue
        store.last = None
        return last
    raise AssertionError("never done")


async def definitions(store: Store) -> dict[str, str]:
    found = await store.query(
        "SELECT name, create_table_query AS made FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    )
    return dict(zip(found.column("name").to_pylist(), found.column("made").to_pylist(), strict=True))


async def versions(store: Store) -> list[int]:
    found = await store.query("SELECT version FROM schema_versions FINAL ORDER BY version")
    return [int(version) for version in found.column("version").to_pylist()]


async def test_a_new_store_killed_at_any_statement_is_as_one_that_was_not(store: Store) -> None:
    assert await killed_once_at_every_statement(store) > len(MIGRATIONS)
    killed = await definitions(store)
    whole = Store(fresh_telemetry_url())
    await prepare(whole)
    names = {each.location.database for each in (store, whole)}
    assert len(names) == 2
    plain = [
        {name: made.replace(each.location.database, "") for name, made in found.items()}
        for each, found in ((store, killed), (whole, await definitions(whole)))
    ]
    assert plain[0] == plain[1]
    assert await versions(store) == await versions(whole) == [number for number, _ in MIGRATIONS]
    await whole.close()


async def test_an_older_store_is_upgraded_where_it_is_and_keeps_what_it_holds(store: Store) -> None:
    await store.command("CREATE TABLE schema_versions (version UInt32) ENGINE = ReplacingMergeTree ORDER BY version")
    for statement in MIGRATIONS[0][1]:
        await store.command(statement.replace(TIER_SETTINGS, DURABLE))
    # As records were before they were marked.
    newer = await definitions(store)
    await store.command("ALTER TABLE records DROP INDEX by_receipt, DROP COLUMN id, DROP COLUMN created, DROP COLUMN fate")
    await store.command("INSERT INTO schema_versions SELECT 1")
    writer = TelemetryWriter(store)
    one = (np.array([7], np.uint32), np.array([60_000_000]), np.array([1.5]), np.array([0], np.uint8), np.array([0], np.uint16))
    await writer.insert_readings(Readings(*one))
    for version, tier in enumerate(TIERS, 1):
        await writer.recompute(tier, 0, 10**12, version)
    before = await definitions(store)
    assert not any("min_bytes_for_wide_part" in made for made in before.values())
    await killed_once_at_every_statement(store)
    after = await definitions(store)
    for tier in TIERS:
        assert NARROW in after[tier.table]
        held = await store.query(f"SELECT total, count FROM {tier.table} FINAL")
        assert held.to_pydict() == {"total": [1.5], "count": [1]}
    assert after["readings"] == before["readings"]
    assert after["records"] == newer["records"] != before["records"]
    assert await versions(store) == [number for number, _ in MIGRATIONS]


async def test_a_store_of_a_newer_program_is_left_alone(store: Store) -> None:
    await prepare(store)
    await store.command("INSERT INTO schema_versions SELECT 99")
    with pytest.raises(Unavailable, match="newer than this program"):
        await prepare(store)
