"""What events of power quality are counted by, beside their documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

FILL = {
    "sqlite": """
        UPDATE quality_events SET category = json_extract(body, '$.category'),
            residual_pu = json_extract(body, '$.residual_pu'), max_pu = json_extract(body, '$.max_pu')
        """,
    "postgresql": """
        UPDATE quality_events SET category = body::json ->> 'category',
            residual_pu = (body::json ->> 'residual_pu')::double precision,
            max_pu = (body::json ->> 'max_pu')::double precision
        """,
}


def upgrade() -> None:
    """Add the columns, fill them from the documents, and let an index hold all that counting needs."""
    for column in (
        sa.Column("category", sa.String(20)),
        sa.Column("residual_pu", sa.Double),
        sa.Column("max_pu", sa.Double),
    ):
        op.add_column("quality_events", column)
    op.get_bind().exec_driver_sql(FILL[op.get_bind().dialect.name])
    op.create_index(
        "quality_events_counts",
        "quality_events",
        ["tenant", "start", "superseded_by", "meter", "type", "category", "residual_pu", "max_pu"],
    )
