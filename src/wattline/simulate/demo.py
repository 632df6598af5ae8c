"""What `wattline demo` prepares before its first request: plant and fleet in the registry, and credentials."""

from __future__ import annotations

from wattline.contracts.hop.devices import LAYOUT, device_key
from wattline.gateways.address import parse_url
from wattline.model.errors import Unauthenticated
from wattline.platform import Platform
from wattline.registry.point import Point
from wattline.registry.registration import Registration
from wattline.registry.stream import Stream
from wattline.simulate.credentials import FILE_NAME, Credentials, FluxKeys, HouseholdAccess, MqttAccess
from wattline.simulate.depot import access as depot
from wattline.simulate.homes import seed as homes
from wattline.simulate.homes.definition import GUEST
from wattline.simulate.plan import DEMO_PLAN
from wattline.simulate.plant import seed as plant

KEY_NAME = "demo"
HOP_SCOPES = frozenset({"telemetry:write", "event:write", "outage:write", "query:read"})
"""Full read and write access, as the page grants a key; scores are written by a scoring service, not by a utility."""
MCS_SCOPES = frozenset({"telemetry:write", "query:read", "alarm:write"})
"""An operator's desk and an edge gateway in one key."""
MQTT_USER = "demo"
"""The embedded broker asks for the key alone; any user name will do."""
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


async def seed(platform: Platform) -> list[Point]:
    """Register the plant, whose points come first, the fleet as its first readings would, and the homes.

    Returns the points of the plant.
    """
    tenant = platform.settings.default_tenant
    points = await plant.seed(platform.registry, platform.alarms, tenant, platform.clock)
    await platform.registry.register_all(_fleet(tenant))
    for station in DEMO_PLAN:
        await platform.registry.describe_site(
            tenant, station.key, name=station.name, latitude=station.latitude, longitude=station.longitude
        )
    await homes.seed(platform.households, tenant, platform.clock.now().date())
    return points


def _fleet(tenant: str) -> list[Registration]:
    """Every feeder of the plan, as its first reading registers it."""
    wanted = []
    for station in DEMO_PLAN:
        for feeder in station.feeders:
            device = station.device_id(feeder)
            attributes = {"feeder_id": feeder.key, "device_id": device}
            wanted.append(Registration(tenant, station.key, device_key(feeder.key, device), LAYOUT, attributes))
    return wanted


def fleet_streams(platform: Platform) -> list[Stream]:
    """The streams of the fleet's feeders, as far as they are registered."""
    found = (platform.registry.by_key.get(wanted.key) for wanted in _fleet(platform.settings.default_tenant))
    return [stream for stream in found if stream is not None]


async def provide(platform: Platform, base_url: str) -> Credentials:
    """Credentials that work at `base_url`: the keys of an earlier start where they are still good, else new ones."""
    known = Credentials.read(platform.settings.data / FILE_NAME)
    hop = await _key(platform, None if known is None else known.hop_api_key, HOP_SCOPES)
    mcs = await _key(platform, None if known is None else known.mcs_api_key, MCS_SCOPES)
    flux, household = await _flux_keys(platform, known), await _household(platform, None if known is None else known.household)
    joulepoint, gateway = await depot.access(platform, known)
    return Credentials(base_url, hop, mcs, mqtt_access(platform, mcs), flux, household, joulepoint, gateway)


async def _household(platform: Platform, former: HouseholdAccess | None) -> HouseholdAccess:
    """The guest's meter, and a key for each use of the household contract."""

    async def key(name: str, scope: str) -> str:
        known: str | None = getattr(former, name, None)
        return await _key(platform, known, frozenset({scope}))

    token = None if former is None else former.user_token
    if token is None or not await _opens(platform, token, frozenset({"household:read"}), frozenset({GUEST.user})):
        token = await platform.households.accounts.issue_token(platform.settings.default_tenant, GUEST.user)
    return HouseholdAccess(
        sensor_id=GUEST.mac,
        user_id=GUEST.user,
        user_token=token,
        admin_token=await key("admin_token", "household:admin"),
        ml_api_key=await key("ml_api_key", "household:ml"),
        cron_secret=await key("cron_secret", "household:cron"),
    )


async def _flux_keys(platform: Platform, known: Credentials | None) -> FluxKeys:
    former = None if known is None else known.flux
    return FluxKeys(
        await _role_key(platform, None if former is None else former.anon_key, "anon"),
        await _role_key(platform, None if former is None else former.authenticated_key, "authenticated"),
        await _role_key(platform, None if former is None else former.service_role_key, "service_role"),
    )


async def _role_key(platform: Platform, known: str | None, role: str) -> str:
    """A key that stands for the role in the default tenant."""
    tenant = platform.settings.default_tenant
    found = None if known is None else await platform.identity.role_key(known)
    if known is not None and found is not None and (found.tenant, found.role) == (tenant, role):
        return known
    _, secret = await platform.identity.create_role_key(tenant, KEY_NAME, role)
    return secret


async def _key(platform: Platform, known: str | None, scopes: frozenset[str]) -> str:
    """A key with at least these scopes on the whole default tenant."""
    if known is not None and await _opens(platform, known, scopes, None):
        return known
    _, secret = await platform.identity.create(platform.settings.default_tenant, KEY_NAME, scopes)
    return secret


async def _opens(platform: Platform, key: str, scopes: frozenset[str], sites: frozenset[str] | None) -> bool:
    """Whether the key is good, and for this."""
    try:
        principal = await platform.identity.authenticate(key)
    except Unauthenticated:
        return False
    return (principal.tenant, principal.sites) == (platform.settings.default_tenant, sites) and principal.scopes >= scopes


def mqtt_access(platform: Platform, key: str) -> MqttAccess | None:
    """Where the plant's gateway connects: to the embedded broker with its key, or to the broker that is configured.

    None where messages are not taken in.
    """
    gateway, settings = platform.mqtt, platform.settings
    if gateway is None:
        return None
    if settings.mqtt_url is not None:
        there = parse_url(settings.mqtt_url)
        user, password = there.username or "", there.password or ""
        return MqttAccess(there.host, there.port, user, password, settings.mqtt_prefix, there.tls)
    here = parse_url(gateway.health.broker)
    host = _EVERY_INTERFACE.get(here.host, here.host)
    return MqttAccess(host, here.port, MQTT_USER, key, settings.mqtt_prefix, here.tls)
