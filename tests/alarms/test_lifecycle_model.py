"""The lifecycle against a second telling of the ISA-18.2 state diagram: named states and arrows instead of facts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wattline.alarms import lifecycle
from wattline.alarms.condition import evaluate
from wattline.alarms.lifecycle import Outcome, Step
from wattline.alarms.limits import from_thresholds
from wattline.alarms.model import Alarm, Condition, Sample
from wattline.model.clock import HOUR, SECOND
from wattline.model.errors import NotFound

SENSOR = 7
LIMITS = from_thresholds(
    {
        "HH": {"value": 60, "priority": "P0", "deadband": 0},
        "P2_high": {"value": 57, "deadband": 0},
        "P3_high": {"value": 55, "deadband": 0},
        "L": {"value": 10, "priority": "P2", "deadband": 0},
        "LL": {"value": 5, "priority": "P2", "deadband": 0},
    },
    range_span=None,
)


class Level(NamedTuple):
    """How bad a value is: by side, priority, and which of the limits on its side."""

    side: str
    priority: str
    depth: int


VALUES: dict[float, Level | None] = {
    2.0: Level("low", "P2", 2),
    7.0: Level("low", "P2", 1),
    30.0: None,
    40.0: None,
    56.0: Level("high", "P3", 1),
    58.0: Level("high", "P2", 2),
    65.0: Level("high", "P0", 3),
    80.0: Level("high", "P0", 3),
}


@dataclass
class Diagram:
    """NORM, ACTIVE, ACKED, RTN_UNACK and HIDDEN, the last with what hides it. Each method returns the events to be told."""

    state: str = "NORM"
    hidden_by: set[str] = field(default_factory=set)
    level: Level | None = None
    priority: str = ""
    """Of the level, or the last one of this occurrence."""
    shelf_priority: str = ""
    in_service: bool = True

    def shown(self) -> str | None:
        if self.state == "HIDDEN":
            return "SHELVED" if self.hidden_by == {"shelf"} else "SUPPRESSED"
        return None if self.state == "NORM" else self.state

    def sample(self, level: Level | None, cause: bool) -> list[str]:
        before, self.level = self.level, level
        if level is None:
            return self._normal() if before is not None else []
        self.priority = level.priority
        fresh = before is None or before.side != level.side
        if self.state == "HIDDEN":
            return self._break_through("raised" if fresh else "escalated")
        if self.state == "NORM" or fresh:
            if self.state == "NORM" and not self.in_service:
                self.hidden_by.add("service")
            if cause and level.priority != "P0":
                self.hidden_by.add("cause")
            self.state = "HIDDEN" if self.hidden_by else "ACTIVE"
            return ["suppressed"] if self.hidden_by else ["raised"]
        assert before is not None
        if level.depth > before.depth:
            self.state = "ACTIVE"
            return ["escalated"]
        return ["deescalated"] if level.depth < before.depth else []

    def _normal(self) -> list[str]:
        if self.state == "ACTIVE":
            self.state = "RTN_UNACK"
            return ["rtn_unack"]
        if self.state == "ACKED":
            self.state = "NORM"
            return ["cleared"]
        return []

    def _break_through(self, news: str) -> list[str]:
        if self.priority != "P0":
            return []
        told = []
        if "cause" in self.hidden_by:
            told.append("unsuppressed")
            self.hidden_by.remove("cause")
        if "shelf" in self.hidden_by and self.shelf_priority != "P0":
            told.append("unshelved")
            self.hidden_by.remove("shelf")
        if not self.hidden_by:
            self.state = "ACTIVE"
            told.append(news)
        return told

    def acknowledge(self) -> list[str] | None:
        if self.state == "ACTIVE":
            self.state = "ACKED"
            return ["acked"]
        if self.state == "RTN_UNACK":
            self.state = "NORM"
            return ["acked", "cleared"]
        return None

    def shelve(self) -> list[str] | None:
        if self.state not in ("ACTIVE", "ACKED", "RTN_UNACK"):
            return None
        self.state, self.hidden_by, self.shelf_priority = "HIDDEN", {"shelf"}, self.priority
        return ["shelved"]

    def uncover(self, what: str, told: str) -> list[str]:
        if what not in self.hidden_by:
            return []
        self.hidden_by.remove(what)
        if self.hidden_by:
            return [told]
        if self.level is not None:
            self.state = "ACTIVE"
            return [told]
        self.state = "NORM"
        return [told, "cleared"]

    def suppress(self) -> list[str]:
        if self.state == "NORM" or self.hidden_by & {"cause", "service"} or self.priority == "P0":
            return []
        self.state = "HIDDEN"
        self.hidden_by.add("cause")
        return ["suppressed"]

    def take_out(self) -> list[str]:
        self.in_service = False
        if self.state == "NORM" or "service" in self.hidden_by:
            return []
        self.state = "HIDDEN"
        self.hidden_by.add("service")
        return ["out_of_service"]

    def remove_limits(self) -> list[str]:
        if self.state == "NORM":
            return []
        told = [word for what, word in (("cause", "unsuppressed"), ("shelf", "unshelved")) if what in self.hidden_by]
        self.state, self.hidden_by, self.level = "NORM", set(), None
        return [*told, "cleared"]


class Life(RuleBasedStateMachine):
    """Samples, operators, causes and maintenance in any order."""

    @initialize()
    def begin(self) -> None:
        self.diagram = Diagram()
        self.condition = Condition()
        self.alarm: Alarm | None = None
        self.now = 1_700_000_000 * SECOND
        self.alarms = 0
        self.cause: int | None = None

    def _take(self, result: Step | Outcome, expected: list[str]) -> None:
        before, (after, kinds) = self.alarm, result
        assert [kind.removeprefix("alarm_") for kind in kinds] == expected
        if after is None:
            assert before is None
            return
        live = before is not None and not before.ended
        if after.id is None:
            assert not live, "a second alarm while one is live"
            self.alarms += 1
            after = replace(after, id=self.alarms)
            assert after.transitions == 1
        else:
            assert before is not None
            assert after.id == before.id
            assert after.transitions == before.transitions + bool(kinds)
            assert before.ended <= after.ended, "an ended alarm came back"
        ends = after.ended and live
        assert ("alarm_cleared" in kinds) == ends
        if ends:
            assert kinds[-1] == "alarm_cleared"
            assert before is not None
            # Who ends unacknowledged was hidden or has no limits any more: it is told, and was seen to be put away.
            seen = after.acknowledged or before.state in ("SHELVED", "SUPPRESSED") or not self.limited
            assert seen, "an alarm that nobody has acknowledged is gone"
        self.alarm = after

    limited = True

    def _tick(self) -> None:
        self.now += SECOND

    @rule(value=st.sampled_from(sorted(VALUES)), quality=st.sampled_from([0, 0, 0, 1, 2]), late=st.booleans())
    def sample(self, value: float, quality: int, late: bool) -> None:
        self._tick()
        counts = quality != 2
        time = self.now
        if late and self.condition.through > 0:
            time, counts = self.condition.through - 1, False
        self.condition = evaluate(LIMITS, self.condition, time, value, quality)
        self._judge(Sample(time, value), VALUES[value] if counts else self.diagram.level)

    def _judge(self, sample: Sample, level: Level | None) -> None:
        expected = self.diagram.sample(level, self.cause is not None)
        result = lifecycle.on_condition(
            self.alarm,
            LIMITS,
            self.condition,
            sample,
            self.now,
            tenant="dc",
            sensor=SENSOR,
            suppressor=self.cause,
            out_of_service=not self.diagram.in_service,
        )
        self._take(result, expected)

    @rule()
    def acknowledge(self) -> None:
        self._tick()
        expected = self.diagram.acknowledge()
        if expected is None:
            with pytest.raises(NotFound):
                lifecycle.acknowledge(self.alarm, "ada", self.now, sensor=SENSOR)
            return
        self._take(lifecycle.acknowledge(self.alarm, "ada", self.now, sensor=SENSOR), expected)
        assert self.alarm is not None
        assert (self.alarm.acked, self.alarm.acked_by) == (self.now, "ada")

    @rule(hours=st.integers(1, 24))
    def shelve(self, hours: int) -> None:
        self._tick()
        expected = self.diagram.shelve()
        if expected is None:
            with pytest.raises(NotFound):
                lifecycle.shelve(self.alarm, "ada", "calibration", hours * HOUR, self.now, sensor=SENSOR)
            return
        self._take(lifecycle.shelve(self.alarm, "ada", "calibration", hours * HOUR, self.now, sensor=SENSOR), expected)

    @rule()
    def unshelve(self) -> None:
        self._tick()
        if self.diagram.shown() != "SHELVED":
            with pytest.raises(NotFound):
                lifecycle.unshelve(self.alarm, self.now, sensor=SENSOR)
            return
        self._take(lifecycle.unshelve(self.alarm, self.now, sensor=SENSOR), self.diagram.uncover("shelf", "unshelved"))

    @rule(hours=st.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR
        if self.alarm is None:
            return
        until = self.alarm.shelved_until
        due = until is not None and until <= self.now
        expected = self.diagram.uncover("shelf", "unshelved") if due else []
        self._take(lifecycle.expire(self.alarm, self.now), expected)

    @rule(cause=st.integers(1000, 1002))
    def a_cause_comes(self, cause: int) -> None:
        self._tick()
        self.cause = cause
        if self.alarm is not None:
            self._take(lifecycle.suppress(self.alarm, cause), self.diagram.suppress())

    @rule()
    def the_cause_goes(self) -> None:
        self._tick()
        self.cause = None
        if self.alarm is not None:
            self._take(lifecycle.release(self.alarm, self.now), self.diagram.uncover("cause", "unsuppressed"))

    @rule()
    def out_of_service(self) -> None:
        self._tick()
        expected = self.diagram.take_out()
        if self.alarm is not None:
            self._take(lifecycle.take_out_of_service(self.alarm), expected)

    @rule()
    def in_service(self) -> None:
        self._tick()
        self.diagram.in_service = True
        expected = self.diagram.uncover("service", "in_service")
        if self.alarm is not None:
            self._take(lifecycle.return_to_service(self.alarm, self.now), expected)

    @rule()
    def limits_removed(self) -> None:
        self._tick()
        if self.alarm is None:
            return
        expected = self.diagram.remove_limits()
        self.limited = False
        self._take(lifecycle.withdraw(self.alarm, self.condition.value, self.now), expected)
        self.limited = True
        self.condition = Condition(through=self.condition.through)
        self.diagram.level = None

    @invariant()
    def shows_what_the_diagram_says(self) -> None:
        if not hasattr(self, "diagram"):
            return
        alarm, shown = self.alarm, self.diagram.shown()
        if alarm is None or alarm.ended:
            assert shown is None
            return
        assert alarm.state == shown
        assert alarm.in_force == (self.diagram.level is not None)
        assert alarm.priority == self.diagram.priority
        assert not (alarm.in_force and alarm.priority == "P0" and alarm.suppressed_by is not None)
        assert (alarm.cleared is None) == alarm.in_force
        assert (alarm.acked is None) == (alarm.acked_by is None)
        if alarm.standing:
            assert alarm.acked is None
        if alarm.state == "ACKED":
            assert alarm.acked is not None
        assert (alarm.shelved_until is None) == (alarm.shelved is None) == (alarm.shelved_priority is None)


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
