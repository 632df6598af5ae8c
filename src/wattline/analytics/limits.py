"""The fixed frequency limits of an interconnection: what is out of bounds whatever the last half hour looked like."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.model.errors import Invalid

WARNING_SECONDS = 10
"""How long the frequency must stay outside the normal band before that is worth a warning."""


@dataclass(frozen=True, slots=True)
class FrequencyLimits:
    """Deviations from nominal, in Hz, symmetrical.

    Inside `normal` is everyday operation; outside it for 10 s is a warning; outside `alert` is an anomaly;
    `emergency` and beyond is where load shedding or the ultimate voltage characteristic begins.
    """

    nominal_hz: float
    normal_hz: float
    alert_hz: float
    emergency_hz: float

    def __post_init__(self) -> None:
        if not 0 < self.normal_hz <= self.alert_hz <= self.emergency_hz < self.nominal_hz:
            raise Invalid("frequency limits must grow: 0 < normal <= alert <= emergency", "limits")

    def band(self, deviation_hz: float) -> tuple[float, float]:
        """The frequencies at a deviation below and above nominal."""
        return (self.nominal_hz - deviation_hz, self.nominal_hz + deviation_hz)


SIXTY_HERTZ = FrequencyLimits(60.0, 0.05, 0.10, 0.5)
"""North American practice: the first stage of under-frequency load shedding is near 59.5 Hz."""

FIFTY_HERTZ = FrequencyLimits(50.0, 0.05, 0.20, 0.5)
"""Continental Europe: standard range 50 mHz, greatest steady-state deviation 200 mHz; EN 50160 holds 49.5..50.5 Hz."""


def limits_for(nominal_hz: float) -> FrequencyLimits:
    """The customary limits at 50 or 60 Hz; `Invalid` for any other nominal, whose limits must be stated."""
    for limits in (SIXTY_HERTZ, FIFTY_HERTZ):
        if limits.nominal_hz == nominal_hz:
            return limits
    raise Invalid("nominal frequency must be 50 or 60 Hz", "nominal_hz")
