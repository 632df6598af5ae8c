"""Which substations and feeders a simulated fleet has: names, ratings, places. Plain data, no physics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeederPlan:
    """One feeder. `mean_current_a` is its yearly mean load, `customers` how many it serves, `power_factor` lags (0..1)."""

    key: str
    mean_current_a: float
    power_factor: float
    customers: int
    # Share of the daily swing that is the evening (dwellings) rather than the working day (offices, industry).
    residential: float


@dataclass(frozen=True, slots=True)
class SubstationPlan:
    """One substation with its bus voltage (kV, line to line), its place in degrees and its feeders."""

    key: str
    name: str
    latitude: float
    longitude: float
    nominal_kv: float
    feeders: tuple[FeederPlan, ...]

    def device_id(self, feeder: FeederPlan) -> str:
        """The RTU's identifier, as the published examples form it: SUB001-FDR002."""
        return f"{self.key}-{feeder.key}"


DEMO_PLAN: tuple[SubstationPlan, ...] = (
    SubstationPlan(
        key="SUB001",
        name="Portland North",
        latitude=45.5231,
        longitude=-122.6765,
        nominal_kv=230.0,
        feeders=(
            FeederPlan("FDR001", 640.0, 0.97, 1310, 0.35),
            FeederPlan("FDR002", 720.0, 0.96, 847, 0.20),
            FeederPlan("FDR003", 410.0, 0.95, 2260, 0.80),
            FeederPlan("FDR004", 530.0, 0.96, 1745, 0.60),
        ),
    ),
    SubstationPlan(
        key="SUB002",
        name="Portland Downtown",
        latitude=45.5152,
        longitude=-122.6784,
        nominal_kv=115.0,
        feeders=(
            FeederPlan("FDR001", 380.0, 0.94, 3120, 0.15),
            FeederPlan("FDR002", 295.0, 0.95, 2480, 0.30),
            FeederPlan("FDR003", 340.0, 0.93, 1905, 0.10),
            FeederPlan("FDR004", 260.0, 0.96, 4150, 0.65),
        ),
    ),
    SubstationPlan(
        key="SUB003",
        name="Gresham East",
        latitude=45.5001,
        longitude=-122.4302,
        nominal_kv=115.0,
        feeders=(
            FeederPlan("FDR001", 215.0, 0.97, 5230, 0.90),
            FeederPlan("FDR002", 180.0, 0.96, 3870, 0.85),
            FeederPlan("FDR003", 245.0, 0.92, 640, 0.05),
            FeederPlan("FDR004", 200.0, 0.96, 4410, 0.75),
        ),
    ),
)


def grid_plan(substations: int, feeders: int) -> tuple[SubstationPlan, ...]:
    """A regular fleet of any size (SUB001.., FDR001..), spread over a grid of about 10 km: for load, not for looks."""
    side = max(1, round(substations**0.5))
    return tuple(
        SubstationPlan(
            key=f"SUB{number + 1:03d}",
            name=f"Substation {number + 1}",
            latitude=round(45.0 + 0.09 * (number // side), 4),
            longitude=round(-123.0 + 0.13 * (number % side), 4),
            nominal_kv=115.0,
            feeders=tuple(
                FeederPlan(f"FDR{index + 1:03d}", 180.0 + 25.0 * index, 0.96, 1500 + 100 * index, (index % 10) / 10)
                for index in range(feeders)
            ),
        )
        for number in range(substations)
    )
