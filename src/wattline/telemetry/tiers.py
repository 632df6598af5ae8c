"""The tiers: raw readings and four widths of bucket above them, and the SQL that computes one from the one below.

A bucket keeps what merges exactly: sum, sum of squares, minimum, maximum, first, last, and three counts
(`count` of values that are not BAD, `good`, `bad`). BAD values enter the quality ratio and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattline.model.clock import DAY, HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class Tier:
    """One width of bucket. `source` is the table it is computed from; `partition` bounds a part's time span."""

    name: str
    width: int
    source: str
    partition: str

    @property
    def table(self) -> str:
        return f"tier_{self.name}"


TIERS = (
    Tier("1m", MINUTE, "readings", "toYYYYMM(time)"),
    Tier("5m", 5 * MINUTE, "tier_1m", "toYYYYMM(time)"),
    Tier("1h", HOUR, "tier_5m", "toYear(time)"),
    Tier("1d", DAY, "tier_1h", "toYear(time)"),
)

EXISTS = "quality < 3"
"""SQL of a reading that was not taken back."""
FILLED = "count + bad > 0"
"""SQL of a bucket that holds readings: of one whose readings were all taken back, an empty row is left."""

VALUE_COLUMNS = "total, squares, low, high, first, last, first_time, last_time, count, good, bad"

FROM_RAW = """
    sumIf(value, quality < 2) AS total,
    sumIf(value * value, quality < 2) AS squares,
    minIf(value, quality < 2) AS low,
    maxIf(value, quality < 2) AS high,
    argMinIf(value, time, quality < 2) AS first,
    argMaxIf(value, time, quality < 2) AS last,
    minIf(time, quality < 2) AS first_time,
    maxIf(time, quality < 2) AS last_time,
    countIf(quality < 2) AS count,
    countIf(quality = 0) AS good,
    countIf(quality = 2) AS bad"""

# The aliases differ from the columns they aggregate: ClickHouse would otherwise nest the aggregates.
FROM_BUCKETS = """
    sum(b.total) AS total,
    sum(b.squares) AS squares,
    minIf(b.low, b.count > 0) AS low,
    maxIf(b.high, b.count > 0) AS high,
    argMinIf(b.first, b.first_time, b.count > 0) AS first,
    argMaxIf(b.last, b.last_time, b.count > 0) AS last,
    minIf(b.first_time, b.count > 0) AS first_time,
    maxIf(b.last_time, b.count > 0) AS last_time,
    sum(b.count) AS count,
    sum(b.good) AS good,
    sum(b.bad) AS bad"""


def bucket_of(column: str, width: int) -> str:
    """SQL of the start of the bucket, in microseconds, that holds the time in `column`. Buckets align to 1970 UTC."""
    micros = f"toUnixTimestamp64Micro({column})"
    return f"intDiv({micros}, {width}) * {width}"


def recompute_sql(tier: Tier, *, some_sensors: bool) -> str:
    """`INSERT ... SELECT` of every bucket of a tier in [start, end), for all sensors or those in `sensors`."""
    raw = tier.source == "readings"
    only = "AND sensor IN {sensors:Array(UInt32)}" if some_sensors else ""
    return f"""
        INSERT INTO {tier.table} (sensor, time, {VALUE_COLUMNS}, version)
        SELECT sensor, fromUnixTimestamp64Micro(bucket, 'UTC'), {VALUE_COLUMNS}, {{version:UInt64}}
        FROM (
            SELECT b.sensor AS sensor, {bucket_of("b.time", tier.width)} AS bucket, {FROM_RAW if raw else FROM_BUCKETS}
            FROM {tier.source} AS b FINAL
            WHERE b.time >= fromUnixTimestamp64Micro({{start:Int64}}, 'UTC')
              AND b.time < fromUnixTimestamp64Micro({{end:Int64}}, 'UTC') {only}
            GROUP BY sensor, bucket
        )"""
