"""A household with a year of readings, as the journal and the background would have left them.

`python -m bench.household_year DIRECTORY ROWS` fills a data directory that no server uses, and prints the household's token.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path

import numpy as np

from wattline.households.meters.model import LAYOUT, Kind
from wattline.model.clock import DAY, MINUTE, SECOND
from wattline.platform import Platform
from wattline.settings import Settings
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import Readings

USER, MAC = "bench", "02:BE:00:00:00:01"
CADENCE = 15 * SECOND
BLOCK = 172_800
MONTH = 30 * DAY


async def fill(data: Path, count: int) -> str:
    """`count` rows every 15 s up to now, with both registers and the power."""
    async with Platform.open(Settings(data=data)) as platform:
        tenant = platform.settings.default_tenant
        await platform.households.accounts.create_user(tenant, {"id": USER})
        await platform.households.meters.add(tenant, MAC, Kind.DIGITAL_ELECTRICITY)
        await platform.households.meters.assign(tenant, MAC, USER)
        stream = await platform.registry.register(tenant, USER, MAC, LAYOUT)
        choice = np.random.default_rng(5)
        newest = platform.clock.micros() // MINUTE * MINUTE - MINUTE
        times = newest - CADENCE * np.arange(count - 1, -1, -1, dtype=np.int64)
        watts = np.round(choice.gamma(2.0, 200.0, count), 1)
        total = np.round(20_000 + np.cumsum(watts) * CADENCE / SECOND / 3_600_000, 4)
        out = np.round(300 + np.cumsum(np.where(watts < 150, 0.4, 0.0)) / 1000, 4)
        sensors = np.array(stream.sensor_ids, np.uint32)
        # Up to now there is nothing to compute; what follows is put into the tiers here, a month at a time.
        await platform.pipeline.rollup.advance()
        for at in range(0, count, BLOCK):
            part = slice(at, at + BLOCK)
            size = len(times[part])
            await platform.pipeline.store.insert_readings(
                Readings(
                    np.repeat(sensors, size),
                    np.tile(times[part], len(sensors)),
                    np.concatenate([column[part] for column in (total, out, watts, total, out)]),
                    np.zeros(size * len(sensors), np.uint8),
                    np.zeros(size * len(sensors), np.uint16),
                )
            )
        for tier in TIERS:
            edges = [*range(int(times[0]) // DAY * DAY, newest, MONTH), newest // tier.width * tier.width]
            for start, end in itertools.pairwise(edges):
                await platform.pipeline.store.recompute(tier, start // tier.width * tier.width, end, platform.clock.micros())
        for table in ("readings", *(tier.table for tier in TIERS)):
            await platform.pipeline.engine.command(f"OPTIMIZE TABLE {table} FINAL")
        return await platform.households.accounts.issue_token(tenant, USER)


def main() -> None:
    """Fill, and print the token."""
    sys.stdout.write(json.dumps({"token": asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2])))}) + "\n")


if __name__ == "__main__":
    main()
