"""The HTTP interface under ``/api/v1``: one file per thing people do.

Rules: a handler reads the request, asks one service, and answers; a "no" is a ``Refusal`` and leaves as problem
details; a route that needs no login says so where it is listed. ``table`` in ``server.app`` lists every route;
tests walk it.
"""
