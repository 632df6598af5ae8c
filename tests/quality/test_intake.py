"""Whatever a device sends is taken in or refused by name, and a caller that goes away leaves nothing half done."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.quality.site import TENANT, Site, opened
from wattline.metering.readings.model import Sender
from wattline.model.clock import ManualClock
from wattline.model.errors import WattlineError
from wattline.quality.intake import CAPTURE, EVENT, PROTECTION, SERIES, Intake
from wattline.state.database import Database

NOW = "2026-06-11T14:31:00Z"
GOOD: dict[str, dict[str, Any]] = {
    "series": {"start": NOW, "channels": {"a": [230.0, 180.0, 230.0], "b": [230, None, 230]}},
    "capture": {"start": NOW, "sample_rate_hz": 3200, "channels": {"a": [1.0] * 200}},
    "event": {"type": "sag", "start": NOW, "end": NOW},
    "protection": {"kind": "trip_overcurrent", "timestamp": NOW},
}
FIELDS = {"series": SERIES, "capture": CAPTURE, "event": EVENT, "protection": PROTECTION}
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([NOW, "2026-06-11T14:31:00", "9999-12-31T23:59:59Z", "a", "ab", "sag", "open", 1e308, -0.0, 2**63]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "ab", "x"]), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
async def site(database: Database, clock: ManualClock) -> Site:
    """A process on a database."""
    return await opened(database, clock)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_whatever_is_sent_is_taken_or_refused_by_name(site: Site, clock: ManualClock) -> None:
    meter = await site.meter()
    intake = Intake(site.quality, site.metering, clock)
    sender = Sender(TENANT, frozenset({meter.id}))
    bodies: list[tuple[str, Any]] = []

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(sorted(GOOD)), st.data())
    def draw(kind: str, data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            bodies.append((kind, data.draw(anything)))
            return
        changed = data.draw(st.dictionaries(st.sampled_from(FIELDS[kind]), anything, max_size=3))
        bodies.append((kind, {**GOOD[kind], **changed}))

    draw()
    taken = 0
    for kind, body in bodies:
        try:
            await getattr(intake, kind)(sender, body)
            taken += 1
        except WattlineError:
            continue
    assert 0 < taken < len(bodies)
    for event in await site.events(meter):
        assert event.end is None or event.end >= event.start


async def test_a_caller_that_goes_away_leaves_nothing_half_done(site: Site, clock: ManualClock) -> None:
    meter = await site.meter()
    intake = Intake(site.quality, site.metering, clock)
    sender = Sender(TENANT, frozenset({meter.id}))
    body = {"start": NOW, "channels": {"a": [230.0, 180.0, 180.0]}}
    for rounds in range(1, 12):
        task = asyncio.create_task(intake.series(sender, body))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        # It may have been done by then.
        with contextlib.suppress(asyncio.CancelledError):
            await task
    found = await intake.series(sender, {"start": "2026-06-11T14:31:10Z", "channels": {"a": [180.0, 230.0]}})
    (event,) = await site.events(meter)
    assert event.end is not None
    assert [each.id for each in found.judged.events] == [event.id]
    assert site.phases == [("start", event.id), ("end", event.id)]
