"""Alarms that are only the consequence of another: hidden while that one shows, and never longer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from wattline.alarms.cascade import compiled, rule
from wattline.alarms.rules import default_rules, read_rules
from wattline.model.clock import HOUR, ManualClock
from wattline.model.errors import Invalid
from wattline.registry.point import Point
from wattline.state.database import Database

from .plant import ACME, Plant, high, low

L2 = "thermal-l2"


async def pump_and_flow(plant: Plant, **place: str) -> tuple[Point, Point]:
    """A pump whose low speed explains a low flow."""
    pump = await plant.add("ML-PUMP-A-SPEED", low(20), subsystem=L2, **place)
    return pump, await plant.add("ML-FLOW", low(100, "P2"), subsystem=L2, **place)


async def test_a_cause_hides_what_follows_until_it_is_over(plant: Plant) -> None:
    pump, flow = await pump_and_flow(plant)
    cause = await plant.send(pump, 0)
    hidden = await plant.send(flow, 0)
    assert cause is not None
    assert hidden is not None
    assert (hidden.state, hidden.suppressed_by) == ("SUPPRESSED", cause.id)
    await plant.alarms.acknowledge(ACME, pump.id, "nick")
    assert plant.state(flow) == "SUPPRESSED"
    await plant.send(pump, 50)
    shown = plant.alarms.live(flow.id)
    assert shown is not None
    assert (shown.state, shown.suppressed_by) == ("ACTIVE", None)
    assert plant.kinds == ["alarm_raised", "alarm_suppressed", "alarm_acked", "alarm_cleared", "alarm_unsuppressed"]
    assert await plant.words() == plant.kinds
    suppressed = (await plant.events())[1]
    assert suppressed.body["suppressed_by_alarm_id"] == cause.id
    assert suppressed.body["suppressed_by_sensor_id"] == pump.id


async def test_a_cause_hides_what_stood_before_it(plant: Plant) -> None:
    pump, flow = await pump_and_flow(plant)
    await plant.send(flow, 0)
    cause = await plant.send(pump, 0)
    hidden = plant.alarms.live(flow.id)
    assert hidden is not None
    assert cause is not None
    assert (hidden.state, hidden.suppressed_by) == ("SUPPRESSED", cause.id)
    await plant.send(flow, 200)
    assert plant.state(flow) == "SUPPRESSED"
    await plant.send(pump, 50)
    assert plant.state(pump) == "RTN_UNACK"
    assert plant.alarms.live(flow.id) is None
    assert plant.kinds == [
        "alarm_raised",
        "alarm_raised",
        "alarm_suppressed",
        "alarm_rtn_unack",
        "alarm_unsuppressed",
        "alarm_cleared",
    ]


@pytest.mark.parametrize("first", ["cause", "effect"])
async def test_within_one_batch(plant: Plant, first: str) -> None:
    pump, flow = await pump_and_flow(plant)
    rows = [plant.row(pump, 0, 1), plant.row(flow, 0, 1)]
    await plant.alarms.take(rows if first == "cause" else rows[::-1])
    cause, hidden = plant.alarms.live(pump.id), plant.alarms.live(flow.id)
    assert cause is not None
    assert hidden is not None
    assert (hidden.state, hidden.suppressed_by) == ("SUPPRESSED", cause.id)
    assert plant.told[-1].alarm == hidden
    again = await Plant(plant.database, plant.clock).open()
    assert again.alarms.live(flow.id) == hidden
    assert (await plant.events())[-1].body["suppressed_by_alarm_id"] == cause.id


async def test_other_blocks_are_left_alone(plant: Plant) -> None:
    pump, flow = await pump_and_flow(plant, block="b1", site="s1")
    others = [
        await pump_and_flow(plant, block="b2", site="s1"),
        await pump_and_flow(plant, block="b1", site="s2"),
        await pump_and_flow(plant, block="b1", site="s1", tenant="other"),
    ]
    await plant.send(pump, 0)
    for _, other in others:
        await plant.send(other, 0)
        assert plant.state(other) == "ACTIVE"
    await plant.send(flow, 0)
    assert plant.state(flow) == "SUPPRESSED"


async def test_a_p0_is_never_hidden(plant: Plant) -> None:
    pump, _ = await pump_and_flow(plant)
    flow = await plant.add("PHX-01-T", high(60, "P2"), high(80, "P0", "HH"), subsystem="thermal-l3")
    await plant.send(flow, 90)
    await plant.send(pump, 0)
    assert plant.state(flow) == "ACTIVE"
    await plant.send(flow, 70)
    assert plant.state(flow) == "SUPPRESSED"
    await plant.send(flow, 95)
    assert plant.state(flow) == "ACTIVE"
    assert plant.kinds[-4:] == ["alarm_deescalated", "alarm_suppressed", "alarm_unsuppressed", "alarm_escalated"]


async def test_several_causes_hide_until_the_last_is_over(plant: Plant) -> None:
    pump, flow = await pump_and_flow(plant)
    spare = await plant.add("ML-PUMP-B-SPEED", low(20), subsystem=L2)
    await plant.send(pump, 0)
    second = await plant.send(spare, 0)
    await plant.send(flow, 0)
    await plant.send(pump, 50)
    hidden = plant.alarms.live(flow.id)
    assert hidden is not None
    assert second is not None
    assert (hidden.state, hidden.suppressed_by) == ("SUPPRESSED", second.id)
    assert (await Plant(plant.database, plant.clock).open()).alarms.live(flow.id) == hidden
    await plant.send(spare, 50)
    assert plant.state(flow) == "ACTIVE"


async def test_what_is_hidden_itself_hides_nothing(plant: Plant) -> None:
    pump, flow = await pump_and_flow(plant)
    await plant.send(pump, 0)
    await plant.send(flow, 0)
    await plant.alarms.shelve(ACME, pump.id, "nick", "known", 8 * HOUR)
    assert plant.state(flow) == "ACTIVE"
    await plant.alarms.unshelve(ACME, pump.id, "nick")
    assert plant.state(flow) == "SUPPRESSED"
    await plant.alarms.take_out_of_service(ACME, pump.id, "nick", "replaced")
    assert plant.state(flow) == "ACTIVE"
    await plant.alarms.return_to_service(ACME, pump.id, "nick")
    assert plant.state(flow) == "SUPPRESSED"


async def test_a_shelf_lies_beneath_a_suppression(plant: Plant) -> None:
    pump, flow = await pump_and_flow(plant)
    await plant.send(flow, 0)
    await plant.alarms.shelve(ACME, flow.id, "nick", "known", 8 * HOUR)
    await plant.send(pump, 0)
    hidden = plant.alarms.live(flow.id)
    assert hidden is not None
    assert hidden.state == "SUPPRESSED"
    await plant.send(pump, 50)
    back = plant.alarms.live(flow.id)
    assert back is not None
    assert (back.state, back.shelved_by, back.shelved_until) == ("SHELVED", "nick", hidden.shelved_until)


async def test_a_circle_of_rules_comes_to_rest(database: Database, clock: ManualClock) -> None:
    rules = [rule(f"{a}{b}", a, ["x"], [b], ["x"]) for a, b in ("AB", "BC", "CA")]
    plant = await Plant(database, clock, rules).open()
    a, b, c = [await plant.add(tag, high(1), subsystem="x") for tag in "ABC"]
    for point in (a, b, c, a, b, c):
        await plant.send(point, 5)
    showing = [point for point in (a, b, c) if plant.state(point) == "ACTIVE"]
    assert showing
    for point in (a, b, c):
        alarm = plant.alarms.live(point.id)
        assert alarm is not None
        if alarm.state == "SUPPRESSED":
            assert alarm.suppressed_by in {live.id for other in showing if (live := plant.alarms.live(other.id))}
    for point in (a, b, c):
        await plant.send(point, 0)
    assert {plant.state(point) for point in (a, b, c)} <= {"RTN_UNACK", None}


async def test_what_no_rule_hides_any_more_is_released(plant: Plant) -> None:
    pump, flow = await pump_and_flow(plant)
    await plant.send(pump, 0)
    await plant.send(flow, 0)
    other = await Plant(plant.database, plant.clock, rules=()).open()
    assert other.state(flow) == "SUPPRESSED"
    await other.alarms.tick()
    assert other.state(flow) == "ACTIVE"
    assert other.kinds == ["alarm_unsuppressed"]


PUBLISHED = {
    ("ML-PUMP-A-SPEED", L2): [("ML-FLOW", L2), ("PHX-01-T-PRI-IN", "thermal-l3"), ("HOST-FLOW", "thermal-l3")],
    ("CDU-07-PUMP-SPEED", "thermal-l1"): [(tag, "thermal-l1") for tag in ("CDU-01-FLOW", "CDU-02-P-DIFF", "RK-12-T-OUT")],
    ("V-MSB-L3", "electrical"): [("UPS-01-LOAD", "electrical"), ("P-MSB-TOTAL", "electrical")],
    ("LSH-02-LEAK-A", "thermal-safety"): [("HOST-FLOW", "thermal-l3"), ("CDU-01-P-DIFF", "thermal-l1")],
    ("WAN-1", "network"): [("SW-01-CPU", "network")],
    ("VPN-STATUS", "network"): [("SW-22-TEMP", "network")],
}


async def test_the_rules_that_hold_by_default(plant: Plant) -> None:
    rules = default_rules()
    for number, (cause, effects) in enumerate(PUBLISHED.items()):
        point = await plant.add(cause[0], subsystem=cause[1], block=f"c{number}")
        found = [each for each in rules if each.is_cause(point)]
        assert len(found) == 1
        for tag, subsystem in effects:
            assert found[0].is_effect(await plant.add(tag, subsystem=subsystem, block=f"e{number}"))
        assert not found[0].is_effect(await plant.add("CDU-01-T-SUP", subsystem="thermal-l1", block=f"n{number}"))
        assert not found[0].is_cause(await plant.add(cause[0], subsystem="security", block=f"s{number}"))


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a" * 201,
        "(a+)+",
        "(a|b)*",
        "(ab){2,}",
        "(ab)?x",
        r"(a)\1",
        "(?=a)b",
        "(?:a)b",
        "a*b*c*",
        "a?" * 6,
        "(a)(b)(c)",
        "a" + "|a" * 11,
        "[",
        "a{9999999999}",
    ],
)
def test_a_pattern_that_could_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid):
        compiled(pattern)


def test_the_worst_pattern_that_is_accepted_is_quick() -> None:
    pattern = compiled("(a|a|a|a|a|a)(a|a|a|a|a|a)" + "a?" * 5 + ".*.*b")
    start = time.process_time()
    assert pattern.fullmatch("a" * 128) is None
    assert time.process_time() - start < 5


def test_rules_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    good = {"name": "fan", "cause": "FAN-.*", "cause_subsystems": ["x"], "effects": ["T-.*"], "effect_subsystems": ["x", "y"]}
    path.write_text(json.dumps([good]))
    (found,) = read_rules(path)
    assert (found.name, found.cause.pattern, found.effect_subsystems) == ("fan", "FAN-.*", {"x", "y"})
    for bad in (
        "{",
        "{}",
        '[{"name": "x"}]',
        json.dumps([good | {"colour": 1}]),
        json.dumps([good | {"cause": "(a+)+"}]),
        "[" * 100_000,
    ):
        path.write_text(bad)
        with pytest.raises(Invalid) as caught:
            read_rules(path)
        assert caught.value.field == "cascade_rules"
    path.write_text(json.dumps([good | {"cause": "(a+)+"}]))
    with pytest.raises(Invalid, match="cascade rule 'fan'"):
        read_rules(path)
