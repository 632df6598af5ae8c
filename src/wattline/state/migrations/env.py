"""How alembic runs here: on the connection that `wattline.state.migrate` hands over."""

from __future__ import annotations

from alembic import context

from wattline.state.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
