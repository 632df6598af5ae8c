"""What an operator decides about scoring: nominal frequencies, interconnections, sensitivities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattline.analytics.limits import SIXTY_HERTZ, FrequencyLimits
from wattline.analytics.model import MODELS, ROBUST, SubstationKey
from wattline.model.clock import DAY
from wattline.model.errors import Invalid


@dataclass(frozen=True, slots=True)
class Interconnection:
    """A synchronous area: every substation in it feels the same frequency, so each can be judged by the others."""

    name: str
    limits: FrequencyLimits


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The limits of the detectors of `robust-2`, each the point where its score is 0.7. Hz, seconds, or sigmas as named."""

    z_sigmas: float = 4.0
    floor_hz: float = 0.002
    residual_hz: float = 0.005
    residual_sigmas: float = 5.0
    lone_second: float = 1.5
    rocof_hz_per_s: float = 0.05
    step_hz: float = 0.025
    step_sigmas: float = 12.0
    jump_sigmas: float = 6.0
    flatline_s: float = 120.0
    stale_s: float = 15.0

    def __post_init__(self) -> None:
        if min(self.z_sigmas, self.floor_hz, self.residual_hz, self.residual_sigmas, self.rocof_hz_per_s) <= 0:
            raise Invalid("a detector's limit must be positive", "sensitivity")
        if min(self.step_hz, self.step_sigmas, self.jump_sigmas, self.flatline_s, self.stale_s) <= 0 or self.lone_second < 1:
            raise Invalid("a detector's limit must be positive, and a lone second at least 1", "sensitivity")


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """Which interconnection each substation belongs to, how sensitive the detectors are, and which model raises incidents.

    A substation named in `substations` belongs to the interconnection given there; any other to its tenant's in `tenants`;
    and failing that to `default`.
    """

    default: Interconnection = Interconnection("default", SIXTY_HERTZ)
    tenants: Mapping[str, Interconnection] = field(default_factory=dict)
    substations: Mapping[SubstationKey, Interconnection] = field(default_factory=dict)
    sensitivity: Sensitivity = Sensitivity()
    alerting_model: str = ROBUST
    forget_after_us: int = DAY

    def __post_init__(self) -> None:
        if self.alerting_model not in MODELS:
            raise Invalid(f"the models are {', '.join(MODELS)}", "alerting_model")

    def interconnection(self, key: SubstationKey) -> Interconnection:
        """The synchronous area of a substation."""
        found = self.substations.get(key)
        return found if found is not None else self.tenants.get(key[0], self.default)
