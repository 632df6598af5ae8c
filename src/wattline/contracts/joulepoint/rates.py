"""How often a key may ask: a token bucket, told in every answer (IETF draft-ietf-httpapi-ratelimit-headers)."""

from __future__ import annotations

import math
from collections.abc import Hashable

from starlette.types import Scope

from wattline.contracts.joulepoint.problem import Problem
from wattline.identity.limits import RateLimiter

RATE = "wattline.rate"
"""Where the headers that tell of a caller's limit are put into the ASGI scope of a request."""


class Rates:
    """`rate` requests a second of one key, and `burst` at once after a pause; a rate of 0 is no limit."""

    def __init__(self, limiter: RateLimiter, kind: str, rate: float, burst: int) -> None:
        self._limiter = limiter
        self._kind = kind
        self._rate = rate
        self._burst = burst
        # The window is the time in which an empty bucket fills.
        self._policy = f'"{kind}";q={burst};w={math.ceil(burst / rate)}' if rate else ""

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._rate > 0

    def take(self, key: Hashable) -> dict[str, str]:
        """Count one request of the key; the headers that tell of its limit. Raises `Problem` 429 where it asks too often."""
        if not self._rate:
            return {}
        taken = self._limiter.take((self._kind, key), self._rate, self._burst)
        full = math.ceil((self._burst - taken.remaining) / self._rate)
        headers = {"RateLimit-Policy": self._policy, "RateLimit": f'"{self._kind}";r={taken.remaining};t={full}'}
        if not taken.allowed:
            detail = f"this key may ask {self._rate:g} times a second"
            raise Problem(429, "too_many_requests", detail, headers={**headers, "Retry-After": str(taken.retry_after)})
        return headers

    def count(self, key: Hashable, scope: Scope) -> None:
        """`take` for a request whose answer goes through `Around`, which adds the headers."""
        if self._rate:
            scope[RATE] = self.take(key)
