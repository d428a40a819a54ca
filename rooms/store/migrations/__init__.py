"""Alembic migrations, run by ``rooms.store.migrate`` under the installation's lock."""
