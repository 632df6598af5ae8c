"""Delivery as a careful middleware does it: in order per device, resent until answered, bounded, nothing invented.

A message leaves its lane only when the server has answered it: 2xx is delivered, another 4xx is refused for good (counted,
logged once per status). Connection errors, 408, 429 and 5xx are tried again with exponential back-off and jitter, with the
same body and so the same timestamp. The buffer is bounded: past `capacity` messages the oldest telemetry is given up first,
and counted; events and outages are only given up when nothing else is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import httpx
import numpy as np

from wattline.simulate.words import TELEMETRY, Message

CAPACITY = 40_000
"""Default buffer, in messages: about 55 minutes of a 12-feeder fleet at 1 Hz, some 30 MB."""
LANES = 8
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0

_logger = logging.getLogger(__name__)
Pause = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Tally:
    """What became of the messages so far."""

    delivered: int = 0
    refused: int = 0
    given_up: int = 0
    retries: int = 0


class Sender:
    """Posts messages with a few requests in flight; messages of one device keep their order.

    `client` carries the base URL (up to and including /api) and the key. `generator` only jitters the back-off.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        generator: np.random.Generator,
        *,
        capacity: int = CAPACITY,
        lanes: int = LANES,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._client = client
        self._generator = generator
        self._capacity = capacity
        self._pause = pause
        self._lanes: list[deque[Message]] = [deque() for _ in range(lanes)]
        self._wakers = [asyncio.Event() for _ in range(lanes)]
        self._idle = asyncio.Event()
        self._idle.set()
        self._waiting = 0
        self._warned: set[int] = set()
        self.tally = Tally()

    @property
    def waiting(self) -> int:
        """Messages not yet answered."""
        return self._waiting

    def offer(self, messages: Iterable[Message]) -> None:
        """Queue messages, oldest first. Never blocks and never raises."""
        for message in messages:
            if self._waiting >= self._capacity:
                self._give_one_up()
            lane = zlib.crc32(message.lane.encode()) % len(self._lanes)
            self._lanes[lane].append(message)
            self._waiting += 1
            self._idle.clear()
            self._wakers[lane].set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            for lane in range(len(self._lanes)):
                group.create_task(self._serve(lane))

    async def drain(self, seconds: float) -> bool:
        """Wait until everything offered is answered, at most this long; whether it was."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        return self._waiting == 0

    def _give_one_up(self) -> None:
        """Drop the oldest telemetry of the longest lane that has any besides the message in flight."""
        for expendable in (True, False):
            for lane in sorted(self._lanes, key=len, reverse=True):
                for place in range(1, len(lane)):
                    if not expendable or lane[place].path == TELEMETRY:
                        del lane[place]
                        self._waiting -= 1
                        self.tally.given_up += 1
                        return

    async def _serve(self, lane: int) -> None:
        queue, waker = self._lanes[lane], self._wakers[lane]
        while True:
            waker.clear()
            while queue:
                await self._deliver(queue[0])
                queue.popleft()
                self._waiting -= 1
            if self._waiting == 0:
                self._idle.set()
            await waker.wait()

    async def _deliver(self, message: Message) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = await self._client.post(message.path, json=message.body)
            except httpx.RequestError:
                asked = None
            else:
                if answer.is_success:
                    self.tally.delivered += 1
                    return
                if answer.status_code < 500 and answer.status_code not in (408, 429):
                    self._refuse(answer)
                    return
                asked = _retry_after(answer)
            self.tally.retries += 1
            await self._pause(min(asked or pause, LONGEST_PAUSE_SECONDS) * float(self._generator.uniform(0.5, 1.0)))
            pause = min(pause * 2.0, LONGEST_PAUSE_SECONDS)

    def _refuse(self, answer: httpx.Response) -> None:
        self.tally.refused += 1
        if answer.status_code not in self._warned:
            self._warned.add(answer.status_code)
            _logger.warning("the server refused a message with %d: %s", answer.status_code, answer.text[:500])


def _retry_after(answer: httpx.Response) -> float | None:
    """The whole seconds of a Retry-After header; None when absent or a date."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
