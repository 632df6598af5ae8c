"""What a server knows of the plant already, asked over its public REST interface."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any

import httpx

from wattline.model.clock import DAY, Clock, to_micros
from wattline.simulate.plant.definition import BLOCK
from wattline.simulate.plant.messages import iso_millis
from wattline.simulate.sender import Pause

WITNESS = "P-MSB-TOTAL"
"""The point that is asked for: one that never fails."""
AGAIN_SECONDS = 2.0

_logger = logging.getLogger(__name__)


async def newest(client: httpx.AsyncClient, clock: Clock, pause: Pause = asyncio.sleep) -> int | None:
    """The newest minute (us) of the last day that the server has readings of; None where it has none, or will not say.

    A server that is not up yet, or busy, is asked again until it answers. Telling it something twice does no harm.
    `client` carries the base URL (up to and including /api/v1) and the key.
    """
    while True:
        try:
            return await _newest(client, clock.micros())
        except httpx.RequestError:
            pass
        except httpx.HTTPStatusError as error:
            if error.response.status_code < 500 and error.response.status_code not in (408, 429):
                _logger.warning("the server does not say what it knows of the plant: %d", error.response.status_code)
                return None
        except (ValueError, KeyError, TypeError) as error:
            _logger.warning("what the server says of the plant cannot be understood: %r", error)
            return None
        await pause(AGAIN_SECONDS)


async def _newest(client: httpx.AsyncClient, now: int) -> int | None:
    found = [sensor["id"] for sensor in await _get(client, f"/sensors/{BLOCK}", {}) if sensor["tag"] == WITNESS]
    if not found:
        return None
    window = {"sensor_id": str(found[0]), "start": iso_millis(now - DAY), "end": iso_millis(now), "agg": "1min"}
    points = (await _get(client, "/telemetry", window))["data"]
    return to_micros(datetime.fromisoformat(points[-1]["bucket"])) if points else None


async def _get(client: httpx.AsyncClient, path: str, parameters: dict[str, str]) -> Any:
    answer = await client.get(path, params=parameters)
    answer.raise_for_status()
    return answer.json()
