"""The figures by which an alarm system is judged: ANSI/ISA-18.2 clause 16, EEMUA 191.

All of them count by the time of the raise, over live and ended alarms alike: an alarm that is dealt with quickly counts as much
as one that stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattline.alarms.model import Priority

TARGET_PER_HOUR = 6
"""Alarms an hour that one operator can handle over a day."""
TARGET_MIX: Mapping[Priority, float] = {"P1": 0.05, "P2": 0.15, "P3": 0.80}
"""How the priorities of annunciated alarms should be spread; P0 counts with P1."""
RESPONSE_TARGETS: Mapping[Priority, int] = {"P0": 30, "P1": 900, "P2": 14_400, "P3": 28_800}
"""Seconds from raise to acknowledgement: for P0, which asks for an immediate response, 30 s still count as that."""
CHATTER_RAISES = 3
"""So many raises of one sensor within a minute are chattering."""
TOP = 10


@dataclass(frozen=True, slots=True)
class Contributor:
    """A sensor with its raises within 24 h, and their share of all."""

    sensor: int
    raised: int
    share: float


@dataclass(frozen=True, slots=True)
class Response:
    """Of the alarms of one priority raised within 24 h: those acknowledged, and of these those within the target."""

    target_seconds: int
    acked: int
    met: int

    @property
    def share_met(self) -> float | None:
        """None where none was acknowledged."""
        return self.met / self.acked if self.acked else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The state of the alarms of a tenant or block, and their rates. Spans in seconds, shares 0 to 1.

    `standing` is ACTIVE and RTN_UNACK, and so for `stale_alarms` (standing for more than 24 h). `average_response` is the mean
    from raise to acknowledgement of the alarms raised within 24 h and acknowledged, 0 where there is none.
    """

    standing: int
    acked: int
    shelved: int
    suppressed: int
    out_of_service: int
    raised_last_hour: int
    average_response: float
    p95_response: float | None
    raised_24h: int
    raised_10_minutes: int
    peak_10_minutes: int
    flooded: bool
    flood_share_24h: float
    top: tuple[Contributor, ...]
    stale_alarms: int
    stale_sensors: tuple[int, ...]
    chattering: tuple[int, ...]
    priorities_24h: Mapping[Priority, int]
    responses: Mapping[Priority, Response]
    target_per_hour: int = TARGET_PER_HOUR

    @property
    def compliant(self) -> bool:
        """Whether not more alarms were raised in the last hour than an operator can handle."""
        return self.raised_last_hour <= self.target_per_hour

    @property
    def mix_24h(self) -> Mapping[Priority, float]:
        """The share of each priority in the raises of 24 h; all 0 where there were none."""
        return {p: count / self.raised_24h if self.raised_24h else 0.0 for p, count in self.priorities_24h.items()}
