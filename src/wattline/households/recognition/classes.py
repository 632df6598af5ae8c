"""What the classes of the two data sets are, and which of the product's categories each belongs to."""

from __future__ import annotations

from typing import Literal

Dataset = Literal["plaid", "acsf1"]

UNKNOWN = "unknown"
"""The class of what looks like nothing that was learned; it has no category."""

PLAID = (
    "air conditioner",
    "compact fluorescent lamp",
    "fan",
    "fridge",
    "hair dryer",
    "heater",
    "incandescent light bulb",
    "laptop",
    "microwave",
    "vacuum cleaner",
    "washing machine",
)
"""In the order of the labels 0..10."""

ACSF1 = (
    "fridge or freezer",
    "television",
    "laptop",
    "coffee machine",
    "computer",
    "compact fluorescent lamp",
    "hi-fi system",
    "printer",
    "microwave",
    "phone charger",
)
"""In the order of the labels 0..9: the file names them in another order, and its rows come in that one."""

NAMES: dict[Dataset, tuple[str, ...]] = {"plaid": PLAID, "acsf1": ACSF1}

CATEGORY = {
    "air conditioner": "airConditioning",
    "coffee machine": "coffeeMachine",
    "compact fluorescent lamp": "lighting",
    "computer": "entertainmentAndComputers",
    "fan": "heaterFan",
    "fridge": "fridge",
    "fridge or freezer": "fridge",
    "hair dryer": "hairDryer",
    "heater": "electricHeater",
    "hi-fi system": "entertainmentAndComputers",
    "incandescent light bulb": "lighting",
    "laptop": "entertainmentAndComputers",
    "microwave": "microwave",
    "phone charger": "entertainmentAndComputers",
    "printer": "entertainmentAndComputers",
    "television": "tvsAndMonitors",
    "vacuum cleaner": "vacuumCleaner",
    "washing machine": "washingMachine",
}
"""The category of each class of the data sets."""
