"""Which streams of the platform a relation of readings shows, and where in their rows its columns are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wattline.contracts.flux.catalog import RelationType, Type
from wattline.contracts.flux.tables import COUNTERS
from wattline.ingest.table_rows import Place, Shape
from wattline.model.place import Layout, Quantity
from wattline.registry.listing import Exposure
from wattline.registry.listings import Listings
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

IMPORTED = "energy_imported_active"
KEYS = 4
"""Columns before the measures: time, device_id, id, created_at."""
UNITS = {
    "frequency": "Hz", "voltage": "V", "current": "A", "power_total_reactive": "kvar", "power_total_apparent": "kVA",
    "power_factor": "1", "power": "kW", "energy_imported_reactive": "kvarh", "energy_exported_reactive": "kvarh",
    "energy_imported_apparent": "kVAh", "energy_exported_apparent": "kVAh", "energy": "kWh", "soe": "kWh", "target_power": "kW",
}  # fmt: skip
"""By the beginning of a column's name, the longest that fits."""


def unit(column: str) -> str:
    """The unit of a column; `1` where it is a plain number."""
    fits = [prefix for prefix in UNITS if column.startswith(prefix)]
    return UNITS[max(fits, key=len)] if fits else "1"


def layout_of(relation: RelationType) -> Layout:
    """The layout of a device that writes to the relation itself."""
    quantities = (
        Quantity(
            column.name,
            unit(column.name),
            "counter" if column.name in COUNTERS else "state" if column.type is Type.INT2 else "gauge",
            # A bill counts what a meter has taken in: not its phases once more, and not what it gave.
            "counter" if column.name == IMPORTED else None,
        )
        for column in relation.columns[KEYS:]
    )
    return Layout(relation.name, tuple(quantities))


class Devices:
    """The devices of one relation: those that write to it, and those of other contracts that are shown in it."""

    def __init__(self, registry: Registry, listings: Listings, relation: RelationType) -> None:
        self.layout = layout_of(relation)
        self._relation = relation.name
        self._registry = registry
        self._listings = listings
        self._own: dict[str, dict[str, Stream]] = {}

    def own(self, tenant: str) -> Mapping[str, Stream]:
        """The streams of devices that write to the relation itself, by uuid."""
        known = self._own.setdefault(tenant, {})
        streams = self._registry.streams(tenant, self.layout.name)
        for stream in streams[len(known) :]:
            known[stream.device.key] = stream
        return known

    def others(self, tenant: str) -> list[Exposure]:
        """Devices of other contracts."""
        return [shown for shown in self._listings.exposures(tenant) if shown.relation == self._relation]

    async def ensure(self, tenant: str, device_ids: Iterable[str]) -> Mapping[str, Stream]:
        """The streams of devices, made where they send for the first time."""
        missing = sorted(set(device_ids) - self.own(tenant).keys())
        if missing:
            await self._listings.streams(tenant, missing, self.layout)
        return self.own(tenant)

    def shape(self, tenant: str, columns: Sequence[str], only: frozenset[object] | None) -> tuple[Shape, list[str]]:
        """The rows to read, and the uuid of each rank: in order of uuid. `only` names devices."""
        names = [quantity.name for quantity in self.layout.quantities]
        own: list[Place] = [(names.index(column), 1.0) for column in columns]
        found: list[tuple[str, Stream, Sequence[Place]]] = []
        known = self.own(tenant)
        for device_id in known if only is None else only & known.keys():
            found.append((str(device_id), known[str(device_id)], own))
        for shown in self.others(tenant):
            if only is None or shown.uuid in only:
                found.append((shown.uuid, shown.stream, [shown.columns.get(column) for column in columns]))
        found.sort(key=lambda each: each[0])
        uuids = list(dict.fromkeys(uuid for uuid, *_ in found))
        ranks = {uuid: rank for rank, uuid in enumerate(uuids)}
        shape = Shape([stream for _, stream, _ in found], [places for *_, places in found], [ranks[uuid] for uuid, *_ in found])
        return shape, uuids
