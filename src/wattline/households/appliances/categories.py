"""The kinds of appliances, in groups, with the power that is usual for each. Pure.

The figures are of household appliances on the European market: what one draws while it works, as a mean over some minutes, so
that a thermostat's pauses count. They are a rough guide, not limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Literal

Group = Literal["kitchen", "cleaning", "personal", "climate", "entertainment", "lighting", "mobility", "others"]


class Rating(IntEnum):
    """How the power of an appliance compares with others of its kind."""

    VERY_FRUGAL = 1
    FRUGAL = 2
    AVERAGE = 3
    RAISED = 4
    HIGH = 5


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of appliance: `typical_w` is what one draws as a rule, `min_w` and `max_w` what most lie between, in W."""

    name: str
    group: Group
    title_de: str
    title_en: str
    typical_w: float
    min_w: float
    max_w: float

    def rate(self, power_w: float) -> Rating:
        """One of five steps: below the range, the three thirds of it, above it."""
        if power_w < self.min_w:
            return Rating.VERY_FRUGAL
        if power_w > self.max_w:
            return Rating.HIGH
        third = (self.max_w - self.min_w) / 3
        if power_w < self.min_w + third:
            return Rating.FRUGAL
        return Rating.AVERAGE if power_w < self.min_w + 2 * third else Rating.RAISED


ALL = (
    Category("stovetop", "kitchen", "Herd", "Stovetop", 1800, 800, 3500),
    Category("oven", "kitchen", "Backofen", "Oven", 2200, 1200, 3600),
    Category("fridge", "kitchen", "Kühlschrank", "Fridge", 100, 80, 180),
    Category("freezer", "kitchen", "Gefrierschrank", "Freezer", 110, 80, 200),
    Category("microwave", "kitchen", "Mikrowelle", "Microwave", 1200, 700, 1800),
    Category("kettle", "kitchen", "Wasserkocher", "Kettle", 1500, 1200, 2500),
    Category("toaster", "kitchen", "Toaster", "Toaster", 900, 600, 1500),
    Category("coffeeMachine", "kitchen", "Kaffeemaschine", "Coffee machine", 1000, 600, 1600),
    Category("airFryer", "kitchen", "Heißluftfritteuse", "Air fryer", 1400, 800, 2200),
    Category("blender", "kitchen", "Mixer", "Blender", 500, 200, 1200),
    Category("dishwasher", "kitchen", "Geschirrspüler", "Dishwasher", 1200, 600, 2200),
    Category("washingMachine", "cleaning", "Waschmaschine", "Washing machine", 600, 400, 1500),
    Category("dryer", "cleaning", "Wäschetrockner", "Dryer", 2500, 600, 3000),
    Category("vacuumCleaner", "cleaning", "Staubsauger", "Vacuum cleaner", 800, 400, 1600),
    Category("iron", "cleaning", "Bügeleisen", "Iron", 1800, 1000, 2800),
    Category("hairDryer", "personal", "Haartrockner", "Hair dryer", 1600, 900, 2300),
    Category("bodyCare", "personal", "Körperpflege", "Body care", 60, 5, 300),
    Category("heaterFan", "climate", "Heizlüfter", "Fan heater", 1800, 800, 2500),
    Category("electricHeater", "climate", "Elektroheizung", "Electric heater", 1500, 500, 3000),
    Category("airConditioning", "climate", "Klimaanlage", "Air conditioning", 1000, 500, 2500),
    Category("heatPump", "climate", "Wärmepumpe", "Heat pump", 2000, 700, 5000),
    Category("tvsAndMonitors", "entertainment", "Fernseher und Bildschirme", "TVs and monitors", 100, 30, 300),
    Category(
        "entertainmentAndComputers", "entertainment", "Unterhaltung und Computer", "Entertainment and computers", 150, 30, 600
    ),
    Category("lighting", "lighting", "Beleuchtung", "Lighting", 40, 5, 300),
    Category("eCar", "mobility", "Elektroauto", "Electric car", 7000, 2000, 11000),
    Category("eMobility", "mobility", "E-Bike und E-Roller", "E-bikes and e-scooters", 150, 60, 500),
    Category("others", "others", "Sonstiges", "Others", 500, 10, 3000),
)
"""Every category, group by group."""
BY_NAME = MappingProxyType({category.name: category for category in ALL})
