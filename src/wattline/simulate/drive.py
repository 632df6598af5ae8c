"""The polling loop: a fleet, a clock and a sender, at whole seconds, until told to stop."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import httpx

from wattline.model.clock import SECOND, Clock
from wattline.simulate.fleet import Fleet
from wattline.simulate.sender import Pause, Sender
from wattline.simulate.words import EVENT, OUTAGE, Message, iso_utc

SETTLE_SECONDS = 3.0
_logger = logging.getLogger(__name__)


async def drive(
    fleet: Fleet,
    sender: Sender,
    clock: Clock,
    stop: asyncio.Event,
    *,
    period_seconds: int = 1,
    settle_seconds: float = SETTLE_SECONDS,
    pause: Pause = asyncio.sleep,
) -> None:
    """Poll the fleet at every whole multiple of the period until `stop`, then restore what is open and wait for the answers.

    A cycle that could not run in time (a machine that slept) is skipped, not made up: an RTU has no past either.
    A server that has gone by then is not waited for longer than `settle_seconds`: the next start ends what was left open.
    A clock that steps back waits until it has caught up, so that no instant is reported twice with other values.
    """
    period = period_seconds * SECOND
    delivery = asyncio.create_task(sender.run())
    last = clock.micros() // period * period
    try:
        while not stop.is_set():
            if delivery.done():
                # Only a fault of the program ends delivery; going on would fill the buffer in silence.
                await delivery
            due = clock.micros() // period * period
            if due > last:
                last = due
                sender.offer(fleet.poll(due))
            await _pause_or_stop(pause, (period - clock.micros() % period) / SECOND, stop)
        sender.offer(fleet.settle(last))
        if not await sender.drain(settle_seconds):
            _logger.warning("stopped with %d messages unanswered", sender.waiting)
    finally:
        delivery.cancel()
        with suppress(asyncio.CancelledError):
            await delivery


async def _pause_or_stop(pause: Pause, seconds: float, stop: asyncio.Event) -> None:
    """Wait for the next cycle or the end, whichever is first."""
    tasks = {asyncio.ensure_future(pause(seconds)), asyncio.ensure_future(stop.wait())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def leftovers(client: httpx.AsyncClient, fleet: Fleet, at: int) -> list[Message]:
    """Restorations for outages of this fleet's feeders that an earlier run began and could not end (it was killed)."""
    answer = await client.get("/query/outages/active", params={"include_stale": "true"})
    answer.raise_for_status()
    own = {station.device_id(feeder): feeder.key for station, feeder in fleet.feeders}
    messages: list[Message] = []
    for row in answer.json():
        device = str(row["outage_id"]).removeprefix("OUT-").rpartition("-")[0]
        if device not in own:
            continue
        feeder, time = own[device], iso_utc(at)
        restored = {"outage_id": row["outage_id"], "feeder_id": feeder, "customers_out": 0, "status": "RESTORED"}
        event = {"device_id": device, "feeder_id": feeder, "severity": "INFO", "event_type": "FEEDER_RESTORE"}
        states = {"old_state": "OPEN", "new_state": "CLOSED", "message": f"{feeder} found closed at start"}
        messages.append(Message(EVENT, event | states | {"timestamp": time}, device))
        messages.append(Message(OUTAGE, restored | {"timestamp": time}, device))
    return messages
