"""An appliance. Pure."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wattline.households.appliances.categories import BY_NAME
from wattline.model.errors import Invalid

LONGEST_NAME = 128
MOST_POWER_W = 50_000.0
"""More than the main fuses of a house let through."""
MOST_APPLIANCES = 100
"""Of one household."""
FIELDS = ("name", "category", "estimated", "power_w")


@dataclass(frozen=True, slots=True)
class Appliance:
    """Something in a household that draws power. `power_w` None is not known; `sigma_w` is the standard error of an estimate.

    `estimated`: the power follows from peaks; otherwise the household said it, and it stays. `weekly_hours` is how long it
    runs in a week, None where no peak was assigned to it.
    """

    id: int
    tenant: str
    user: str
    name: str
    category: str
    power_w: float | None
    estimated: bool
    sigma_w: float | None
    weekly_hours: float | None


def _name(value: object) -> str:
    if not isinstance(value, str) or not (text := value.strip()):
        raise Invalid("a device has a name", "name")
    if len(text) > LONGEST_NAME:
        raise Invalid(f"a name has at most {LONGEST_NAME} characters", "name")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        raise Invalid("a name has no control characters", "name")
    return text


def _category(value: object) -> str:
    if not isinstance(value, str) or value not in BY_NAME:
        raise Invalid(f"category is one of {', '.join(BY_NAME)}", "category")
    return value


def _power(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("power_w is a number, in W", "power_w")
    if not 0 < value <= MOST_POWER_W or not math.isfinite(value):
        raise Invalid(f"power_w is above 0 and at most {MOST_POWER_W:.0f} W", "power_w")
    return float(value)


def described(given: Mapping[str, Any], before: Appliance) -> Appliance:
    """`before` with the fields that are given: name, category, estimated, power_w. Raises `Invalid`.

    A power that is given is the household's own word: the appliance is no longer estimated. One that is to be estimated has
    the power that it had until the next estimate.
    """
    unknown = sorted(str(key) for key in given if key not in FIELDS)
    if unknown:
        raise Invalid(f"a device has only the fields {', '.join(FIELDS)}", unknown[0][:40])
    found = before
    if "name" in given:
        found = replace(found, name=_name(given["name"]))
    if "category" in given:
        found = replace(found, category=_category(given["category"]))
    power = given.get("power_w")
    estimated = given.get("estimated")
    if estimated is None:
        estimated = before.estimated and power is None
    if not isinstance(estimated, bool):
        raise Invalid("estimated is true or false", "estimated")
    if estimated:
        if power is not None:
            raise Invalid("a power that is estimated cannot be given: leave out power_w, or set estimated to false", "power_w")
        return replace(found, estimated=True)
    if power is None and ("power_w" in given or before.estimated):
        raise Invalid("power_w is required unless the power is estimated", "power_w")
    if power is not None:
        found = replace(found, power_w=_power(power))
    return replace(found, estimated=False, sigma_w=None)


def new(tenant: str, user: str, given: Mapping[str, Any]) -> Appliance:
    """An appliance from what is given of it, without an id yet. Raises `Invalid`."""
    for name in ("name", "category"):
        if given.get(name) is None:
            raise Invalid(f"{name} is required", name)
    return described(given, Appliance(0, tenant, user, "", "others", None, True, None, None))
