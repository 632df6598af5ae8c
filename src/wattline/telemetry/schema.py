"""The telemetry schema: numbered migrations, each safe to run again, applied in order and remembered in the store."""

from __future__ import annotations

from wattline.model.errors import Unavailable
from wattline.telemetry.engine import Engine
from wattline.telemetry.tiers import TIERS, Tier

# Settings of every table: a block is on disk when the insert returns (the journal is trimmed after it), and a block
# that spans many days is legal.
DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1"

# A tier is read a few hundred rows of one sensor at a time, with most of its columns: small granules, and all columns of a part
# in one file, halve what such a read costs.
NARROW = "min_bytes_for_wide_part = 1099511627776"
TIER_SETTINGS = f"{DURABLE}, index_granularity = 1024, {NARROW}"

READINGS = f"""
    CREATE TABLE IF NOT EXISTS readings (
        sensor UInt32 CODEC(Delta, ZSTD(1)),
        time DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
        value Float64 CODEC(ALP, ZSTD(1)),
        quality UInt8 CODEC(ZSTD(1)),
        revision UInt16 CODEC(ZSTD(1))
    ) ENGINE = ReplacingMergeTree(revision)
    PARTITION BY toYYYYMMDD(time) ORDER BY (sensor, time) SETTINGS {DURABLE}"""

REPLACED = f"""
    CREATE TABLE IF NOT EXISTS replaced_readings (
        sensor UInt32,
        time DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
        revision UInt16,
        value Float64,
        quality UInt8,
        replaced_at DateTime64(6, 'UTC')
    ) ENGINE = ReplacingMergeTree
    PARTITION BY toYYYYMM(time) ORDER BY (sensor, time, revision) SETTINGS {DURABLE}"""

# What a row has that was sent to a table.
MARKS = (
    "id FixedString(16) CODEC(ZSTD(1))",
    "created DateTime64(6, 'UTC') DEFAULT received CODEC(DoubleDelta, ZSTD(1))",
    "fate UInt8 CODEC(ZSTD(1))",
)
RECEIPT = "by_receipt received TYPE minmax GRANULARITY 1"

RECORDS = f"""
    CREATE TABLE IF NOT EXISTS records (
        stream UInt32 CODEC(Delta, ZSTD(1)),
        time DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
        received DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
        status LowCardinality(String) CODEC(ZSTD(1)),
        {", ".join(MARKS)},
        INDEX {RECEIPT}
    ) ENGINE = ReplacingMergeTree(received)
    PARTITION BY toYYYYMMDD(time) ORDER BY (stream, time) SETTINGS {DURABLE}"""


def _tier(tier: Tier) -> str:
    return f"""
    CREATE TABLE IF NOT EXISTS {tier.table} (
        sensor UInt32 CODEC(Delta, ZSTD(1)),
        time DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
        total Float64 CODEC(ALP, ZSTD(1)),
        squares Float64 CODEC(ALP, ZSTD(1)),
        low Float64 CODEC(ALP, ZSTD(1)),
        high Float64 CODEC(ALP, ZSTD(1)),
        first Float64 CODEC(ALP, ZSTD(1)),
        last Float64 CODEC(ALP, ZSTD(1)),
        first_time DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
        last_time DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
        count UInt64 CODEC(T64, ZSTD(1)),
        good UInt64 CODEC(T64, ZSTD(1)),
        bad UInt64 CODEC(T64, ZSTD(1)),
        version UInt64 CODEC(Delta, ZSTD(1))
    ) ENGINE = ReplacingMergeTree(version)
    PARTITION BY {tier.partition} ORDER BY (sensor, time) SETTINGS {TIER_SETTINGS}"""


# Of records that were made before, the time of receipt is when they were made.
MARKED = f"""
    ALTER TABLE records
        {", ".join(f"ADD COLUMN IF NOT EXISTS {mark}" for mark in MARKS)},
        ADD INDEX IF NOT EXISTS {RECEIPT}"""

NEWEST = (READINGS, REPLACED, RECORDS, *(_tier(tier) for tier in TIERS))
"""Tables as they are made where there are none yet."""
MIGRATIONS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, NEWEST),
    # For tables that were made before; the size of their granules stays as it was.
    (2, tuple(f"ALTER TABLE {tier.table} MODIFY SETTING {NARROW}" for tier in TIERS)),
    (3, (MARKED,)),
)


async def prepare(engine: Engine) -> None:
    """Create or upgrade the schema. Raises `Unavailable` where the store is away, or is newer than this program."""
    await engine.command(
        "CREATE TABLE IF NOT EXISTS schema_versions (version UInt32) ENGINE = ReplacingMergeTree ORDER BY version "
        f"SETTINGS {DURABLE}"
    )
    table = await engine.query("SELECT version FROM schema_versions FINAL")
    applied = set(table.column("version").to_pylist())
    newest = MIGRATIONS[-1][0]
    if applied and max(applied) > newest:
        raise Unavailable(f"the telemetry schema is version {max(applied)}, newer than this program knows ({newest})")
    if not applied and await _has_none(engine):
        for statement in NEWEST:
            await engine.command(statement)
        versions = [number for number, _ in MIGRATIONS]
        await engine.command("INSERT INTO schema_versions SELECT arrayJoin({versions:Array(UInt32)})", {"versions": versions})
        return
    for number, statements in MIGRATIONS:
        if number not in applied:
            for statement in statements:
                await engine.command(statement)
            await engine.command("INSERT INTO schema_versions SELECT {version:UInt32}", {"version": number})


async def _has_none(engine: Engine) -> bool:
    """Whether there is no table yet, not even one that a start left which was cut short."""
    table = await engine.query(
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name != 'schema_versions'"
    )
    return not table.column(0)[0].as_py()
