"""Which batteries and meters there are: names, ratings, sites. Plain data, no physics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """A meter; `measures` says whether it stands at the site's connection, at its battery or at its solar roof."""

    uuid: str
    name: str
    measures: str


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A site behind one connection to the grid. Powers in kW, the battery's capacity in kWh."""

    key: str
    battery: str
    battery_name: str
    battery_kw: float
    battery_kwh: float
    load_kw: float
    solar_kw: float
    meters: tuple[MeterPlan, ...]


SITES = (
    SitePlan(
        key="WLCE",
        battery="123e4567-e89b-12d3-a456-426614174000",
        battery_name="WLCE-BESS-01",
        battery_kw=100.0,
        battery_kwh=500.0,
        load_kw=140.0,
        solar_kw=90.0,
        meters=(
            MeterPlan("123e4567-e89b-12d3-a456-426614174010", "WLCE-METER-GRID", "grid"),
            MeterPlan("123e4567-e89b-12d3-a456-426614174011", "WLCE-METER-BESS", "battery"),
            MeterPlan("123e4567-e89b-12d3-a456-426614174012", "WLCE-METER-PV", "solar"),
        ),
    ),
    SitePlan(
        key="HMCE",
        battery="123e4567-e89b-12d3-a456-426614174001",
        battery_name="HMCE-BESS-01",
        battery_kw=60.0,
        battery_kwh=240.0,
        load_kw=75.0,
        solar_kw=40.0,
        meters=(MeterPlan("123e4567-e89b-12d3-a456-426614174020", "HMCE-METER-GRID", "grid"),),
    ),
)
