"""`mg_bess_readings` and `mg_meter_readings`: rows of streams, written through the path of every reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import RelationType, Type, Unique
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.expression import Sort
from wattline.contracts.flux.relation import Edit, Need, Scan, TableChange
from wattline.contracts.flux.relations import lines
from wattline.contracts.flux.relations.devices import KEYS, Devices
from wattline.contracts.flux.relations.narrowing import span, values
from wattline.contracts.flux.values.render import print_text
from wattline.ingest.pipeline import Pipeline
from wattline.ingest.table_rows import EARLIEST, LATEST, Slice
from wattline.model.clock import Clock
from wattline.model.record import Fate, Row

MOST_CHANGES = 5_000
"""Changes read again at once."""


class Readings:
    """One relation of readings (`relation.Relation`); see `relations.devices` for whose rows it shows."""

    def __init__(
        self,
        kind: RelationType,
        devices: Devices,
        pipeline: Pipeline,
        clock: Clock,
        publish: Callable[[TableChange], None],
    ) -> None:
        self.type = kind
        self.turn = asyncio.Lock()
        self._devices = devices
        self._pipeline = pipeline
        self._clock = clock
        self._publish = publish
        self._position = 0
        self._measures = [column.name for column in kind.columns[KEYS:]]
        self._every = [column.name for column in kind.columns]

    def scan(self, tenant: str, need: Need) -> Scan:
        """By time, up or down, and by device within an instant."""
        names = [name for name in self._every if name in need.columns] or ["time"]
        wanted = span(need.where, "time").within(EARLIEST, LATEST)
        only = values(need.where, "device_id")
        downwards = bool(need.order) and need.order[0].ref.column == "time" and need.order[0].descending
        ordered = _by_time(need.order)
        tables = self._tables(tenant, names, only, wanted.start, wanted.end, downwards, need.most if ordered else None)
        return Scan(tables, ordered)

    async def _tables(
        self,
        tenant: str,
        names: Sequence[str],
        only: frozenset[object] | None,
        start: int,
        end: int,
        downwards: bool,
        most: int | None,
    ) -> AsyncIterator[pa.Table]:
        measures = [name for name in names if name in self._measures]
        shape, device_ids = self._devices.shape(tenant, measures, only)
        async for part in self._pipeline.tables.slices(shape, start, end, newest_first=downwards, most=most):
            yield lines.table(self.type, names, measures, part, device_ids)

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """The rows of these devices and times. A time that is newer than its device's rows is not looked for."""
        own = self._devices.own(tenant)
        others = {shown.uuid for shown in self._devices.others(tenant)}
        named = keys.column("device_id").to_pylist()
        times = keys.column("time").to_pylist()
        late = [
            (device_id, time)
            for device_id, time in zip(named, times, strict=True)
            if device_id in others or ((stream := own.get(device_id)) is not None and time <= stream.admitted)
        ]
        if not late:
            return self.type.schema.empty_table()
        shape, device_ids = self._devices.shape(tenant, self._measures, frozenset(device_id for device_id, _ in late))
        found = await self._pipeline.tables.at(shape, [time for _, time in late])
        rows = lines.table(self.type, self._every, self._measures, found, device_ids)
        pairs = set(late)
        mine = [
            pair in pairs for pair in zip(rows.column("device_id").to_pylist(), rows.column("time").to_pylist(), strict=True)
        ]
        return rows.filter(pa.array(mine, pa.bool_()))

    async def commit(self, tenant: str, edit: Edit) -> None:
        """One group commit of the journal, whatever it is made of; see `relation.Relation`.

        Raises `Refusal` 42501 for rows of another contract's device, 22008 for times of which the store holds no row.
        """
        self._refuse_foreign(tenant, edit)
        _refuse_times(edit)
        self._position = max(self._clock.micros(), self._position + 1)
        rows: list[Row] = []
        if edit.deleted is not None and len(edit.deleted):
            rows += lines.removals(edit.deleted, self._measures, await self._streams(tenant, edit.deleted), self._position)
        if edit.old is not None and edit.new is not None and len(edit.old):
            rows += await self._changed(tenant, edit.old, edit.new)
        edited = {row.stream for row in rows}
        if edit.inserted is not None and len(edit.inserted):
            streams = await self._streams(tenant, edit.inserted)
            rows += lines.rows_of(edit.inserted, self._measures, streams, self._position)
        if not rows:
            return
        await self._pipeline.ingest.submit(rows)
        if edited:
            await self._pipeline.relearn(edited)
        self._publish(TableChange(tenant, self.type.name, self._position, edit))

    async def _changed(self, tenant: str, old: pa.Table, new: pa.Table) -> list[Row]:
        """Rows that stay where they are are replaced; one with another key is taken back and made anew."""
        same = pc.and_(
            pc.equal(old.column("device_id"), new.column("device_id")), pc.equal(old.column("time"), new.column("time"))
        )
        stay, kept = old.filter(same), new.filter(same)
        went, came = old.filter(pc.invert(same)), new.filter(pc.invert(same))
        at = self._position
        return [
            *lines.removals(went, self._measures, await self._streams(tenant, went), at),
            *lines.rows_of(kept, self._measures, await self._streams(tenant, kept), at, stay),
            *lines.rows_of(came, self._measures, await self._streams(tenant, came), at),
        ]

    async def _streams(self, tenant: str, rows: pa.Table) -> list[int]:
        named = rows.column("device_id").to_pylist()
        streams = await self._devices.ensure(tenant, set(named))
        return [streams[device_id].id for device_id in named]

    def _refuse_foreign(self, tenant: str, edit: Edit) -> None:
        """Rows of a device that another contract writes are shown here, and written there."""
        foreign = {shown.uuid for shown in self._devices.others(tenant)}
        for rows in (edit.inserted, edit.old, edit.new, edit.deleted) if foreign else ():
            if rows is not None and not foreign.isdisjoint(rows.column("device_id").to_pylist()):
                message = f"permission denied for table {self.type.name}"
                raise Refusal(403, "42501", message, "The device is written to through another contract.")

    async def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        """Rows by when they came in or were changed last: each in its newest state, those taken back as deleted."""
        shape, device_ids = self._devices.shape(tenant, self._measures, None)
        asked, most = since, MOST_CHANGES
        while shape.streams:
            found = await self._pipeline.tables.since(shape, since, most)
            if not len(found):
                return
            table = lines.table(self.type, self._every, self._measures, found, device_ids)
            runs = _runs(found.received.tolist())
            if len(found) == most:
                # There may be more of the last commit.
                if len(runs) == 1:
                    most *= 2
                    continue
                runs.pop()
            for position, first, count in runs:
                yield TableChange(tenant, self.type.name, position, _edit(table.slice(first, count), found, first, asked))
            since = runs[-1][0]


