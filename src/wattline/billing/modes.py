"""Thermal modes over time: when heat was recovered, and when it was thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattline.billing.intervals import Floats, Grid
from wattline.billing.model import INTERVAL
from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.model.place import Block

MODE_CHANGE = "mode_change"
RECOVERING = frozenset({"EXPORT", "MIXED", "FULL_RECOVERY", "PARTIAL_RECOVERY"})
PAGE = 1000


@dataclass(frozen=True, slots=True)
class ModeChange:
    """From `time` (us) on the block is in `mode`."""

    time: int
    mode: str


class ModeHistory:
    """The modes of a block, from its `mode_change` events: site and subject name the block, `to` in the body the new mode."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    async def changes(self, block: Block, start: int, end: int) -> list[ModeChange]:
        """The changes in [start, end) and the one before, in order of time; empty where no mode was ever said."""
        before = await self._page(block, None, max(start, 0), 1, None)
        found = [change for event in before[0] if (change := _change(event)) is not None]
        cursor: str | None = None
        inside: list[ModeChange] = []
        while end > start:
            events, cursor = await self._page(block, max(start, 0), max(end, 0), PAGE, cursor)
            inside += [change for event in events if (change := _change(event)) is not None]
            if cursor is None:
                break
        found += reversed(inside)
        # What the block says of itself is known even where its events are not.
        last = found[-1].time if found else None
        if block.mode is not None and block.mode_since is not None and (last is None or block.mode_since > last):
            found.append(ModeChange(block.mode_since, block.mode.strip().upper()))
        return found

    async def _page(
        self, block: Block, start: int | None, end: int, limit: int, before: str | None
    ) -> tuple[tuple[Event, ...], str | None]:
        page = await self._events.query(
            block.site.tenant,
            start=start,
            end=end,
            sites=[block.site.key],
            siteless=False,
            subject=block.slug,
            event_type=MODE_CHANGE,
            limit=limit,
            before=before,
        )
        return page.events, page.next


def _change(event: Event) -> ModeChange | None:
    mode = event.body.get("to")
    return ModeChange(event.time, mode.strip().upper()) if isinstance(mode, str) else None


def recovered_share(changes: Sequence[ModeChange], grid: Grid) -> Floats:
    """The share of each interval in which heat counts as recovered: in EXPORT or MIXED, and while the mode is not known."""
    edges = np.append(grid.buckets, grid.end)
    times = [change.time for change in changes]
    wanted = [1.0, *(float(change.mode in RECOVERING) for change in changes)]
    # The time recovered since the first edge is a line through these points, so that any edge can be read from it.
    corners = np.clip(np.array(times, np.int64), grid.start, grid.end)
    points = np.concatenate([[grid.start], corners, [grid.end]])
    recovered = np.concatenate([[0.0], np.cumsum(np.diff(points) * np.array(wanted))])
    keep = np.append(np.diff(points) > 0, True)
    share: Floats = np.diff(np.interp(edges, points[keep], recovered[keep])) / INTERVAL
    return share
