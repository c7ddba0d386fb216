from __future__ import annotations

from alembic import context

from fotofila.core.db import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=False,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
