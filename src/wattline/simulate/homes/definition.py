"""Who lives in the demo's homes, and what reads their meters."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from wattline.households.meters.model import Kind

SCRIPT = """>D
>B
->sensor53 r
>M 1
+1,3,s,0,9600,ENERGYLEAF
1,77070100010800ff@1000,Bezug,kWh,ENERGYLEAF_KWH,4
1,77070100020800ff@1000,Einspeisung,kWh,ENERGYLEAF_OUT,4
1,77070100100700ff@1,Leistung,W,ENERGYLEAF_CURRENT,0
#
"""
"""Reads import, export and power of a digital meter by its infrared port (SML, OBIS 1.8.0, 2.8.0 and 16.7.0)."""
ROTATIONS = 75
"""Turns of a Ferraris disc for a kWh."""


@dataclass(frozen=True, slots=True)
class Home:
    """A household: its user id, its meter and what the register showed when the year began (kWh), and what it owns.

    `every` is the cadence of its device, in seconds; `pv_w` the peak of its solar roof.
    """

    user: str
    name: str
    mac: str
    kind: Kind
    register: float
    base_w: float
    owns: tuple[str, ...]
    every: int = 15
    pv_w: float = 0.0
    zone: str = "Europe/Berlin"
    language: str = "de"

    @property
    def script(self) -> str:
        """What the device is configured with."""
        return str(ROTATIONS) if self.kind is Kind.ANALOG_ELECTRICITY else SCRIPT


_KITCHEN = ("fridge", "kettle", "stovetop", "dishwasher")

HOMES = (
    Home("demoFlat", "Flat, one person", "02:57:4C:00:00:01", Kind.DIGITAL_ELECTRICITY, 3120.0, 70, ("fridge", "kettle")),
    Home(
        "demoFamily",
        "Family of four",
        "02:57:4C:00:00:02",
        Kind.DIGITAL_ELECTRICITY,
        21480.0,
        180,
        (*_KITCHEN, "oven", "washingMachine", "dryer"),
        every=21,
    ),
    Home("demoCouple", "Couple, old meter", "02:57:4C:00:00:03", Kind.ANALOG_ELECTRICITY, 0.0, 110, _KITCHEN),
    Home(
        "demoSolar",
        "House with a solar roof",
        "02:57:4C:00:00:04",
        Kind.DIGITAL_ELECTRICITY,
        8015.0,
        150,
        (*_KITCHEN, "washingMachine"),
        pv_w=6000.0,
    ),
    Home(
        "demoCar",
        "Commuter with an electric car",
        "02:57:4C:00:00:05",
        Kind.DIGITAL_ELECTRICITY,
        15230.0,
        130,
        (*_KITCHEN, "eCar"),
        language="en",
    ),
)
"""The households that are simulated."""

GUEST = Home("demoGuest", "Yours to try", "02:57:4C:00:00:10", Kind.DIGITAL_ELECTRICITY, 0.0, 0, ())
"""A household with a meter that nobody reads: its readings are those that you send."""

BASE_PRICE, WORKING_PRICE = Decimal("12.50"), Decimal("0.34")
"""EUR a month, EUR a kWh."""
