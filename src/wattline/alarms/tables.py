"""The tables of alarms. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

import sqlalchemy as sa

from wattline.alarms.model import STATES
from wattline.state.tables import metadata

COUNTED = {"preserve_rowcount": True}
"""With this an insert tells how many rows it wrote, also on PostgreSQL."""

LIVE = tuple(state for state in STATES if state != "CLEARED")
"""The states of alarms that have not ended, named one by one: so the index on states leads to them among many that have."""

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE = sa.text("NOT ended")
_OPEN = sa.text("ended IS NULL")

limits = sa.Table(
    "alarm_limits",
    metadata,
    sa.Column("sensor", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("direction", sa.String(4), nullable=False),
    sa.Column("value", sa.Float(53), nullable=False),
    sa.Column("priority", sa.String(2), nullable=False),
    sa.Column("on_delay", sa.BigInteger, nullable=False),
    sa.Column("off_delay", sa.BigInteger, nullable=False),
    sa.Column("deadband", sa.Float(53), nullable=False),
    sa.Column("inclusive", sa.Boolean, nullable=False),
)

conditions = sa.Table(
    "alarm_conditions",
    metadata,
    sa.Column("sensor", sa.Integer, primary_key=True, autoincrement=False),
    #: Counts what was decided about the sensor, by whichever process: the second of two that decide at once finds it moved.
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("active", sa.JSON, nullable=False),
    sa.Column("pending", sa.JSON, nullable=False),
    sa.Column("through", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Float(53)),
    #: The time of the newest report that the device itself made.
    sa.Column("reported", sa.BigInteger, nullable=False),
    #: What the device annunciates by itself, as long as it does: priority, threshold, direction.
    sa.Column("edge", sa.JSON(none_as_null=True)),
    sa.Column("stale_since", sa.BigInteger),
    sa.Column("out_since", sa.BigInteger),
    sa.Column("out_by", sa.String(128)),
    sa.Column("out_reason", sa.String(500)),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Index("ix_alarm_conditions_updated", "updated"),
)

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("block", sa.Integer, nullable=False),
    sa.Column("sensor", sa.Integer, nullable=False),
    #: As it is shown: what `Alarm.state` says of the facts below.
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("priority", sa.String(2), nullable=False),
    sa.Column("in_force", sa.Boolean, nullable=False),
    sa.Column("acknowledged", sa.Boolean, nullable=False),
    sa.Column("limit_name", sa.String(32), nullable=False),
    sa.Column("threshold_value", sa.Float(53)),
    sa.Column("threshold_direction", sa.String(4)),
    sa.Column("value_at_raise", sa.Float(53)),
    sa.Column("value_at_clear", sa.Float(53)),
    sa.Column("raised", sa.BigInteger, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("acked", sa.BigInteger),
    sa.Column("acked_by", sa.String(128)),
    sa.Column("cleared", sa.BigInteger),
    sa.Column("shelved", sa.BigInteger),
    sa.Column("shelved_by", sa.String(128)),
    sa.Column("shelved_until", sa.BigInteger),
    sa.Column("shelve_reason", sa.String(500)),
    sa.Column("shelved_priority", sa.String(2)),
    sa.Column("suppressed_by", sa.BigInteger),
    sa.Column("out_of_service", sa.Boolean, nullable=False),
    sa.Column("transitions", sa.Integer, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Index("uq_alarms_live", "sensor", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    sa.Index("ix_alarms_tenant_state", "tenant", "state", "priority", "raised"),
    sa.Index("ix_alarms_tenant_raised", "tenant", "raised"),
    sa.Index("ix_alarms_block_state", "block", "state", "priority", "raised"),
    sa.Index("ix_alarms_sensor_raised", "sensor", "raised"),
)

#: Each raise that was annunciated, and when: an alarm that returned and is violated again before anyone acknowledged it was
#: raised twice, and both count for the rates of EEMUA 191. One that stayed hidden does not.
raises = sa.Table(
    "alarm_raises",
    metadata,
    sa.Column("alarm", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("raised", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("block", sa.Integer, nullable=False),
    sa.Column("sensor", sa.Integer, nullable=False),
    sa.Column("priority", sa.String(2), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Index("ix_alarm_raises_tenant_time", "tenant", "time"),
    sa.Index("ix_alarm_raises_time", "time"),
)

floods = sa.Table(
    "alarm_floods",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    #: 0 is the tenant as a whole: a unique index does not count nulls.
    sa.Column("block", sa.Integer, nullable=False),
    sa.Column("begun", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Index("uq_alarm_floods_open", "tenant", "block", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    sa.Index("ix_alarm_floods_tenant_begun", "tenant", "block", "begun"),
)
