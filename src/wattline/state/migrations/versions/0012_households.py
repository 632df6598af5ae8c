"""Households: people, meters and their tokens, and what is derived from their readings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ID = sa.String(30)
TENANT = sa.String(128)
MAC = sa.String(17)
DAY = sa.String(10)


def upgrade() -> None:
    """Create the tables."""
    _people()
    _meters()
    _findings()


def _people() -> None:
    op.create_table(
        "household_users",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("firstname", sa.String(128)),
        sa.Column("lastname", sa.String(128)),
        sa.Column("email", sa.String(254)),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("anomaly_mails", sa.Boolean, nullable=False),
        sa.Column("report_mails", sa.Boolean, nullable=False),
        sa.Column("report_days", sa.Integer, nullable=False),
        sa.Column("report_hour", sa.Integer, nullable=False),
        sa.Column("quiet_from", sa.Integer),
        sa.Column("quiet_to", sa.Integer),
        sa.Column("goal_kwh", sa.String(32)),
        sa.Column("r_squared", sa.Double),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger),
    )
    op.create_table(
        "household_tariffs",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("user", ID, primary_key=True),
        sa.Column("since", DAY, primary_key=True),
        sa.Column("base_price", sa.String(32), nullable=False),
        sa.Column("working_price", sa.String(32), nullable=False),
    )
    op.create_table(
        "household_experiments",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "household_participants",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("experiment", ID, primary_key=True),
        sa.Column("user", ID, primary_key=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("installed", DAY),
        sa.Column("deinstalled", DAY),
        sa.Column("gets_paid", sa.Boolean, nullable=False),
        sa.Column("uses_prolific", sa.Boolean, nullable=False),
    )


def _meters() -> None:
    op.create_table(
        "household_meters",
        sa.Column("mac", MAC, primary_key=True),
        sa.Column("tenant", TENANT, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("user", ID),
        sa.Column("script", sa.Text),
        sa.Column("needs_script", sa.Boolean, nullable=False),
        sa.Column("limit_kwh_minute", sa.Double, nullable=False),
        sa.Column("secret", sa.String(64)),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_household_meters_tenant_user", "household_meters", ["tenant", "user"])
    versions = op.create_table(
        "household_meter_versions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(versions, [{"id": 1, "version": 0}])
    op.create_table(
        "household_assignments",
        sa.Column("mac", MAC, primary_key=True),
        sa.Column("since", sa.BigInteger, primary_key=True),
        sa.Column("tenant", TENANT, nullable=False),
        sa.Column("user", ID, nullable=False),
        sa.Column("until", sa.BigInteger),
    )
    op.create_index("ix_household_assignments_tenant_user", "household_assignments", ["tenant", "user"])
    op.create_table(
        "household_tokens",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("mac", MAC, nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_household_tokens_mac", "household_tokens", ["mac"])


def _findings() -> None:
    op.create_table(
        "household_progress",
        sa.Column("work", sa.String(20), primary_key=True),
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("user", ID, primary_key=True),
        sa.Column("mac", MAC, primary_key=True),
        sa.Column("upto", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "household_peaks",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("mac", MAC, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("power_w", sa.Double, nullable=False),
        sa.Column("base_w", sa.Double, nullable=False),
        sa.Column("energy_kwh", sa.Double, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "user", "mac", "start", name="uq_household_peaks_tenant"),
    )
    op.create_index("ix_household_peaks_tenant_user_end", "household_peaks", ["tenant", "user", "end"])
    op.create_table(
        "household_devices",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("tenant", TENANT, nullable=False),
        sa.Column("user", ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("power_w", sa.Double),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("sigma_w", sa.Double),
        sa.Column("weekly_hours", sa.Double),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_household_devices_tenant_user", "household_devices", ["tenant", "user"])
    op.create_table(
        "household_peak_devices",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("peak", ID, primary_key=True),
        sa.Column("device", sa.BigInteger, primary_key=True),
    )
    op.create_table(
        "household_suggestions",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("peak", ID, primary_key=True),
        sa.Column("category", sa.String(40), primary_key=True),
        sa.Column("confidence", sa.Double, nullable=False),
    )
    op.create_table(
        "household_anomalies",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("mac", MAC, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "user", "mac", "kind", "start", name="uq_household_anomalies_tenant"),
    )
    op.create_index("ix_household_anomalies_tenant_user_start", "household_anomalies", ["tenant", "user", "start"])
    op.create_table(
        "household_reports",
        sa.Column("tenant", TENANT, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("first_day", DAY, nullable=False),
        sa.Column("last_day", DAY, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "user", "last_day", name="uq_household_reports_tenant"),
    )
