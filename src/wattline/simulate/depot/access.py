"""The keys of the demo's depot: those of an earlier start where they are still good, else new ones."""

from __future__ import annotations

import hmac

from wattline.identity.secret import digest
from wattline.metering.model import DeviceKey
from wattline.model.errors import NotFound
from wattline.model.principal import JOULEPOINT
from wattline.platform import Platform
from wattline.simulate.credentials import Credentials, DepotGateway, JoulepointAccess
from wattline.simulate.depot.definition import GUEST, METERS
from wattline.simulate.depot.seed import seed

NAME = "demo"


async def access(platform: Platform, former: Credentials | None) -> tuple[JoulepointAccess, DepotGateway]:
    """Seed the depot, and give the guest's access and that of the gateway."""
    tenant = platform.settings.default_tenant
    ids = await seed(platform, tenant)
    mine = None if former is None else former.joulepoint
    key, secret = await _guest_key(platform, tenant, ids[GUEST.key], mine)
    client_id, client_secret = await _client(platform, tenant, mine)
    topic = f"jp/v1/{tenant}/{ids[GUEST.key]}/energy"
    guest = JoulepointAccess(key, secret, ids[GUEST.key], client_id, client_secret, topic)
    return guest, await _gateway(platform, tenant, ids, None if former is None else former.depot)


def _good(platform: Platform, tenant: str, text: str, secret: str, meters: set[int]) -> bool:
    known: DeviceKey | None = platform.metering.keys.known(text)
    if known is None or known.tenant != tenant or not all(known.may_write(meter) for meter in meters):
        return False
    return hmac.compare_digest(known.secret, secret)


async def _guest_key(platform: Platform, tenant: str, meter_id: int, former: JoulepointAccess | None) -> tuple[str, str]:
    if former is not None and _good(platform, tenant, former.device_key, former.device_secret, {meter_id}):
        return former.device_key, former.device_secret
    made = await platform.metering.keys.create(tenant, meter_id, name=NAME)
    return made.text, made.key.secret


async def _gateway(platform: Platform, tenant: str, ids: dict[str, int], former: DepotGateway | None) -> DepotGateway:
    meters = {meter.key: ids[meter.key] for meter in METERS}
    if former is not None and _good(platform, tenant, former.key, former.secret, set(meters.values())):
        return DepotGateway(former.key, former.secret, meters)
    made = await platform.metering.keys.create_gateway(tenant, meters.values(), name=NAME, require_signature=True)
    return DepotGateway(made.text, made.key.secret, meters)


async def _client(platform: Platform, tenant: str, former: JoulepointAccess | None) -> tuple[str, str]:
    if former is not None:
        try:
            known = await platform.oauth.get(former.client_id, tenant)
        except NotFound:
            known = None
        live = [] if known is None or known.scopes != JOULEPOINT else known.live_secrets(platform.clock.micros())
        if any(hmac.compare_digest(each.digest, digest(former.client_secret)) for each in live):
            return former.client_id, former.client_secret
    client, secret = await platform.oauth.create(tenant, NAME, sorted(JOULEPOINT))
    return client.id, secret
