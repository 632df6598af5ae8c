"""Fitted models: made one after another, once for each history, and kept while it stays the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from functools import partial
from math import ceil

from wattline.forecasting import candidates
from wattline.forecasting.candidates import Fitted
from wattline.forecasting.grid import Grid
from wattline.model.errors import Unavailable

KEPT = 128
"""Fitted models in memory; one for quarter hours takes 0.4 MB, with weather 0.8 MB."""
MOST_WAITING = 32
"""Fits that wait for their turn, each with a history of up to 2 MB."""
FIT_SECONDS = 0.5
"""What a fit takes on a machine that does other things too."""


class Fits:
    """Fits beside the event loop, one at a time: two at once are hardly quicker, and slow down every answer beside them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Fitted] = OrderedDict()
        self._running: dict[bytes, asyncio.Task[Fitted]] = {}
        self._turn = asyncio.Lock()

    @property
    def seconds(self) -> int:
        """When what runs and waits now should be done: for a `Retry-After`."""
        return max(ceil(len(self._running) * FIT_SECONDS), 1)

    async def of(self, key: bytes, grid: Grid, names: tuple[str, ...]) -> Fitted:
        """The models fitted to the whole days of a grid, which `key` tells from all others; `names` are those of its weather.

        Whoever asks for the same meanwhile waits for the same fit, which goes on when one of them hangs up. Raises
        `InsufficientHistory`, and `Unavailable` where too many wait already.
        """
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        running = self._running.get(key)
        if running is None:
            # One of them is being made.
            if len(self._running) > MOST_WAITING:
                raise Unavailable("too many models of forecasts wait to be fitted", self.seconds)
            running = self._running[key] = asyncio.create_task(self._made(grid, names))
            running.add_done_callback(partial(self._done, key))
        return await asyncio.shield(running)

    async def _made(self, grid: Grid, names: tuple[str, ...]) -> Fitted:
        async with self._turn:
            return await asyncio.to_thread(lambda: candidates.fit(candidates.prepare(grid, names)))

    def _done(self, key: bytes, made: asyncio.Task[Fitted]) -> None:
        del self._running[key]
        # Asking for the failure marks it as heard, also where everybody hung up.
        if made.cancelled() or made.exception() is not None:
            return
        self._kept[key] = made.result()
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def key_of(grid: Grid, names: tuple[str, ...]) -> bytes:
    """Another key wherever another model would be fitted: it stays the same all day, unless late data come."""
    known = hashlib.blake2b(repr((grid.values.shape, int(grid.weekday[0]), names)).encode())
    known.update(grid.values[:-1].tobytes())
    if grid.weather is not None:
        known.update(grid.weather[: grid.today].tobytes())
    return known.digest()
