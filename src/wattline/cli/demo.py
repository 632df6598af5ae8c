"""What `wattline demo` adds to a server: seeded substations, a working key, curl lines to paste, and the fleet."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from wattline.contracts.hop.devices import LAYOUT
from wattline.model.record import Row
from wattline.platform import Platform
from wattline.simulate.child import fleet_process
from wattline.simulate.credentials import FILE_NAME
from wattline.simulate.curl import hop_calls, page
from wattline.simulate.demo import provide, seed
from wattline.simulate.plan import DEMO_PLAN


async def introduce(platform: Platform, base_url: str) -> None:
    """Seed, store credentials and print how to call; before the first request, so that whoever sees the server sees them."""
    await seed(platform)
    credentials = await provide(platform, base_url)
    path = credentials.write(platform.settings.data)
    lines = page(hop_calls(platform.clock.micros()), credentials, platform.settings.tls_cert)
    sys.stdout.write(f"\n{lines}\n\ncredentials in {path}\ndocumentation at {base_url}/docs\n")


async def _tell_of_arrivals(platform: Platform) -> None:
    """Say so, once, when every feeder of the plan has been heard of."""
    expected = sum(len(station.feeders) for station in DEMO_PLAN)
    heard: set[int] = set()
    with platform.bus.subscribe(("rows",), size=64) as arrivals:
        async for delivery in arrivals:
            rows = cast("list[Row]", delivery.message)
            heard |= {row.stream for row in rows if platform.registry.stream(row.stream).layout == LAYOUT}
            if len(heard) >= expected:
                sys.stdout.write(f"readings arrive: {len(heard)} feeders, every second\n")
                sys.stdout.flush()
                return


async def send(platform: Platform, _base_url: str) -> None:
    """Run the fleet until cancelled."""
    async with fleet_process(platform.settings.data / FILE_NAME, platform.settings.tls_cert):
        await _tell_of_arrivals(platform)
        await asyncio.Event().wait()
