"""The tables of households. Times are microseconds since 1970 (UTC), days ISO dates of the household, money decimal text."""

from __future__ import annotations

import sqlalchemy as sa

from wattline.state.tables import metadata

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ID = sa.String(30)
TENANT = sa.String(128)
MAC = sa.String(17)
DAY = sa.String(10)
_UNTOLD = sa.text("suggested IS NULL")

users = sa.Table(
    "household_users",
    metadata,
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
"""`quiet_from` and `quiet_to` are local hours between which no mail goes out; `r_squared` is of the appliances' estimate."""

tariffs = sa.Table(
    "household_tariffs",
    metadata,
    sa.Column("tenant", TENANT, primary_key=True),
    sa.Column("user", ID, primary_key=True),
    sa.Column("since", DAY, primary_key=True),
    sa.Column("base_price", sa.String(32), nullable=False),
    sa.Column("working_price", sa.String(32), nullable=False),
)
"""From the local day `since`: the base price in EUR a month and the working price in EUR a kWh."""

experiments = sa.Table(
    "household_experiments",
    metadata,
    sa.Column("tenant", TENANT, primary_key=True),
    sa.Column("id", ID, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)

participants = sa.Table(
    "household_participants",
    metadata,
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

meters = sa.Table(
    "household_meters",
    metadata,
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
    sa.Index("ix_household_meters_tenant_user", "tenant", "user"),
)
"""`kind` is the number of the wire's SensorType, `secret` the SHA-256 of what the meter must show, `version` grows with each
change, so that other processes see it."""

meter_versions = sa.Table(
    "household_meter_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
"""One row, counted up by every change of a meter: who changes one holds it first, and other processes see that it changed."""

assignments = sa.Table(
    "household_assignments",
    metadata,
    sa.Column("mac", MAC, primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True),
    sa.Column("tenant", TENANT, nullable=False),
    sa.Column("user", ID, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Index("ix_household_assignments_tenant_user", "tenant", "user"),
)

tokens = sa.Table(
    "household_tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("mac", MAC, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Index("ix_household_tokens_mac", "mac"),
)

progress = sa.Table(
    "household_progress",
    metadata,
    sa.Column("work", sa.String(20), primary_key=True),
    sa.Column("tenant", TENANT, primary_key=True),
    sa.Column("user", ID, primary_key=True),
    sa.Column("mac", MAC, primary_key=True),
    sa.Column("upto", sa.BigInteger, nullable=False),
)
"""Up to when each kind of work (peaks, anomalies) has looked at a meter of a household."""

peaks = sa.Table(
    "household_peaks",
    metadata,
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
    sa.Column("suggested", sa.BigInteger),
    sa.UniqueConstraint("tenant", "user", "mac", "start"),
    sa.Index("ix_household_peaks_tenant_user_end", "tenant", "user", "end"),
    sa.Index("ix_household_peaks_untold", "updated", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
)
"""`power_w` is the mean above the base load `base_w`; `energy_kwh` is what the peak used above it. `suggested` is the `updated`
of the form for which appliances were suggested last, null where that is still to be done."""

removed_peaks = sa.Table(
    "household_removed_peaks",
    metadata,
    sa.Column("tenant", TENANT, primary_key=True),
    sa.Column("user", ID, primary_key=True),
    sa.Column("mac", MAC, primary_key=True),
    sa.Column("start", sa.BigInteger, primary_key=True),
    sa.Column("end", sa.BigInteger, nullable=False),
)
"""Spans of peaks that a household took away: nothing in them is a peak again."""

devices = sa.Table(
    "household_devices",
    metadata,
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
    sa.Index("ix_household_devices_tenant_user", "tenant", "user"),
)

peak_devices = sa.Table(
    "household_peak_devices",
    metadata,
    sa.Column("tenant", TENANT, primary_key=True),
    sa.Column("peak", ID, primary_key=True),
    sa.Column("device", sa.BigInteger, primary_key=True),
)

suggestions = sa.Table(
    "household_suggestions",
    metadata,
    sa.Column("tenant", TENANT, primary_key=True),
    sa.Column("peak", ID, primary_key=True),
    sa.Column("category", sa.String(40), primary_key=True),
    sa.Column("confidence", sa.Double, nullable=False),
)

anomalies = sa.Table(
    "household_anomalies",
    metadata,
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
    sa.UniqueConstraint("tenant", "user", "mac", "kind", "start"),
    sa.Index("ix_household_anomalies_tenant_user_start", "tenant", "user", "start"),
)
"""One row an incident; `end` is null while it lasts."""

reports = sa.Table(
    "household_reports",
    metadata,
    sa.Column("tenant", TENANT, primary_key=True),
    sa.Column("id", ID, primary_key=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("first_day", DAY, nullable=False),
    sa.Column("last_day", DAY, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("tenant", "user", "last_day"),
)
