"""What Alembic runs: the migrations, on the connection that `upgrade` already holds in a transaction."""

from alembic import context

from custody.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things in place: later migrations copy the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
