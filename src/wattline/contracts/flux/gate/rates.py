"""How often a caller may ask: a token bucket for each, of the size of its tier.

A bucket starts full and holds `burst` requests; it gains `rate` a minute. The headers of every answer tell the rate, the
burst, the whole requests that are left (more than the rate while the burst is not used up), and the second in which the bucket
will be full again.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import NamedTuple

from starlette.types import Scope

from wattline.contracts.flux.gate.words import too_many
from wattline.identity.limits import RateLimiter
from wattline.model.clock import SECOND, Clock
from wattline.settings import Settings

RATE = "wattline.rate"
"""Where the headers that tell of the limit are put into the ASGI scope of a request."""


class Tier(NamedTuple):
    """Requests a minute, and those that may come at once."""

    name: str
    rate: int
    burst: int


class Rates:
    """The tiers, and what everybody has left."""

    def __init__(self, settings: Settings, limiter: RateLimiter, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock
        self._on = settings.flux_rate_limits
        self.anon = Tier("anon", settings.flux_anon_requests_per_minute, settings.flux_anon_burst)
        self._middle = Tier("authenticated", settings.flux_authenticated_requests_per_minute, settings.flux_authenticated_burst)
        self.service = Tier("service", settings.flux_service_requests_per_minute, settings.flux_service_burst)

    def tier(self, role: str) -> Tier:
        """A role's tier: the further roles have that of authenticated."""
        if role == "anon":
            return self.anon
        return self.service if role == "service_role" else self._middle

    def charge(self, scope: Scope, tier: Tier, who: Hashable) -> None:
        """Take one request of a caller; a preflight or any other OPTIONS costs none. Raises `Refusal` 429."""
        if not self._on:
            return
        rate, bucket = tier.rate / 60, ("flux", tier.name, who)
        free = scope.get("method") == "OPTIONS"
        taken = None if free else self._limiter.take(bucket, rate, tier.burst)
        level = self._limiter.level(bucket, rate, tier.burst)
        full = math.ceil(self._clock.micros() / SECOND + (tier.burst - level) / rate)
        scope[RATE] = (
            (b"x-ratelimit-limit", b"%d" % tier.rate),
            (b"x-ratelimit-remaining", b"%d" % int(level)),
            (b"x-ratelimit-reset", b"%d" % full),
            (b"x-ratelimit-burst", b"%d" % tier.burst),
        )
        if taken is not None and not taken.allowed:
            raise too_many(tier.rate, tier.burst, taken.retry_after)
