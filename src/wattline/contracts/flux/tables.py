"""The relations of the contract, column by column in their published order."""

from __future__ import annotations

from wattline.contracts.flux.catalog import Column, Default, Relationship, RelationType, Type, Unique

T, U, R, D = Type.TIMESTAMPTZ, Type.UUID, Type.FLOAT4, Type.FLOAT8

POWERS = (
    "frequency", "voltage_line_average", "current_phase_a", "current_phase_b", "current_phase_c", "current_phase_average",
    "power_phase_a_active", "power_phase_b_active", "power_phase_c_active", "power_total_active", "power_total_reactive",
    "power_total_apparent", "power_factor_total",
)  # fmt: skip
"""The measures of a meter that the roll-ups average."""
COUNTERS = (
    "energy_imported_active", "energy_exported_active", "energy_imported_phase_a_active", "energy_exported_phase_a_active",
    "energy_imported_phase_b_active", "energy_exported_phase_b_active", "energy_imported_phase_c_active",
    "energy_exported_phase_c_active", "energy_imported_reactive", "energy_exported_reactive", "energy_imported_apparent",
    "energy_exported_apparent",
)  # fmt: skip
"""Its counters, of which the roll-ups give the deltas; of the first eight also the minima."""
MINIMA = COUNTERS[:8]


def _readings(name: str, measures: tuple[Column, ...]) -> RelationType:
    keys = (
        Column("time", T, nullable=False),
        Column("device_id", U, nullable=False),
        Column("id", U, nullable=False, default=Default.UUID),
        Column("created_at", T, nullable=False, default=Default.NOW),
    )
    unique = Unique(f"{name}_deviceid_time_idx", ("device_id", "time"))
    return RelationType(name, keys + measures, (unique,), order=("time", "device_id"))


BESS = _readings(
    "mg_bess_readings",
    (
        Column("soe", R),
        Column("target_power", R),
        Column("available_inverter_blocks", Type.INT2),
        Column("command_source", Type.INT2),
        Column("real_power_mode", Type.INT2),
    ),
)
METER = _readings("mg_meter_readings", tuple(Column(name, R) for name in (*POWERS, *COUNTERS)))

REGISTRY = RelationType(
    "mg_device_registry",
    (
        Column("id", U, nullable=False, default=Default.UUID),
        Column("created_at", T, nullable=False, default=Default.NOW),
        Column("name", Type.TEXT, nullable=False),
        Column("type", Type.TEXT, nullable=False),
        Column("site", Type.TEXT, nullable=False),
        Column("metadata", Type.JSONB),
        Column("active", Type.BOOL, default=Default.TRUE),
    ),
    (Unique("mg_device_registry_pkey", ("id",), primary=True),),
    order=("created_at", "id"),
    aliases={"device_id": "id"},
)

MARKET = RelationType(
    "market_data",
    (
        Column("id", U, nullable=False, default=Default.UUID),
        Column("time", T, nullable=False),
        Column("type", Type.INT4, nullable=False),
        Column("value", R),
        Column("metadata", Type.JSONB),
        Column("created_at", T, nullable=False, default=Default.NOW),
    ),
    (Unique("market_data_pkey", ("id",), primary=True),),
    order=("created_at", "id"),
)
MARKET_TYPES = RelationType(
    "market_data_types",
    (
        Column("id", Type.INT4, nullable=False, default=Default.SEQUENCE),
        Column("name", Type.TEXT, nullable=False),
        Column("description", Type.TEXT),
        Column("unit", Type.TEXT),
        Column("created_at", T, default=Default.NOW),
    ),
    (Unique("market_data_types_pkey", ("id",), primary=True), Unique("market_data_types_name_key", ("name",))),
    order=("id",),
)


def _rollup(name: str, columns: tuple[Column, ...]) -> RelationType:
    keys = (Column("device_id", U), Column("time_b", T))
    return RelationType(name, keys + columns, order=("time_b", "device_id"), writable=False)


BESS_ROLLUPS = tuple(
    _rollup(f"mg_bess_readings_{width}", (Column("soe_avg", D), Column("target_power_avg", D))) for width in ("5m", "30m")
)
METER_ROLLUPS = tuple(
    _rollup(
        f"mg_meter_readings_{width}_intermediate",
        tuple(Column(f"{name}_avg", D) for name in POWERS) + tuple(Column(f"{name}_min", R) for name in MINIMA),
    )
    for width in ("5m", "30m")
)
METER_FUNCTION_COLUMNS = (
    Column("time_b", T),
    Column("device_id", U),
    *(Column(f"{name}_avg", D) for name in POWERS),
    *(Column(f"{name}_min", R) for name in MINIMA),
    *(Column(f"{name}_delta", D) for name in COUNTERS),
)
"""What `get_meter_readings_5m` and `get_meter_readings_30m` return."""

RELATIONS = {
    relation.name: relation for relation in (BESS, METER, REGISTRY, MARKET, MARKET_TYPES, *BESS_ROLLUPS, *METER_ROLLUPS)
}
RELATIONSHIPS = (
    Relationship("market_data_type_fkey", MARKET.name, "type", MARKET_TYPES.name, "id"),
    *(
        Relationship(f"{relation.name}_device_id_fkey", relation.name, "device_id", REGISTRY.name, "id")
        for relation in (BESS, METER, *BESS_ROLLUPS, *METER_ROLLUPS)
    ),
)
