"""What Alembic runs around the revisions: they go through the connection and the transaction of the caller."""

from __future__ import annotations

from alembic import context

from catalog.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite's tables are made inside a transaction as well, since the ledger begins it itself
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
