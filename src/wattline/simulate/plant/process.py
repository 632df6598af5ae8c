"""The plant's part of the fleet's process: it asks what the server knows, and tells the rest until told to stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from wattline.model.clock import Clock
from wattline.simulate.credentials import MqttAccess
from wattline.simulate.plant import messages
from wattline.simulate.plant.gateway import BACKFILL, Gateway
from wattline.simulate.plant.instruments import Instruments
from wattline.simulate.plant.known import newest
from wattline.simulate.plant.uplink import Broker, Uplink


async def run(
    instruments: Instruments,
    client: httpx.AsyncClient,
    access: MqttAccess,
    clock: Clock,
    stop: asyncio.Event,
    *,
    certificate: Path | None = None,
    backfill: int = BACKFILL,
) -> int:
    """Tell the plant's life over MQTT until `stop`; how many messages the broker acknowledged.

    `client` carries the base URL of the REST interface (up to and including /api/v1) and the key, `certificate` is what to
    trust where the broker uses TLS, `backfill` how far back (us) a server hears of what it does not know.
    """
    asking = asyncio.create_task(newest(client, clock))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            return 0
        known = await asking
    finally:
        asking.cancel()
        stopping.cancel()
        await asyncio.gather(asking, stopping, return_exceptions=True)
    broker = Broker(
        access.host,
        access.port,
        access.username,
        access.password,
        access.prefix,
        access.tls,
        None if not access.tls else certificate,
    )
    async with Uplink.open(broker, messages.EDGE_ID, (messages.COMMANDS,)) as uplink:
        await Gateway(instruments, uplink, clock, backfill=backfill).run(known, stop)
    return uplink.answered
