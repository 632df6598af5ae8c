"""The scoring pass over a state database: hysteresis, incidents and edges, through restarts and failures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from wattline.analytics.model import MODELS, ROBUST, ZSCORE, FrequencySource, FrequencyWindow
from wattline.analytics.service import ScoringService
from wattline.analytics.settings import Interconnection, ScoringSettings
from wattline.model.clock import DAY, SECOND, ManualClock, from_micros
from wattline.model.errors import Invalid
from wattline.state.database import Database

from .replay import Listener, Replay, Shelf, column, instant
from .windows import AREA, END_US, Matrix, calm_grid

PASSES = 12
Start = Callable[..., ScoringService]


@pytest.fixture
def grid() -> Matrix:
    """Six healthy substations for twelve passes."""
    return calm_grid(np.random.default_rng(3), 6, seconds=column(PASSES))


@pytest.fixture
def shelf() -> Shelf:
    """Where the scores go."""
    return Shelf()


@pytest.fixture
def listener() -> Listener:
    """Who hears of edges."""
    return Listener()


@pytest.fixture
def start(database: Database, shelf: Shelf, listener: Listener) -> Start:
    """Start a service, again and again if need be: it knows nothing but what the database keeps."""

    def service(
        readings: Matrix, settings: ScoringSettings | None = None, source: FrequencySource | None = None
    ) -> ScoringService:
        clock = ManualClock(from_micros(END_US))
        return ScoringService(database, source or Replay(readings), shelf, clock, settings, listener.hear)

    return service


async def test_both_models_are_written_once_for_an_instant(start: Start, grid: Matrix, shelf: Shelf) -> None:
    service = start(grid)
    scores = await service.run(instant(1))
    assert len(scores) == 12
    assert {score.model_version for score in scores} == set(MODELS)
    assert {score.time for score in scores} == {instant(1)}
    assert await service.run(instant(1)) == scores
    assert await service.run(instant(0)) != scores
    assert await start(grid).run(instant(1)) == scores
    assert shelf.batches == [scores]


async def test_the_present_is_the_clocks_and_ends_at_a_whole_second(start: Start, grid: Matrix) -> None:
    assert {score.time for score in await start(grid).run()} == {END_US}
    assert {score.time for score in await start(grid).run(instant(1) + 999_999)} == {instant(1)}


async def test_a_great_deviation_is_told_at_once_and_its_end_after_two_calm_scores(
    start: Start, grid: Matrix, listener: Listener
) -> None:
    grid[2, column(0, 30) : column(2, 30)] += 0.030
    for number in range(7):
        await start(grid).run(instant(number))
    assert listener.told() == [("raised", "local", "SUB002"), ("cleared", "local", "SUB002")]
    begun, ended = listener.edges
    # The offset ends half a minute into the third minute, whose worst second is thus still bad: passes 4 and 5 are calm.
    assert (begun.time, ended.time) == (instant(1), instant(5))
    assert begun.incident == ended.incident
    assert begun.scores[0] >= 0.9
    assert ended.scores[0] < 0.5
    assert "residual" in begun.reasons


async def test_a_slight_deviation_needs_a_second_score_even_across_a_restart(
    start: Start, grid: Matrix, listener: Listener
) -> None:
    grid[2, column(0, 30) :] += 0.008
    scores = {score.site: score for score in await start(grid).run(instant(1)) if score.model_version == ROBUST}
    assert 0.7 <= scores["SUB002"].anomaly_score < 0.9
    assert listener.told() == []
    incident = (await start(grid).incidents("utility"))[0]
    assert (incident.confirmed_us, incident.substations) == (None, ("SUB002",))
    await start(grid).run(instant(2))
    assert listener.told() == [("raised", "local", "SUB002")]
    assert listener.edges[0].incident == incident.id


async def test_a_slight_deviation_that_passes_is_never_told(start: Start, grid: Matrix, listener: Listener) -> None:
    grid[2, column(0, 30) : column(1)] += 0.008
    for number in range(5):
        await start(grid).run(instant(number))
    assert listener.told() == []
    incident = (await start(grid).incidents("utility"))[0]
    assert (incident.confirmed_us, incident.closed_us) == (None, instant(3))


async def test_fifty_substations_feel_one_system_event(start: Start, listener: Listener) -> None:
    grid = calm_grid(np.random.default_rng(4), 50, seconds=column(PASSES))
    since = column(0, 20)
    after = np.arange(grid.shape[1] - since)
    grid[:, since:] -= 0.15 * np.minimum(after / 8, 1) * np.exp(-np.maximum(after - 8, 0) / 200)
    service = start(grid)
    for number in range(PASSES):
        await service.run(instant(number))
    names = tuple(f"SUB{row:03d}" for row in range(50))
    assert listener.told() == [("raised", "system", *names), ("cleared", "system", *names)]
    incident = (await service.incidents("utility"))[0]
    assert instant(0) + 20 * SECOND <= incident.opened_us <= instant(0) + 35 * SECOND
    assert incident.closed_us is not None


async def test_two_faults_at_two_times_are_two_incidents(start: Start, grid: Matrix, listener: Listener) -> None:
    grid[1, column(0, 10) : column(0, 14)] -= 0.1
    grid[4, column(0, 40) : column(0, 44)] -= 0.1
    await start(grid).run(instant(1))
    assert sorted(listener.told()) == [("raised", "local", "SUB001"), ("raised", "local", "SUB004")]


async def test_an_edge_that_was_not_taken_is_offered_again(
    start: Start, grid: Matrix, listener: Listener, shelf: Shelf
) -> None:
    grid[2, column(0, 30) :] += 0.030
    listener.failures = 1
    with pytest.raises(ExceptionGroup, match="did not take"):
        await start(grid).run(instant(1))
    assert len(shelf.batches) == 1
    await start(grid).run(instant(1))
    await start(grid).run(instant(2))
    assert listener.told() == [("raised", "local", "SUB002")]


async def test_the_beginning_is_told_before_the_end_even_when_both_are_late(
    start: Start, grid: Matrix, listener: Listener
) -> None:
    grid[2, column(0, 30) : column(1)] += 0.030
    listener.failures = 3
    for number in range(1, 4):
        with pytest.raises(ExceptionGroup):
            await start(grid).run(instant(number))
    await start(grid).run(instant(4))
    assert [kind for kind, *_ in listener.told()] == ["raised", "cleared"]


async def test_scores_that_were_not_written_leave_no_trace(
    start: Start, grid: Matrix, shelf: Shelf, listener: Listener
) -> None:
    grid[2, column(0, 30) :] += 0.030
    shelf.failures = 1
    with pytest.raises(OSError, match="away"):
        await start(grid).run(instant(1))
    assert await start(grid).incidents("utility") == []
    await start(grid).run(instant(1))
    assert len(shelf.batches) == 1
    assert listener.told() == [("raised", "local", "SUB002")]


async def test_two_workers_on_one_instant_keep_one_incident(start: Start, grid: Matrix) -> None:
    grid[2, column(0, 30) :] += 0.008
    one, two = start(grid), start(grid)
    await asyncio.gather(one.run(instant(1)), two.run(instant(1)))
    assert len(await one.incidents("utility")) == 1
    # Had the pass counted twice, the two flagged scores on end would have confirmed the incident.
    assert (await one.incidents("utility"))[0].confirmed_us is None


async def test_a_stuck_sensor_is_remembered_across_restarts(start: Start, listener: Listener) -> None:
    grid = calm_grid(np.random.default_rng(6), 1, seconds=column(40))
    grid[0, column(0) :] = 60.0
    for number in range(40):
        scores = await start(grid).run(instant(number))
    assert scores[1].reasons == ("flatline",)
    assert listener.told() == [("raised", "local", "SUB000")]


async def test_nobody_is_blamed_for_silence_while_nothing_listened(start: Start, grid: Matrix, listener: Listener) -> None:
    grid[:, column(0, -600) :] = np.nan
    assert not any(score.is_anomaly for score in await start(grid).run(instant(0)))
    scores = await start(grid).run(instant(1))
    assert [score.reasons for score in scores if score.model_version == ROBUST] == [("stale",)] * 6
    assert [edge.kind for edge in listener.edges] == ["system"]


async def test_a_substation_that_vanished_keeps_its_incident_for_a_day(start: Start, grid: Matrix, listener: Listener) -> None:
    grid[2, column(0, 30) :] += 0.030
    await start(grid).run(instant(1))
    without = Replay(grid[[0, 1, 3]])
    service = start(grid, source=Sliding(without))
    await service.run(instant(1) + DAY)
    assert (await service.incidents("utility", open_only=True))[0].substations == ("SUB002",)
    await service.run(instant(1) + DAY + SECOND)
    assert await service.incidents("utility", open_only=True) == []
    assert listener.told() == [("raised", "local", "SUB002"), ("cleared", "local", "SUB002")]


async def test_a_model_that_no_longer_alerts_closes_what_it_had_open(start: Start, grid: Matrix) -> None:
    grid[2, column(0, 30) :] += 0.030
    await start(grid).run(instant(1))
    other = start(grid, ScoringSettings(alerting_model=ZSCORE))
    await other.run(instant(2))
    assert ROBUST not in {incident.model for incident in await other.incidents("utility", open_only=True)}
    closed = [incident for incident in await other.incidents("utility") if incident.model == ROBUST]
    assert [incident.closed_us for incident in closed] == [instant(2)]


async def test_incidents_are_listed_newest_first_and_for_one_tenant(start: Start, grid: Matrix) -> None:
    keys = [("a", "S0"), ("a", "S1"), ("a", "S2"), ("b", "S0"), ("b", "S1"), ("b", "S2")]
    grid[[0, 3], column(0, 10) : column(0, 15)] -= 0.1
    grid[1, column(3, 10) : column(3, 15)] -= 0.1
    service = start(grid, source=Replay(grid, keys))
    for number in range(6):
        await service.run(instant(number))
    mine = await service.incidents("a")
    assert [incident.substations for incident in mine] == [("S1",), ("S0",)]
    assert [incident.substations for incident in await service.incidents("b")] == [("S0",)]
    assert await service.incidents("c") == []
    assert await service.incidents("a", limit=1) == mine[:1]
    assert await service.incidents("a", since_us=instant(3)) == mine[:1]


async def test_the_arithmetic_leaves_the_event_loop_free(start: Start, grid: Matrix) -> None:
    service = start(grid, ScoringSettings(tenants=(witness := Witness({"utility": AREA}))))
    await service.run(instant(1))
    assert threading.get_ident() not in witness.threads[:6]


async def test_a_window_of_another_time_is_refused(start: Start, grid: Matrix) -> None:
    with pytest.raises(Invalid):
        await start(grid, source=Late(Replay(grid))).run(instant(1))


class Witness(dict[str, Interconnection]):
    """Remembers which threads look up an interconnection; the pass does so before its bookkeeping does."""

    def __init__(self, areas: dict[str, Interconnection]) -> None:
        super().__init__(areas)
        self.threads: list[int] = []

    def get(self, key: str, default: Interconnection | None = None) -> Interconnection | None:  # type: ignore[override]
        """Look up and remember."""
        self.threads.append(threading.get_ident())
        return super().get(key, default)


class Sliding:
    """Plays the first window of a replay at any instant."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay

    async def window(self, end_us: int, seconds: int) -> FrequencyWindow:
        """The readings before pass 0, dated as if they were new."""
        first = await self.replay.window(END_US, seconds)
        moved = end_us - END_US
        return FrequencyWindow(
            [(tenant, f"OTHER{at}") for at, (tenant, _) in enumerate(first.keys)],
            first.frequency_hz,
            first.start_us + moved,
            first.newest_us + moved,
            first.newest_hz,
        )


class Late:
    """Answers with the window of a minute ago."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay

    async def window(self, end_us: int, seconds: int) -> FrequencyWindow:
        """The wrong window."""
        return await self.replay.window(end_us - 60 * SECOND, seconds)
