"""When a mail may go: cooldowns, the rate limit of a recipient, the storm switch, retries. Pure rules on numbers."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.model.clock import SECOND
from wattline.model.errors import Invalid


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Every figure of alerting, in seconds or counts.

    `trip_cooldown`: a feeder gets one trip mail in this time; a trip inside it is mailed at its end if still open.
    `anomaly_cooldown`: the same for an anomalous substation.
    `rate_limit` mails in `rate_window` to one recipient, then digests.
    `digest_interval`: at most one digest per recipient in this time; `digest_settle`: the first one gathers this long.
    `storm_trips` feeders tripped within `storm_window`: one more is a storm, told by one mail and then by digests.
    `sending_lease`: a row that has been `sending` for this long lost its worker, or its outcome, and is sent again.
    `retry_first`, doubled each time up to `retry_longest`, for at most `retry_for`.
    """

    trip_cooldown: int = 300
    anomaly_cooldown: int = 900
    rate_limit: int = 20
    rate_window: int = 3600
    digest_interval: int = 600
    digest_settle: int = 60
    storm_trips: int = 10
    storm_window: int = 60
    sending_lease: int = 60
    retry_first: int = 10
    retry_longest: int = 900
    retry_for: int = 86_400
    anomaly_cleared_mail: bool = False

    def __post_init__(self) -> None:
        for name in ("trip_cooldown", "anomaly_cooldown", "digest_settle", "retry_longest", "retry_for"):
            if getattr(self, name) < 0:
                raise Invalid(f"{name} must not be negative", name)
        for name in ("rate_limit", "rate_window", "digest_interval", "storm_trips", "storm_window", "retry_first"):
            if getattr(self, name) < 1:
                raise Invalid(f"{name} must be at least 1", name)
        if self.sending_lease < 60:
            # Shorter than two SMTP timeouts, and a mail that is still on its way would be sent twice.
            raise Invalid("sending_lease must be at least 60", "sending_lease")

    def backoff(self, attempts: int) -> int:
        """Microseconds to wait after the given number of attempts (1 or more) that failed for now."""
        doublings = min(max(attempts, 1) - 1, 32)
        return min((self.retry_first << doublings), self.retry_longest) * SECOND

    def gives_up(self, queued: int, now: int) -> bool:
        """Whether a row that was queued then is past retrying."""
        return now - queued >= self.retry_for * SECOND

    def cooled_until(self, last: int | None, cooldown: int, now: int) -> int | None:
        """The end of the cooldown that a mail at `last` began, or None if none is running. The end itself is free."""
        if last is None or now >= last + cooldown * SECOND:
            return None
        return last + cooldown * SECOND

    def over_rate(self, mails: int) -> bool:
        """Whether a recipient who got this many mails within the window has had enough."""
        return mails >= self.rate_limit

    def is_storm(self, feeders: int) -> bool:
        """Whether this many feeders tripped within the storm window make a storm."""
        return feeders > self.storm_trips
