"""Which alarms are only the consequence of another: rules by tag and subsystem, and who is whose within a block.

A rule never reaches beyond its block, an alarm of P0 is never hidden, and one that is hidden itself (shelved, suppressed, out
of service) hides nothing: what an operator does not see always has a cause that he does see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from wattline.model.errors import Invalid
from wattline.registry.point import Point

LONGEST_PATTERN = 200
LONGEST_TAG = 128
"""A longer tag matches no rule: with the bound on repetitions this bounds the work of a match."""
MOST_REPEATS = 2
"""How often one pattern may repeat something a variable number of times (`*`, `+`, `{2,}`, `{2,5}`)."""
MOST_GROUPS = 2
MOST_OPTIONS = 5
"""How many parts of one pattern may be left out (`?`)."""
MOST_ALTERNATIVES = 10

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|.", re.DOTALL)
_COUNTED = re.compile(r"\{\d*,?\d*\}")
_REPEATS = frozenset("*+")


@dataclass(frozen=True, slots=True)
class CascadeRule:
    """While an alarm whose tag is a `cause` shows, those whose tags are `effects` are suppressed.

    Tags are matched as a whole, by regular expressions; subsystems literally.
    """

    name: str
    cause: re.Pattern[str]
    cause_subsystems: frozenset[str]
    effects: tuple[re.Pattern[str], ...]
    effect_subsystems: frozenset[str]

    def is_cause(self, point: Point) -> bool:
        return point.subsystem in self.cause_subsystems and _matches(self.cause, point.tag)

    def is_effect(self, point: Point) -> bool:
        return point.subsystem in self.effect_subsystems and any(_matches(effect, point.tag) for effect in self.effects)


def _matches(pattern: re.Pattern[str], tag: str) -> bool:
    return len(tag) <= LONGEST_TAG and pattern.fullmatch(tag) is not None


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of a rule, or `Invalid`.

    Refused is what could make a match take long: a repeated group, more than 2 groups, 2 repetitions, 5 options or 10 bars,
    anything that looks around or refers back, and more than 200 characters.
    """
    if not 1 <= len(pattern) <= LONGEST_PATTERN:
        raise Invalid(f"a pattern has 1 to {LONGEST_PATTERN} characters", "pattern")
    parts = _TOKEN.findall(pattern)
    for before, part in zip(["", *parts], parts, strict=False):
        if before == ")" and (part in _REPEATS or part == "?" or _COUNTED.fullmatch(part)):
            raise Invalid(f"a group must not be repeated: {pattern}", "pattern")
        if before == "(" and part == "?":
            raise Invalid(f"a group must be plain: {pattern}", "pattern")
        if len(part) == 2 and part[0] == "\\" and part[1].isdigit():
            raise Invalid(f"a pattern must not refer back: {pattern}", "pattern")
    repeats = sum(part in _REPEATS or (_COUNTED.fullmatch(part) is not None and "," in part) for part in parts)
    bounds = (("(", MOST_GROUPS), ("?", MOST_OPTIONS), ("|", MOST_ALTERNATIVES))
    if repeats > MOST_REPEATS or any(parts.count(part) > most for part, most in bounds):
        raise Invalid(f"too many repetitions, groups, options or alternatives: {pattern}", "pattern")
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        raise Invalid(f"not a regular expression: {pattern}", "pattern") from None


def rule(
    name: str, cause: str, cause_subsystems: Iterable[str], effects: Iterable[str], subsystems: Iterable[str]
) -> CascadeRule:
    """A rule from its texts; `Invalid` for a pattern that is not acceptable."""
    patterns = tuple(compiled(effect) for effect in effects)
    return CascadeRule(name, compiled(cause), frozenset(cause_subsystems), patterns, frozenset(subsystems))


class Kinship:
    """For each sensor of one block, whose cause and whose effect it is; never its own."""

    def __init__(self, rules: Sequence[CascadeRule], points: Sequence[Point]) -> None:
        self.signature = signature(points)
        causes: dict[int, set[int]] = {}
        effects: dict[int, set[int]] = {}
        for each in rules:
            hidden = [point.id for point in points if each.is_effect(point)]
            for cause in (point.id for point in points if each.is_cause(point)):
                for effect in hidden:
                    if effect != cause:
                        causes.setdefault(effect, set()).add(cause)
                        effects.setdefault(cause, set()).add(effect)
        self._causes = _sorted(causes)
        self._effects = _sorted(effects)

    def causes(self, sensor: int) -> Sequence[int]:
        """The sensors whose alarms suppress this one's, by id."""
        return self._causes.get(sensor, ())

    def effects(self, sensor: int) -> Sequence[int]:
        """The sensors whose alarms this one's suppresses, by id."""
        return self._effects.get(sensor, ())


def signature(points: Sequence[Point]) -> tuple[tuple[int, str, str], ...]:
    """What kinship depends on, of the points of a block."""
    return tuple((point.id, point.tag, point.subsystem) for point in points)


def _sorted(kin: Mapping[int, set[int]]) -> Mapping[int, tuple[int, ...]]:
    return MappingProxyType({sensor: tuple(sorted(others)) for sensor, others in kin.items()})
