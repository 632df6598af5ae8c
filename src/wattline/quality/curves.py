"""Whether equipment must ride through: the curves of ITI (CBEMA) 2000 and SEMI F47-0706, at their corner points."""

from __future__ import annotations

from wattline.model.clock import SECOND

ITI_LOW = ((0.02, 0.0), (0.5, 0.7), (10.0, 0.8), (float("inf"), 0.9))
"""Seconds up to which a voltage down to this many per unit must be borne."""
ITI_HIGH = ((0.001, 2.0), (0.003, 1.4), (0.5, 1.2), (float("inf"), 1.1))
SEMI_LOW = ((0.02, 0.0), (0.2, 0.5), (0.5, 0.7), (10.0, 0.8), (float("inf"), 0.9))


def _limit(curve: tuple[tuple[float, float], ...], seconds: float) -> float:
    return next(limit for most, limit in curve if seconds <= most)


def itic(duration: int, least_pu: float | None, most_pu: float | None) -> str:
    """`no_damage` (below the curve: may fail, not break), `prohibited` (above it) or `ride_through`, for a duration in us."""
    seconds = duration / SECOND
    if most_pu is not None and most_pu > _limit(ITI_HIGH, seconds):
        return "prohibited"
    if least_pu is not None and least_pu < _limit(ITI_LOW, seconds):
        return "no_damage"
    return "ride_through"


def semi_f47(duration: int, least_pu: float) -> bool:
    """Whether semiconductor equipment must bear a sag of this duration (us) and residual voltage."""
    return least_pu >= _limit(SEMI_LOW, duration / SECOND)
