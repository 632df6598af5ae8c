"""Faults come, drive their points over their limits the way the plant's physics has it, and end; modes follow the rules."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from wattline.model.clock import DAY, MINUTE, SECOND, to_micros
from wattline.simulate.plant.chance import Draws
from wattline.simulate.plant.definition import BY_TAG
from wattline.simulate.plant.episodes import FAULTS, WINDOW, Episode, Episodes
from wattline.simulate.plant.instruments import CAN_BE_LOST, Instruments
from wattline.simulate.plant.model import Plant
from wattline.simulate.plant.seed import limits

START = to_micros(datetime(2026, 6, 11, tzinfo=UTC))
ALLOWED = {
    ("EXPORT", "MIXED"), ("MIXED", "EXPORT"), ("EXPORT", "REJECT"), ("REJECT", "EXPORT"), ("REJECT", "MIXED"),
    ("MIXED", "REJECT"),
}  # fmt: skip


def first(fault: str, seed: int = 1, severity: float = 0.0) -> tuple[Instruments, Episode]:
    """The first episode of a fault, at least so bad."""
    instruments = Instruments(seed)
    for episode in instruments.plant.episodes.between(START, START + 20 * DAY):
        if episode.fault == fault and episode.severity >= severity:
            return instruments, episode
    raise AssertionError(fault)


def violated(instruments: Instruments, at: int) -> set[str]:
    """The limits over or under which the instruments are, as TAG:NAME."""
    found = set()
    for shown in instruments.read(at):
        for limit in limits(BY_TAG[shown.tag]):
            over = shown.value - limit.value if limit.direction == "HIGH" else limit.value - shown.value
            if over > 0.0 or (limit.inclusive and over == 0.0):
                found.add(f"{shown.tag}:{limit.name}")
    return found


def middle(episode: Episode) -> int:
    return (episode.start + episode.end) // 2


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("pump", {"ML-PUMP-A-SPEED:L", "ML-FLOW:L"}),
        ("filter", {"CDU-01-FLOW:L"}),
        ("sag", {"V-MSB-L1:L", "V-MSB-L2:L", "V-MSB-L3:L"}),
        ("glycol", {"ML-GLYCOL-CONC:L"}),
        ("switch", {"SW-CORE-01-TEMP:H"}),
        ("door", {"DOOR-MAIN:H"}),
        ("burst", {"UPS-01-LOAD:H"}),
    ],
)
def test_a_fault_drives_its_points_over_their_limits_and_ends(fault: str, expected: set[str]) -> None:
    instruments, episode = first(fault)
    assert not violated(instruments, episode.start - SECOND) & expected
    assert violated(instruments, middle(episode)) >= expected
    lasting = [at for at in range(episode.start, episode.end, SECOND) if violated(instruments, at) >= expected]
    assert len(lasting) >= 40, "longer than the delay of every limit"
    assert not violated(instruments, episode.end + SECOND) & expected


def test_a_pump_that_slows_starves_its_loop_and_the_coolant_gets_hot() -> None:
    instruments, episode = first("pump", severity=0.7)
    before = {s.tag: s.value for s in instruments.read(episode.start - SECOND)}
    during = {s.tag: s.value for s in instruments.read(middle(episode))}
    slowed = during["ML-PUMP-A-SPEED"] / before["ML-PUMP-A-SPEED"]
    assert during["ML-FLOW"] / before["ML-FLOW"] == pytest.approx(slowed, rel=0.02)
    assert during["ML-PUMP-A-AMPS"] < before["ML-PUMP-A-AMPS"] / 2
    for tag in ("ML-T-RET", "CDU-01-T-SUP", "CDU-01-T-RET", "CDU-02-T-RET"):
        assert during[tag] > before[tag] + 5.0, tag
    assert "CDU-01-T-RET:HH" in violated(instruments, middle(episode))
    assert instruments.plant.modes.mode(middle(episode)) == "REJECT"


def test_a_blocked_filter_holds_back_one_unit_alone() -> None:
    instruments, episode = first("filter")
    before = {s.tag: s.value for s in instruments.read(episode.start - SECOND)}
    during = {s.tag: s.value for s in instruments.read(middle(episode))}
    assert during["CDU-01-DP"] > before["CDU-01-DP"] + 50
    assert during["CDU-01-T-RET"] > before["CDU-01-T-RET"] + 5
    assert during["CDU-02-FLOW"] == pytest.approx(before["CDU-02-FLOW"], abs=1)
    assert during["CDU-02-T-RET"] == pytest.approx(before["CDU-02-T-RET"], abs=1.5)


def test_a_sag_is_carried_by_the_battery_which_then_recovers() -> None:
    instruments, episode = first("sag")
    plant = instruments.plant
    before, during = plant.state(episode.start - SECOND), plant.state(middle(episode))
    assert during.power.on_battery
    assert during.power.it > 600
    assert during.power.feed < 0.25 * before.power.feed
    after = plant.state(episode.end)
    assert after.battery.soc_percent < before.battery.soc_percent - 4
    assert after.power.charge > 0
    assert "UPS-01-BAT-SOC:L" in violated(instruments, episode.end)
    charged = next(at for at in range(episode.end, episode.end + 90 * MINUTE, MINUTE) if plant.state(at).power.charge == 0)
    assert plant.state(charged).battery.soc_percent == pytest.approx(98.1, abs=0.01)


def test_the_energy_that_the_battery_gives_is_what_the_load_took() -> None:
    instruments, episode = first("sag")
    plant = instruments.plant
    seconds = [plant.state(at) for at in range(episode.start - SECOND, episode.end + SECOND, SECOND)]
    taken = sum(s.power.it + s.power.ups_loss for s in seconds if s.power.on_battery) / 3600
    fell = seconds[0].battery.soc_percent - min(s.battery.soc_percent for s in seconds)
    assert fell / 100 * 170 == pytest.approx(taken, rel=0.03)


def test_a_lost_line_reads_bad_and_zero() -> None:
    instruments, episode = first("lost")
    bad = [shown for shown in instruments.read(middle(episode)) if shown.quality == "BAD"]
    assert [shown.value for shown in bad] == [0.0]
    assert bad[0].tag in CAN_BE_LOST
    assert all(shown.quality == "GOOD" for shown in instruments.read(episode.end + SECOND))


def test_faults_come_a_few_times_an_hour_each_alone_in_its_window() -> None:
    found = list(Episodes(Draws(1)).between(START, START + 10 * DAY))
    assert {episode.fault for episode in found} == set(FAULTS)
    assert 0.55 < len(found) / (10 * DAY / WINDOW) < 0.65
    for earlier, later in itertools.pairwise(found):
        assert earlier.end <= later.start
    assert all(episode.start // WINDOW == (episode.end - 1) // WINDOW for episode in found)
    assert all(episode.level(episode.start) == episode.level(episode.end) == 0.0 for episode in found)
    assert not list(Episodes(Draws(1), faults=False).between(START, START + DAY))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mode_changes_by_the_rules(seed: int) -> None:
    modes = Plant(seed).modes
    changes = modes.transitions(START, START + 5 * DAY)
    assert len(changes) > 20
    assert {change.mode for change in changes} == {"EXPORT", "MIXED", "REJECT"}
    current = modes.mode(START)
    for change in changes:
        assert change.previous == current
        assert (change.previous, change.mode) in ALLOWED
        assert modes.mode(change.at) == change.mode
        assert change.trigger.startswith("auto:")
        current = change.mode
    assert current == modes.mode(START + 5 * DAY)
    assert {c.trigger for c in changes if c.mode == "EXPORT"} <= {"auto:host_demand_restored", "auto:safety_restored"}


def test_transitions_are_the_same_however_the_time_is_cut() -> None:
    modes = Plant(1).modes
    whole = modes.transitions(START, START + DAY)
    cut = [c for i in range(0, 1440, 7) for c in modes.transitions(START + i * MINUTE, START + min(i + 7, 1440) * MINUTE)]
    assert cut == whole


def test_the_valve_takes_a_minute() -> None:
    modes = Plant(1, faults=False).modes
    change = modes.transitions(START, START + DAY)[0]
    openings = [modes.opening(change.at + second * SECOND) for second in range(-1, 62)]
    steps = [abs(b - a) for a, b in itertools.pairwise(openings)]
    assert max(steps) < 0.05
    assert openings[0] != openings[-1]
