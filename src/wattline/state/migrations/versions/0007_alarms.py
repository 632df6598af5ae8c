"""Tables of alarms: limits, what is known of each sensor, alarms, each time one was raised, floods."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    _sensors()
    _alarms()
    _rates()


def _sensors() -> None:
    op.create_table(
        "alarm_limits",
        sa.Column("sensor", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("direction", sa.String(4), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("priority", sa.String(2), nullable=False),
        sa.Column("on_delay", sa.BigInteger, nullable=False),
        sa.Column("off_delay", sa.BigInteger, nullable=False),
        sa.Column("deadband", sa.Float(53), nullable=False),
        sa.Column("inclusive", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("sensor", "name", name="pk_alarm_limits"),
    )
    op.create_table(
        "alarm_conditions",
        sa.Column("sensor", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("active", sa.JSON, nullable=False),
        sa.Column("pending", sa.JSON, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float(53)),
        sa.Column("reported", sa.BigInteger, nullable=False),
        sa.Column("edge", sa.JSON),
        sa.Column("stale_since", sa.BigInteger),
        sa.Column("out_since", sa.BigInteger),
        sa.Column("out_by", sa.String(128)),
        sa.Column("out_reason", sa.String(500)),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sensor", name="pk_alarm_conditions"),
    )
    op.create_index("ix_alarm_conditions_updated", "alarm_conditions", ["updated"])


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("block", sa.Integer, nullable=False),
        sa.Column("sensor", sa.Integer, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    # A sensor has one alarm that has not ended.
    live = sa.text("NOT ended")
    op.create_index("uq_alarms_live", "alarms", ["sensor"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_index("ix_alarms_tenant_state", "alarms", ["tenant", "state", "priority", "raised"])
    op.create_index("ix_alarms_tenant_raised", "alarms", ["tenant", "raised"])
    op.create_index("ix_alarms_block_state", "alarms", ["block", "state", "priority", "raised"])
    op.create_index("ix_alarms_sensor_raised", "alarms", ["sensor", "raised"])


def _rates() -> None:
    op.create_table(
        "alarm_raises",
        sa.Column("alarm", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("raised", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("block", sa.Integer, nullable=False),
        sa.Column("sensor", sa.Integer, nullable=False),
        sa.Column("priority", sa.String(2), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("alarm", "raised", name="pk_alarm_raises"),
    )
    op.create_index("ix_alarm_raises_tenant_time", "alarm_raises", ["tenant", "time"])
    op.create_index("ix_alarm_raises_time", "alarm_raises", ["time"])
    op.create_table(
        "alarm_floods",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        # 0 is the tenant as a whole: a unique index does not count nulls.
        sa.Column("block", sa.Integer, nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_floods"),
    )
    open_ones = sa.text("ended IS NULL")
    op.create_index(
        "uq_alarm_floods_open",
        "alarm_floods",
        ["tenant", "block"],
        unique=True,
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )
    op.create_index("ix_alarm_floods_tenant_begun", "alarm_floods", ["tenant", "block", "begun"])
