"""Alembic's entry: runs revisions on the connection that ``db.py`` hands over."""

from alembic import context
from sqlalchemy import Connection

from camera_registry.models import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
