"""The only home of SQL. One file per thing people do, each with ``load_…`` (what a drain's commands need), ``write_…``
(what a drain's changes say) and read-only questions; ``database`` opens the file, ``schema`` names the tables.

Rules: one connection writes and checkpoints; readers are read-only; every statement works on SQLite and PostgreSQL.
"""
