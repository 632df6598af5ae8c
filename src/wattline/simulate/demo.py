"""What `wattline demo` prepares before its first request: the fleet's places in the registry, and credentials that work."""

from __future__ import annotations

from wattline.contracts.hop.devices import LAYOUT, device_key
from wattline.model.errors import Unauthenticated
from wattline.platform import Platform
from wattline.registry.registration import Registration
from wattline.simulate.credentials import FILE_NAME, Credentials
from wattline.simulate.plan import DEMO_PLAN

KEY_NAME = "demo"
SCOPES = frozenset({"telemetry:write", "event:write", "outage:write", "query:read"})
"""Full read and write access, as the page grants a key; scores are written by a scoring service, not by a utility."""


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
            if (principal.tenant, principal.sites) == wanted and principal.scopes >= SCOPES:
                return Credentials(base_url, known.hop_api_key)
    _, secret = await platform.identity.create(platform.settings.default_tenant, KEY_NAME, SCOPES)
    return Credentials(base_url, secret)
