"""How much power each appliance draws, from the peaks that they caused. Pure.

One equation a peak: the powers of its appliances add up to the power of the peak, which is above the base load already. Known
powers are taken off; what is left is shared by the others so that the squares of the misfits are least and nothing is
negative. A prior, wide compared with what a peak tells, settles what the peaks leave open: appliances that always run together
share in the way that is usual for their kinds (`docs/explanation/appliances.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wattline.households.appliances.categories import BY_NAME
from wattline.households.appliances.model import Appliance
from wattline.households.appliances.nnls import solve

NOISE_W = 20.0
NOISE_SHARE = 0.03
"""The standard error of a peak's power: so many W, and this share of it (appliances do not draw the same every time)."""
LEAST_PRIOR_W = 500.0
"""The prior of a kind with a narrow range is no narrower than this: a few peaks outweigh it."""
LEAST_POWER_W = 1.0
"""An estimate below this says nothing: the appliance was listed for peaks that others explain."""
INSUFFICIENT, SUFFICIENT = 0.3, 0.7
Quality = Literal["insufficient", "sufficient", "well"]


def quality(r_squared: float | None) -> Quality | None:
    """In one word how well the estimate explains the peaks; None where there is no estimate."""
    if r_squared is None:
        return None
    if r_squared < INSUFFICIENT:
        return "insufficient"
    return "sufficient" if r_squared < SUFFICIENT else "well"


@dataclass(frozen=True, slots=True)
class Cause:
    """A peak's power in W above the base load, and the ids of the appliances that caused it."""

    power_w: float
    devices: frozenset[int]


@dataclass(frozen=True, slots=True)
class Power:
    """An estimated power and its standard error, in W."""

    power_w: float
    sigma_w: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of each appliance that a peak tells of, by id, and the share of the peaks' variance that is explained.

    `r_squared` lies from 0 to 1; None where no peak has an appliance that is to be estimated.
    """

    powers: Mapping[int, Power] = field(default_factory=dict)
    r_squared: float | None = None


def _r_squared(left: NDArray[np.float64], misfit: NDArray[np.float64], noise: NDArray[np.float64]) -> float:
    """The explained share. Peaks that are alike within their noise have no variance to explain: then 1 if they are met so,
    else 0."""
    apart = left - left.mean()
    if float(((apart / noise) ** 2).sum()) <= len(left):
        return 1.0 if float(((misfit / noise) ** 2).sum()) <= len(left) else 0.0
    return max(0.0, 1.0 - float((misfit**2).sum()) / float((apart**2).sum()))


def _errors(
    design: NDArray[np.float64], misfit: NDArray[np.float64], precision: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The standard errors of the free powers: of their posterior, with the noise that the peaks show where that is more than
    was assumed. `design` and `misfit` are in units of the assumed noise."""
    information = design.T @ design
    used = float(np.trace(np.linalg.solve(precision, information)))
    freedom = len(misfit) - used
    excess = max(1.0, float((misfit**2).sum()) / freedom) if freedom >= 1 else 1.0
    covariance = np.linalg.inv(information / excess + np.diag(prior))
    return np.asarray(np.sqrt(np.diag(covariance)), np.float64)


def estimate(appliances: Sequence[Appliance], causes: Sequence[Cause]) -> Estimate:
    """The powers of the estimated appliances of one household, from its peaks."""
    known = {each.id: each.power_w or 0.0 for each in appliances if not each.estimated}
    sought = {each.id for each in appliances if each.estimated}
    used = [cause for cause in causes if cause.power_w > 0 and cause.devices & sought]
    if not used:
        return Estimate()
    seen = frozenset().union(*(cause.devices for cause in used))
    told = [each for each in appliances if each.estimated and each.id in seen]
    column = {each.id: at for at, each in enumerate(told)}
    left = np.array([cause.power_w - sum(known.get(device, 0.0) for device in cause.devices) for cause in used])
    noise = NOISE_W + NOISE_SHARE * np.array([cause.power_w for cause in used])
    cells = [(row, column[device]) for row, cause in enumerate(used) for device in cause.devices & sought]
    took_part = np.zeros((len(used), len(told)))
    took_part[tuple(np.array(cells).T)] = 1.0
    kinds = [BY_NAME.get(each.category, BY_NAME["others"]) for each in told]
    usual = np.array([kind.typical_w for kind in kinds])
    prior = np.array([max(kind.max_w - kind.min_w, LEAST_PRIOR_W) for kind in kinds]) ** -2.0
    design = took_part / noise[:, None]
    precision = design.T @ design + np.diag(prior)
    found, free = solve(precision, design.T @ (left / noise) + prior * usual)
    misfit = left - took_part @ found
    powers: dict[int, Power] = {}
    if free.any():
        errors = np.full(len(told), np.nan)
        errors[free] = _errors(design[:, free], misfit / noise, precision[np.ix_(free, free)], prior[free])
        powers = {
            each.id: Power(float(found[at]), float(errors[at]))
            for at, each in enumerate(told)
            if free[at] and found[at] >= LEAST_POWER_W
        }
    return Estimate(powers, _r_squared(left, misfit, noise))
