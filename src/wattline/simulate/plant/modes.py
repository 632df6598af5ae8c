"""The thermal mode that the plant's controller chooses: where the heat goes, and every change of that.

EXPORT gives it to the brewery, MIXED shares it with the dry cooler, REJECT sends all of it to the dry cooler: there the host
does not want it, or an alarm of the highest priority calls for the fail-safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from wattline.model.clock import HOUR, MINUTE, SECOND
from wattline.simulate.plant.chance import Draws, Remembered, smooth
from wattline.simulate.plant.episodes import Episodes

Mode = Literal["EXPORT", "MIXED", "REJECT"]
WINDOW = 2 * HOUR
SHARE = 0.6
_STREAM = 20
P0 = "p0_alarm"
VALVE = MINUTE
"""How long the valve takes from one end to the other."""
OPENING: dict[Mode, float] = {"EXPORT": 1.0, "MIXED": 0.55, "REJECT": 0.03}
"""Share of the flow through the heat exchanger; a trickle keeps it warm."""
FAIL_SAFE = 0.6
"""Severity of a pump fault from which the controller goes to REJECT."""
HOLD = 5 * MINUTE
_SETTLE = 30 * SECOND


@dataclass(frozen=True, slots=True)
class Spell:
    """A time (us) for which something calls for another mode than EXPORT, and what that is."""

    start: int
    end: int
    mode: Mode
    why: str


@dataclass(frozen=True, slots=True)
class Transition:
    """The controller changed the mode at `at`, because of `trigger`."""

    at: int
    previous: Mode | Literal["STARTUP"]
    mode: Mode
    trigger: str


class Modes:
    """The mode at every instant, and its transitions."""

    def __init__(self, draws: Draws, episodes: Episodes) -> None:
        self._draws = draws
        self._episodes = episodes
        self._window = Remembered(self._draw)

    def _draw(self, index: int) -> tuple[Spell, ...]:
        generator = self._draws.generator(_STREAM, index)
        if generator.random() >= SHARE:
            return ()
        mode: Mode = "REJECT" if generator.random() < 0.3 else "MIXED"
        length = round(generator.uniform(15, 40)) * MINUTE
        start = index * WINDOW + round(generator.uniform(0, (WINDOW - length) // SECOND)) * SECOND
        return (Spell(start, start + length, mode, "host_demand_off" if mode == "REJECT" else "host_demand_low"),)

    def _spells(self, start: int, end: int) -> Iterator[Spell]:
        demand = chain.from_iterable(self._window(i) for i in range(start // WINDOW, end // WINDOW + 1))
        deep = (e for e in self._episodes.between(start - HOLD, end) if e.fault == "pump" and e.severity >= FAIL_SAFE)
        safety = (Spell(e.start + e.ramp + _SETTLE, e.end + HOLD, "REJECT", P0) for e in deep)
        for spell in chain(demand, safety):
            if spell.start <= end and spell.end > start:
                yield spell

    def _governing(self, at: int) -> Spell | None:
        """The spell that decides at an instant: the fail-safe before the rest."""
        now = [spell for spell in self._spells(at, at) if spell.start <= at < spell.end]
        return min(now, key=lambda spell: (spell.mode != "REJECT", spell.why != P0), default=None)

    def mode(self, at: int) -> Mode:
        """The mode at an instant."""
        return _mode(self._governing(at))

    def transitions(self, after: int, until: int) -> list[Transition]:
        """Every change of the mode in (after, until], oldest first."""
        edges = {edge for spell in self._spells(after, until) for edge in (spell.start, spell.end)}
        found = []
        for at in sorted(edge for edge in edges if after < edge <= until):
            before, now = self._governing(at - 1), self._governing(at)
            previous, mode = _mode(before), _mode(now)
            if mode != previous:
                found.append(Transition(at, previous, mode, f"auto:{_trigger(before, now)}"))
        return found

    def opening(self, at: int) -> float:
        """The share of the flow that the valve lets through the heat exchanger, while it moves and when it rests."""
        moving = self.transitions(at - VALVE, at)
        target = OPENING[self.mode(at)]
        if not moving:
            return target
        newest = moving[-1]
        before = OPENING[self.mode(newest.at - 1)]
        return before + (target - before) * smooth((at - newest.at) / VALVE)


def _mode(spell: Spell | None) -> Mode:
    return "EXPORT" if spell is None else spell.mode


def _trigger(before: Spell | None, now: Spell | None) -> str:
    """What caused a change: what begins, or the end of what was."""
    if now is not None:
        return now.why
    return "safety_restored" if before is not None and before.why == P0 else "host_demand_restored"
