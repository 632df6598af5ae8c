"""What `wattline demo` adds to a server: seeded substations, a working key, curl lines to paste, and the fleet."""

from __future__ import annotations

import asyncio
import sys

from wattline.platform import Platform
from wattline.simulate.child import fleet_process
from wattline.simulate.credentials import FILE_NAME
from wattline.simulate.curl import hop_calls, page
from wattline.simulate.demo import provide, seed


async def introduce(platform: Platform, base_url: str) -> None:
    """Seed, store credentials and print how to call; before the first request, so that whoever sees the server sees them."""
    await seed(platform)
    credentials = await provide(platform, base_url)
    path = credentials.write(platform.settings.data)
    lines = page(hop_calls(platform.clock.micros()), credentials, platform.settings.tls_cert)
    sys.stdout.write(f"\n{lines}\n\ncredentials in {path}\ndocumentation at {base_url}/docs\n")


async def send(platform: Platform, _base_url: str) -> None:
    """Run the fleet until cancelled."""
    async with fleet_process(platform.settings.data / FILE_NAME, platform.settings.tls_cert):
        await asyncio.Event().wait()
