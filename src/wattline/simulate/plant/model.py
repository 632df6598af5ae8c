"""The plant at any instant: its electricity and its heat, from the seed and the instant alone."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.simulate.plant.battery import Battery, battery
from wattline.simulate.plant.chance import Draws
from wattline.simulate.plant.conditions import PUMP_SPEED, Conditions, Drivers
from wattline.simulate.plant.electricity import NOMINAL_VOLTS, Power, balance, ups_loss
from wattline.simulate.plant.episodes import Episodes
from wattline.simulate.plant.loops import LIQUID_SHARE, UNITS, Loops, solve
from wattline.simulate.plant.modes import Mode, Modes

UNIT_FLOW = 85.2
LOOP_FLOW = 340.5
HOST_FLOW = 280.3
STANDBY_SPEED = 15.0
"""The standby pump turns slowly against its check valve and moves nothing."""
_PUMP_KW = 5.5
_UNIT_PUMP_KW = 1.1
_HOST_PUMP_KW = 3.0
_FILTER_KPA = 145.0


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one instant: `volts` line to line, pump speeds in %, `unit_pressure` in kPa."""

    at: int
    mode: Mode
    given: Conditions
    power: Power
    battery: Battery
    loops: Loops
    volts: tuple[float, float, float]
    speeds: tuple[float, float]
    lead_pump_kw: float
    unit_pressure: float


class Plant:
    """One plant for each seed. `faults` False is one in which nothing ever goes wrong."""

    def __init__(self, seed: int, *, faults: bool = True) -> None:
        draws = Draws(seed)
        self.episodes = Episodes(draws, faults=faults)
        self.modes = Modes(draws, self.episodes)
        self._drivers = Drivers(draws, self.episodes)

    def state(self, at: int) -> State:
        """The plant at an instant (us since 1970)."""
        given = self._drivers(at)
        store = battery(self.episodes, self._battery_load, at)
        speeds = given.pump_speed, STANDBY_SPEED
        lead_kw, standby_kw = (_PUMP_KW * (speed / PUMP_SPEED) ** 3 for speed in speeds)
        loops = _heat(given, self.modes.opening(at), lead_kw)
        host_kw = _HOST_PUMP_KW * (loops.host_flow / HOST_FLOW) ** 3
        power = balance(
            it=given.it,
            pumps=lead_kw + standby_kw + _UNIT_PUMP_KW * UNITS + host_kw,
            air_heat=given.it * (1.0 - LIQUID_SHARE),
            rejected=loops.rejected,
            house=given.house,
            charge=store.charge_kw,
            on_battery=store.discharging,
        )
        # Lines and transformer of the feed give way by 4 V for each MW.
        volts = NOMINAL_VOLTS + given.volts_wander - 0.004 * (power.feed - 847.0) - given.sag
        return State(
            at=at,
            mode=self.modes.mode(at),
            given=given,
            power=power,
            battery=store,
            loops=loops,
            volts=(volts + 0.6, volts, volts - 0.5),
            speeds=speeds,
            lead_pump_kw=lead_kw,
            unit_pressure=_FILTER_KPA * (1.0 + 1.6 * given.blocked),
        )

    def _battery_load(self, at: int) -> float:
        load = self._drivers.it_load(at)
        return load + ups_loss(load)


def _heat(given: Conditions, opening: float, pump_kw: float) -> Loops:
    """The loops under the given conditions; all of the lead pump's power ends as heat in the water."""
    first, second = (1.0 / UNITS * (1.0 + more) for more in given.imbalance)
    rest = (1.0 - first - second) / (UNITS - 2)
    return solve(
        liquid_heat=given.it * LIQUID_SHARE,
        shares=(first, second) + (rest,) * (UNITS - 2),
        unit_flows=(UNIT_FLOW * (1.0 - given.blocked),) + (UNIT_FLOW,) * (UNITS - 1),
        flow=LOOP_FLOW * given.pump_speed / PUMP_SPEED,
        pump_heat=pump_kw,
        glycol=given.glycol,
        opening=opening,
        host_flow=HOST_FLOW * given.host_demand * opening,
        host_return=given.host_return,
        outside=given.outside,
    )
