"""Who gets a channel in the same way: one frame for all of them, no more often than they asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wattline.contracts.joulepoint.live.channels import Terms
from wattline.contracts.joulepoint.live.client import Client
from wattline.contracts.joulepoint.live.frames import Frame

Make = Callable[[Terms], Frame | None]
"""Makes the frame of some news for clients with these terms; None where there is nothing in it for them."""
MOST_HELD = 2_000


class Member:
    """A client in a lane. While it is told of the past, what comes is held back; of too much, only the newest."""

    def __init__(self, client: Client, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._held: list[Frame] | None = None

    def hold(self) -> None:
        """Hold what comes back from now on."""
        self._held = []

    def release(self, after: int) -> None:
        """Send what was held, but for what lies up to a place that the client has been told of."""
        held, self._held = self._held or [], None
        for frame in held:
            if isinstance(frame.place, str) or frame.place > after:
                self._client.put(frame)

    def put(self, frame: Frame) -> None:
        """A frame of the lane."""
        if self._held is None:
            self._client.put(frame)
        elif len(self._held) < MOST_HELD:
            self._held.append(frame)
        else:
            self.missed(len(self._held))
            self._held = [frame.in_full()]

    def missed(self, count: int) -> None:
        """Frames were lost on the way here."""
        self._client.missed(self._channel, count)


class Lane:
    """The clients of one channel with the same terms."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.members: set[Member] = set()
        self._period = 0.0 if terms.max_hz is None else 1.0 / terms.max_hz
        self._sent = float("-inf")
        self._news: Make | None = None
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, make: Make) -> None:
        """There is news. Of what comes sooner than the terms allow only the last is sent, when its time has come."""
        if not self._period:
            self._send(make)
            return
        self._news = make
        if self._timer is None:
            loop = asyncio.get_running_loop()
            delay = self._sent + self._period - loop.time()
            if delay <= 0:
                self._due()
            else:
                self._timer = loop.call_later(delay, self._due)

    def _due(self) -> None:
        self._timer = None
        make, self._news = self._news, None
        if make is not None:
            self._sent = asyncio.get_running_loop().time()
            self._send(make)

    def _send(self, make: Make) -> None:
        frame = make(self.terms)
        if frame is not None:
            for member in tuple(self.members):
                member.put(frame)

    def close(self) -> None:
        """Nobody is here any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
