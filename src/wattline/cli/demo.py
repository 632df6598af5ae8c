"""What `wattline demo` adds to a server: seeded places, working keys, curl lines to paste, and the fleet."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from wattline.model.record import Row
from wattline.platform import Platform
from wattline.simulate.child import fleet_process
from wattline.simulate.credentials import FILE_NAME
from wattline.simulate.curl import hop_calls, page
from wattline.simulate.demo import fleet_streams, provide, seed
from wattline.simulate.depot.calls import joulepoint_calls, listening, published
from wattline.simulate.homes.calls import household_calls
from wattline.simulate.microgrid.calls import flux_calls
from wattline.simulate.plant.calls import mcs_calls
from wattline.simulate.plant.definition import BLOCK, BY_TAG, SITE

_WHO = "any user name, the MCS key is the password"


async def introduce(platform: Platform, base_url: str) -> None:
    """Seed, store credentials and print how to call; before the first request, so that whoever sees the server sees them."""
    points = await seed(platform)
    credentials = await provide(platform, base_url)
    path = credentials.write(platform.settings.data)
    now, certificate = platform.clock.micros(), platform.settings.tls_cert
    ids = {point.tag: point.id for point in points}
    parts = [
        page("HOP: a utility's substations and feeders", hop_calls(now), credentials, certificate),
        page("MCS: a data centre that heats a brewery", mcs_calls(now, ids), credentials, certificate),
        page("Flux: batteries and meters of two microgrids", flux_calls(now), credentials, certificate),
    ]
    if credentials.household is not None:
        calls = household_calls(now, credentials.household)
        parts.append(page("Household: the meter readers of homes", calls, credentials, certificate))
    if credentials.joulepoint is not None and credentials.depot is not None:
        calls = joulepoint_calls(now, credentials.joulepoint, credentials.depot)
        parts.append(f"{page('Joulepoint: a bus depot', calls, credentials, certificate)}\n{listening(base_url)}")
    if credentials.mqtt is not None:
        parts.append(
            f"# == MQTT ==\n# {credentials.mqtt.url}, topics {credentials.mqtt.prefix}/SITE/BLOCK/SUBSYSTEM/TAG; {_WHO}"
        )
        # An external broker knows clients of its own.
        if credentials.joulepoint is not None and platform.settings.mqtt_url is None:
            parts[-1] += f"\n{published(credentials.joulepoint, credentials.mqtt, certificate)}"
    lines = "\n\n".join(parts)
    sys.stdout.write(f"\n{lines}\n\ncredentials in {path}\ndocumentation at {base_url}/docs\n")


class _Arrivals:
    """Waits until every stream of a kind has been heard of, and says so once."""

    def __init__(self, streams: frozenset[int], text: str) -> None:
        self._missing = set(streams)
        self._text = text

    def take(self, rows: list[Row]) -> bool:
        """Whether nothing is missing any more."""
        if not self._missing:
            return True
        self._missing.difference_update(row.stream for row in rows)
        if not self._missing:
            sys.stdout.write(f"{self._text}\n")
            sys.stdout.flush()
        return not self._missing


async def _tell_of_arrivals(platform: Platform) -> None:
    """Say so, once each, when every feeder of the plan and every point of the plant has been heard of."""
    registry, tenant = platform.registry, platform.settings.default_tenant
    feeders = frozenset(stream.id for stream in fleet_streams(platform))
    block = registry.block(tenant, SITE, BLOCK)
    known = [] if block is None else registry.block_points(block.id)
    points = frozenset(point.stream.id for point in known if point.tag in BY_TAG)
    waiting = [
        _Arrivals(feeders, f"readings arrive: {len(feeders)} feeders, every second"),
        _Arrivals(points, f"readings arrive: {len(points)} points of the data centre: what they missed, then every 5 s"),
    ]
    with platform.bus.subscribe(("rows",), size=64) as arrivals:
        async for delivery in arrivals:
            rows = cast("list[Row]", delivery.message)
            arrived = [arrival.take(rows) for arrival in waiting]
            if all(arrived):
                return


async def send(platform: Platform, _base_url: str) -> None:
    """Run the fleet until cancelled."""
    async with fleet_process(platform.settings.data / FILE_NAME, platform.settings.tls_cert):
        await _tell_of_arrivals(platform)
        await asyncio.Event().wait()