def _edit(rows: pa.Table, found: Slice, first: int, since: int) -> Edit:
    """What one commit did, as far as its rows still tell. A row that was made and changed after `since` is inserted."""
    part = slice(first, first + len(rows))
    removed = pa.array(found.fate[part] == Fate.REMOVED)
    made = pa.array((found.fate[part] != Fate.EDITED) | (found.lines.created[part] > since))
    kept = rows.filter(pc.invert(removed))
    fresh = made.filter(pc.invert(removed))
    changed = kept.filter(pc.invert(fresh))
    return Edit(inserted=kept.filter(fresh), old=changed, new=changed, deleted=rows.filter(removed))


def _refuse_times(edit: Edit) -> None:
    for rows in (edit.inserted, edit.new):
        if rows is None or not len(rows):
            continue
        times = rows.column("time")
        outside = pc.or_(pc.less(times, EARLIEST), pc.greater_equal(times, LATEST))
        row = pc.index(outside, True).as_py()
        if row >= 0:
            text = print_text(times.slice(row, 1).combine_chunks(), Type.TIMESTAMPTZ)[0].as_py()
            raise sql(400, "22008", f'timestamp out of range: "{text}"', "Readings are of the years 1970 to 2112.")


def _runs(positions: Sequence[int]) -> list[tuple[int, int, int]]:
    """Equal neighbours: the value, where they begin, and how many they are."""
    found: list[tuple[int, int, int]] = []
    for at, position in enumerate(positions):
        if found and found[-1][0] == position:
            found[-1] = (position, found[-1][1], found[-1][2] + 1)
        else:
            found.append((position, at, 1))
    return found


def _by_time(order: Sequence[Sort]) -> bool:
    """Whether an order is that in which rows are read: by time, then by device upwards."""
    names = [(term.ref.column, term.descending) for term in order[:2]]
    if not names:
        return False
    return names[0][0] == "time" and names[1:] in ([], [("device_id", False)]) and not any(term.ref.path for term in order)
