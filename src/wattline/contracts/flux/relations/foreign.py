"""Rows that devices of other contracts send, told as changes of the relations that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.relation import Edit, TableChange
from wattline.contracts.flux.relations import lines
from wattline.contracts.flux.relations.devices import KEYS
from wattline.ingest.recent import blank
from wattline.ingest.table_rows import Slice
from wattline.model.record import Fate, Row
from wattline.registry.listing import Exposure
from wattline.registry.listings import Listings


class Foreign:
    """Hears every committed row. Of a device whose points come one by one, each makes a change with the others null."""

    def __init__(self, listings: Listings, kinds: Sequence[RelationType], publish: Callable[[TableChange], None]) -> None:
        self._listings = listings
        self._kinds = {kind.name: kind for kind in kinds}
        self._publish = publish
        self._version = (-1, -1)
        self._shown: Mapping[int, list[Exposure]] = {}

    def heard(self, rows: Sequence[Row]) -> None:
        """Rows were committed, in this order. Costs one look-up while no device is shown."""
        shown = self._exposed()
        if not shown:
            return
        for row in rows:
            for exposure in shown.get(row.stream, ()):
                self._publish(self._change(exposure, row))

    def _exposed(self) -> Mapping[int, list[Exposure]]:
        """The exposures of every tenant by stream."""
        version = self._listings.every_version
        if version != self._version:
            found: dict[int, list[Exposure]] = {}
            for exposure in self._listings.every_exposure():
                if exposure.relation in self._kinds:
                    found.setdefault(exposure.stream.id, []).append(exposure)
            self._version, self._shown = version, found
        return self._shown

    def _change(self, exposure: Exposure, row: Row) -> TableChange:
        kind = self._kinds[exposure.relation]
        names = [column.name for column in kind.columns]
        one = blank(1, len(names) - KEYS)
        one.time[0], one.created[0] = row.time, row.received
        for column, (position, factor) in exposure.columns.items():
            value = row.values[position]
            if value is not None:
                at = names.index(column) - KEYS
                one.values[0, at] = value * factor
                one.quality[0, at] = row.quality if isinstance(row.quality, int) else row.quality[position]
        received, fate = np.array([row.received]), np.array([Fate.NONE], np.uint8)
        found = Slice(np.zeros(1, np.int64), received, fate, one)
        table = lines.table(kind, names, names[KEYS:], found, [exposure.uuid])
        return TableChange(exposure.stream.device.site.tenant, kind.name, row.received, Edit(inserted=table))
