"""Organisations, people, rooms and their record: the pure domain, its store and the single writer.

Nothing here knows HTTP, WebSockets or file formats. ``ARCHITECTURE.md`` gives the reading order.
"""
