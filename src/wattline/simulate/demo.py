"""What `wattline demo` does beside its server: seed the registry, hand out a key, say how to call, and run the fleet."""

from __future__ import annotations

import asyncio
import sys

from wattline.contracts.hop.layout import LAYOUT, device_key
from wattline.model.errors import Unauthenticated
from wattline.model.principal import ALL_SCOPES
from wattline.platform import Platform
from wattline.registry.service import Registration
from wattline.simulate.child import fleet_process
from wattline.simulate.credentials import FILE_NAME, Credentials
from wattline.simulate.curl import hop_calls, page
from wattline.simulate.plan import DEMO_PLAN

KEY_NAME = "demo"


async def demo(platform: Platform, base_url: str, *, simulate: bool) -> None:
    """Seed, announce, and with `simulate` run the fleet until cancelled. Starting again on the same data changes nothing."""
    await seed(platform)
    credentials = await provide(platform, base_url)
    path = credentials.write(platform.settings.data)
    certificate = platform.settings.tls_cert
    sys.stdout.write(
        f"credentials in {path}\n\n{page(hop_calls(platform.clock.micros()), credentials, certificate)}\n\n"
        f"documentation at {base_url}/docs\n"
    )
    sys.stdout.flush()
    if simulate:
        async with fleet_process(path, certificate):
            await asyncio.Event().wait()


async def seed(platform: Platform) -> None:
    """Register the fleet's substations and feeders, exactly as their first readings would."""
    tenant = platform.settings.default_tenant
    wanted = []
    for station in DEMO_PLAN:
        for feeder in station.feeders:
            device = station.device_id(feeder)
            attributes = {"feeder_id": feeder.key, "device_id": device}
            wanted.append(Registration(tenant, station.key, device_key(feeder.key, device), LAYOUT, attributes))
    await platform.registry.register_all(wanted)
    for station in DEMO_PLAN:
        await platform.registry.describe_site(
            tenant, station.key, name=station.name, latitude=station.latitude, longitude=station.longitude
        )


async def provide(platform: Platform, base_url: str) -> Credentials:
    """Credentials that work at `base_url`: the key of an earlier start where it is still good, else a new one."""
    known = Credentials.read(platform.settings.data / FILE_NAME)
    if known is not None:
        try:
            principal = await platform.identity.authenticate(known.hop_api_key)
        except Unauthenticated:
            pass
        else:
            wanted = (platform.settings.default_tenant, None)
            if (principal.tenant, principal.sites) == wanted and principal.scopes >= ALL_SCOPES:
                return Credentials(base_url, known.hop_api_key)
    _, secret = await platform.identity.create(platform.settings.default_tenant, KEY_NAME, ALL_SCOPES)
    return Credentials(base_url, secret)
