"""How often a caller may ask: token buckets in memory, one a key."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from wattline.model.clock import SECOND, Clock

MOST_KEYS = 100_000


class Taken(NamedTuple):
    """Whether one more is allowed, how many would still be, and the seconds to wait where it is not."""

    allowed: bool
    remaining: int
    retry_after: int


class RateLimiter:
    """A bucket for each key: it holds `burst` tokens and gains `rate` a second; each request takes one.

    Of more than `most_keys` the one that asked least recently is forgotten, which can only be to its favour. A clock that is
    set back stops the refill for as long, and no longer.
    """

    def __init__(self, clock: Clock, most_keys: int = MOST_KEYS) -> None:
        self._clock = clock
        self._most_keys = most_keys
        self._buckets: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def take(self, key: Hashable, rate: float, burst: float) -> Taken:
        """Take one token of the key's bucket. A refused request takes none. `rate` and `burst` are above 0."""
        now = self._clock.micros()
        tokens, since = self._buckets.get(key, (burst, now))
        tokens = min(burst, tokens + max(0, now - since) * rate / SECOND)
        allowed = tokens >= 1
        if allowed:
            tokens -= 1
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)
        wait = 0 if allowed else max(1, math.ceil((1 - tokens) / rate))
        return Taken(allowed, int(tokens), wait)

    def level(self, key: Hashable, rate: float, burst: float) -> float:
        """The tokens that the key's bucket holds now; none is taken. It is full in `(burst - level) / rate` seconds."""
        tokens, since = self._buckets.get(key, (burst, 0))
        return min(burst, tokens + max(0, self._clock.micros() - since) * rate / SECOND)

    def __len__(self) -> int:
        return len(self._buckets)
