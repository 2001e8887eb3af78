"""What Alembic runs: on a connection that it is given, within the transaction that is open on it."""

from alembic import context

from imagebot.store.migrations import is_of_store
from imagebot.store.schema import metadata, versions

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=versions.name,
    include_name=is_of_store,
)
context.run_migrations()
