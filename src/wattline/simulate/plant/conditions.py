"""What drives the plant at an instant: the computers' load, the weather, the host, and the faults that are going on."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.model.clock import MINUTE, SECOND
from wattline.simulate.load import solar_hour
from wattline.simulate.plant.battery import sag_volts
from wattline.simulate.plant.chance import Draws, Drift, Floats, day_curve
from wattline.simulate.plant.definition import SITE_ATTRIBUTES
from wattline.simulate.plant.episodes import Episodes, Fault

IT_KW = 724.0
PUMP_SPEED = 78.0
GLYCOL = 30.0
_SLOW, _QUICK = 30, 31
_LONGITUDE = float(SITE_ATTRIBUTES["longitude"])


@dataclass(frozen=True, slots=True)
class Conditions:
    """Given from outside the balances: kW, volts, %, degrees Celsius, ug/m3; `host_demand` and `blocked` are 0 to 1.

    `imbalance` is how the heat of the reporting units differs from an even share. `blocked` is the filter of the first unit.
    """

    it: float
    house: float
    sag: float
    volts_wander: float
    power_factor: float
    pump_speed: float
    glycol: float
    blocked: float
    imbalance: tuple[float, float]
    host_demand: float
    host_return: float
    outside: float
    humidity: float
    dust: float
    switch_load: float
    switch_heat: float
    door_open: bool


class Drivers:
    """The conditions of all times."""

    def __init__(self, draws: Draws, episodes: Episodes) -> None:
        self._episodes = episodes
        self._slow = Drift(draws, _SLOW, 11, 20 * MINUTE)
        self._quick = Drift(draws, _QUICK, 4, 45 * SECOND)

    def it_load(self, at: int) -> float:
        """What the computers take at an instant, in kW."""
        wave = 0.05 * day_curve(solar_hour(at, _LONGITUDE), 15.0)
        load = IT_KW * (1.0 + wave + 0.012 * float(self._slow(at)[0]) + 0.004 * float(self._quick(at)[0]))
        level, severity = self._fault("burst", at)
        return load + level * (880.0 + 100.0 * severity - load)

    def _fault(self, fault: Fault, at: int) -> tuple[float, float]:
        """How much of a fault there is, and how bad it is at its worst."""
        level, episode = self._episodes.at(at).get(fault, (0.0, None))
        return level, 0.0 if episode is None else episode.severity

    def _sag(self, at: int) -> float:
        level, episode = self._episodes.at(at).get("sag", (0.0, None))
        return 0.0 if episode is None else level * sag_volts(episode)

    def __call__(self, at: int) -> Conditions:
        """The conditions at an instant (us since 1970)."""
        slow, quick = _floats(self._slow(at)), _floats(self._quick(at))
        hour = solar_hour(at, _LONGITUDE)
        it = self.it_load(at)
        lead = PUMP_SPEED + 0.3 * quick[1]
        level, severity = self._fault("pump", at)
        lead -= level * (lead - (56.0 - 16.0 * severity))
        dirt, dirtiness = self._fault("filter", at)
        thin, thinness = self._fault("glycol", at)
        hot, fan_lost = self._fault("switch", at)
        door, _ = self._fault("door", at)
        return Conditions(
            it=it,
            house=33.0 + 4.0 * day_curve(hour, 13.0) + 0.8 * slow[2],
            sag=self._sag(at),
            volts_wander=1.5 * slow[3] + 0.4 * quick[3],
            power_factor=0.978 + 0.001 * slow[4] - 0.01 * (1.0 - it / IT_KW),
            pump_speed=lead,
            glycol=GLYCOL + 0.3 * slow[10] - thin * (7.0 + 4.0 * thinness),
            blocked=dirt * (0.38 + 0.14 * dirtiness),
            imbalance=(0.012 * slow[7], 0.012 * slow[8]),
            host_demand=0.97 + 0.05 * day_curve(hour, 10.0) + 0.008 * slow[9],
            host_return=25.4 + 0.7 * day_curve(hour, 17.0) + 0.25 * slow[9],
            outside=19.0 + 4.0 * day_curve(hour, 15.5) + 0.8 * slow[1],
            humidity=58.0 - 14.0 * day_curve(hour, 15.5) + 3.0 * slow[5],
            dust=12.0 + 1.5 * slow[6] + 25.0 * door,
            switch_load=35.0 + 6.0 * day_curve(hour, 14.0) + 2.5 * quick[2] + 45.0 * hot,
            switch_heat=hot * (10.0 + 15.0 * fan_lost),
            door_open=door >= 0.5,
        )


def _floats(values: Floats) -> list[float]:
    return [float(value) for value in values]
