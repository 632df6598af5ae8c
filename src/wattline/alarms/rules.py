"""The cascade rules that hold where nobody gave others, and reading others from a file."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from wattline.alarms.cascade import CascadeRule, rule
from wattline.model.errors import Invalid

MOST_RULES = 500
MOST_EFFECTS = 50


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    """A rule as a file has it."""

    name: str
    cause: str
    cause_subsystems: list[str]
    effects: list[str]
    effect_subsystems: list[str]


def default_rules() -> tuple[CascadeRule, ...]:
    """What follows from what in a block of a data hall with liquid cooling and heat export.

    A loop pump that stopped explains its flow and what lies behind it; a lost incomer the supplies behind it; a leak, whose
    detector trips the pumps, the flows and pressures of its loops; a lost link the switches that are reached through it.
    """
    loops = ("thermal-l1", "thermal-l2", "thermal-l3")
    return (
        rule(
            "primary loop pump",
            "ML-PUMP-[AB]-SPEED",
            ("thermal-l2",),
            ("ML-FLOW", "PHX-01-.*", "HOST-FLOW"),
            ("thermal-l2", "thermal-l3"),
        ),
        rule(
            "distribution unit pump",
            r"CDU-\d{2}-PUMP-SPEED",
            ("thermal-l1",),
            (r"CDU-\d{2}-FLOW", r"CDU-\d{2}-P-DIFF", r"RK-\d{2}-T-OUT"),
            ("thermal-l1",),
        ),
        rule("incomer voltage", "V-MSB-L[123]", ("electrical",), (r"UPS-\d{2}-.*", "P-MSB-TOTAL"), ("electrical",)),
        rule("leak", "LSH-0[12]-LEAK-.*", ("thermal-safety",), (".*-FLOW", ".*-P-.*"), loops),
        rule("uplink", "WAN-.*|VPN-STATUS", ("network",), (r"SW-\d{2}-.*",), ("network",)),
    )


def read_rules(path: Path) -> tuple[CascadeRule, ...]:
    """The rules of a JSON file: a list of {name, cause, cause_subsystems, effects, effect_subsystems}. `Invalid` says what
    is wrong, and in which rule.
    """
    try:
        found = msgspec.convert(json.loads(path.read_bytes()), list[_Rule])
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the cascade rules of {path.name} cannot be read: {error}", "cascade_rules") from None
    if len(found) > MOST_RULES or any(len(each.effects) > MOST_EFFECTS for each in found):
        raise Invalid(f"at most {MOST_RULES} cascade rules with {MOST_EFFECTS} effects each", "cascade_rules")
    rules = []
    for each in found:
        try:
            rules.append(rule(each.name, each.cause, each.cause_subsystems, each.effects, each.effect_subsystems))
        except Invalid as error:
            raise Invalid(f"cascade rule '{each.name}': {error}", "cascade_rules") from None
    return tuple(rules)
